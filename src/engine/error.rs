//! Why a run could not begin.

use crate::deliver::render::many;
use crate::ledger::LedgerError;
use crate::model::{Class, Diagnostic, Fault};
use crate::spec::Environment;

/// Why a run could not begin. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CycleError {
    /// The spec cannot be resolved: every mistake, located.
    #[error("resolve the environment: {}, the first: {}", many(.0.len(), "mistake"), first(.0))]
    Invalid(Vec<Diagnostic>),
    /// A newer revision or the end of the daemon came while it looked.
    #[error("look to the end: it was cut short")]
    Stopped,
    /// The ledger cannot be read or written.
    #[error("work with the ledger")]
    Ledger(#[from] LedgerError),
}

fn first(diagnostics: &[Diagnostic]) -> String {
    diagnostics.first().map_or_else(String::new, |one| {
        let at = &one.location;
        format!("{}:{}:{}: {}", at.file, at.line, at.column, one.message)
    })
}

/// Returns what to do about secrets that are missing, where one is. `reconciled validate` reads none, and has nothing
/// to show of that.
pub(super) fn of_secrets(wrong: &[Diagnostic]) -> Option<String> {
    let is_secret = |one: &&Diagnostic| one.code == Environment::MISSING_SECRET;
    let first = wrong.iter().find(is_secret)?;
    let mut next = format!("{}: {}", first.location, first.hint.as_deref()?);
    if !wrong.iter().all(|one| is_secret(&one)) {
        next.push_str(" To see the other mistakes: reconciled validate.");
    }
    Some(next)
}

impl Fault for CycleError {
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid-spec",
            Self::Stopped => "stopped",
            Self::Ledger(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid(wrong) => Some(match of_secrets(wrong) {
                Some(next) => format!("{next} The last good state stays in force."),
                None => "Run `reconciled validate` on the repository; the last good state stays in force.".to_owned(),
            }),
            Self::Stopped => None,
            Self::Ledger(error) => error.hint(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Invalid(_) => Class::User,
            Self::Stopped => Class::Transient,
            Self::Ledger(error) => error.class(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Location, RepoPath, Severity};

    fn mistake(code: &'static str, hint: &str) -> Diagnostic {
        Diagnostic {
            location: Location {
                file: RepoPath::new("shop.yaml").unwrap(),
                line: 6,
                column: 17,
                length: 1,
            },
            severity: Severity::Error,
            code,
            message: "wrong".to_owned(),
            hint: Some(hint.to_owned()),
            source_line: String::new(),
            related: None,
        }
    }

    #[test]
    fn nobody_is_sent_to_validate_for_a_secret() {
        let secret = mistake("missing-secret", "Provide it.");
        let hint = |wrong: &[&Diagnostic]| {
            let wrong = wrong.iter().map(|one| (*one).clone());
            CycleError::Invalid(wrong.collect()).hint().unwrap()
        };
        assert_eq!(
            hint(&[&secret]),
            "shop.yaml:6:17: Provide it. The last good state stays in force."
        );
        let other = mistake("unknown-key", "Did you mean `x`?");
        assert!(hint(&[&other]).starts_with("Run `reconciled validate`"));
        let both = hint(&[&other, &secret]);
        assert!(
            both.starts_with(
                "shop.yaml:6:17: Provide it. To see the other mistakes: reconciled validate."
            ),
            "{both}"
        );
    }
}
