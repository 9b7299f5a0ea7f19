//! CEL expressions: text -> [`Expression`], evaluated with fuel, with secrets tainting what they touch
//! and values that are not known yet ending the evaluation as [`Stop::Unknown`].
//!
//! The `cel` crate parses; evaluating is done here because its evaluator has no cost limit and cannot
//! carry taint. The language is described at <https://cel.dev>; what of it there is stands in
//! `functions` and `operators`.

mod chain;
mod datum;
mod evaluate;
mod fuel;
mod functions;
mod operators;
mod parse;
pub(crate) mod reference;
#[cfg(test)]
mod tests;

pub(crate) use datum::{Content, Datum};
pub(crate) use evaluate::{MISSING, evaluate};
pub(crate) use fuel::Fuel;
pub(crate) use parse::{Expression, parse, parse_over};

/// The names an expression can begin with.
pub(crate) const ROOTS: [&str; 5] = ["vars", "secrets", "metadata", "resources", "environments"];

/// Why an evaluation ended without a value.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// It reads what is not known yet.
    Unknown,
    /// It is wrong.
    Wrong(Wrong),
}

/// A mistake in an expression. Never holds a value, so never a secret's.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The part of the expression to mark, as it is written there.
    pub(crate) near: Option<String>,
}

impl Wrong {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            near: None,
        }
    }

    /// What is said of every mistake that a secret may have a part in: the same of each, for which
    /// mistake it is, and how large a number in its text, would tell something of the value.
    pub(crate) fn of_secret() -> Self {
        let message = "the expression cannot be computed; it uses a secret, so what is wrong with it is not said";
        Self::new("secret-expression", message).with_hint(
            "Look at its types, indexes and lookups; a secret is a text, and cannot be a key.",
        )
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn near(mut self, text: impl Into<String>) -> Self {
        self.near = Some(text.into());
        self
    }
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

/// What names mean.
pub(crate) trait Names {
    /// Reads the longest beginning of a chain of names that has a value, and says how many names it
    /// took; the rest is looked up in the value.
    fn read(&self, chain: &[String]) -> Result<(Datum, usize), Stop>;
}
