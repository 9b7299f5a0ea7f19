//! Why a run could not begin.

use crate::deliver::render::many;
use crate::ledger::LedgerError;
use crate::model::{Class, Diagnostic, Fault};

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
            Self::Invalid(_) => Some(
                "Run `reconciled validate` on the repository; the last good state stays in force."
                    .to_owned(),
            ),
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
