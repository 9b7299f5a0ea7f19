//! Why a program gave no result. An exit status of any number is no error here: the caller reads it.

use crate::model::{Class, Fault};
use std::time::Duration;

/// Why a program gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no such program on the PATH.
    #[error("start {program}: it is not installed")]
    Missing {
        /// As it was asked for.
        program: String,
    },
    /// It could not be started.
    #[error("start {program}")]
    Start {
        /// As it was asked for.
        program: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It did not end in time and was killed, with all it had started.
    #[error("run {program}: it did not end within {deadline:?}")]
    Timeout {
        /// As it was asked for.
        program: String,
        /// How long it had.
        deadline: Duration,
    },
    /// Its input or output broke.
    #[error("talk to {program}")]
    Broken {
        /// As it was asked for.
        program: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl Fault for ProcessError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "program-missing",
            Self::Start { .. } => "program-start",
            Self::Timeout { .. } => "program-timeout",
            Self::Broken { .. } => "program-broken",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { program } => Some(format!(
                "Install {program}, or put it on the PATH of the daemon."
            )),
            _ => None,
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Missing { .. } | Self::Start { .. } => Class::User,
            Self::Timeout { .. } | Self::Broken { .. } => Class::Transient,
        }
    }
}
