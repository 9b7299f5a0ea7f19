//! Why a provider did not carry out a step.

use crate::model::{Class, Fault};

/// Why a step was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Live state is not what was planned against.
    #[error("apply to {what}: it changed since it was planned")]
    Moved {
        /// The live object.
        what: String,
    },
    /// It is not ours, or a guard of the live side held.
    #[error("apply to {what}: {reason}")]
    Refused {
        /// The live object.
        what: String,
        /// Why.
        reason: String,
        /// Stable code: `not-ours`, `forbidden`, `immutable`, `protected` …
        code: &'static str,
        /// What to do next.
        hint: Option<String>,
    },
    /// The live side says the request is wrong.
    #[error("apply to {what}: {reason}")]
    Invalid {
        /// The live object.
        what: String,
        /// The live side's words without secrets.
        reason: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// No answer, or an answer that says "later".
    #[error("reach {what}: {reason}")]
    Unavailable {
        /// The live side.
        what: String,
        /// What was seen.
        reason: String,
        /// Stable code: `unreachable`, `timeout`, `rate-limited`, `server-error` …
        code: &'static str,
    },
    /// The run was stopped while this step waited for the live side.
    #[error("finish {what}: {reason}")]
    Stopped {
        /// The live object.
        what: String,
        /// What it waits for.
        reason: String,
    },
    /// It was told to go, and the live side takes its time: the next look follows it.
    #[error("finish {what}: {reason}")]
    UnderWay {
        /// The live object.
        what: String,
        /// What it waits for.
        reason: String,
    },
    /// A bug of ours.
    #[error("apply to {what}: {reason}")]
    Internal {
        /// The live object.
        what: String,
        /// What was seen.
        reason: String,
    },
}

impl ProviderError {
    /// Sorts what a live side said by whose move it is: `code` and `hint` are lost where the variant
    /// says the same.
    pub(super) fn sorted(
        what: String,
        class: Class,
        code: &'static str,
        (reason, hint): (String, Option<String>),
    ) -> Self {
        match class {
            Class::Transient => Self::Unavailable { what, reason, code },
            Class::Internal => Self::Internal { what, reason },
            Class::User if code == "invalid" => Self::Invalid { what, reason, hint },
            Class::User | Class::Refused => Self::Refused {
                what,
                reason,
                code,
                hint,
            },
        }
    }
}

impl Fault for ProviderError {
    fn code(&self) -> &'static str {
        match self {
            Self::Moved { .. } => "moved",
            Self::Refused { code, .. } | Self::Unavailable { code, .. } => code,
            Self::Invalid { .. } => "invalid",
            Self::Stopped { .. } => "stopped",
            Self::UnderWay { .. } => "under-way",
            Self::Internal { .. } => "internal",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Moved { .. } | Self::Stopped { .. } => {
                Some("The next run plans again from what is there now.".to_owned())
            }
            Self::Refused { hint, .. } | Self::Invalid { hint, .. } => hint.clone(),
            Self::UnderWay { .. } => {
                Some("It is looked at until it is gone; what hangs on it waits.".to_owned())
            }
            Self::Unavailable { .. } => Some("It is tried again by itself.".to_owned()),
            Self::Internal { .. } => Some("Please report it with the log of this run.".to_owned()),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Moved { .. } | Self::Refused { .. } => Class::Refused,
            Self::Invalid { .. } => Class::User,
            Self::Unavailable { .. } | Self::Stopped { .. } | Self::UnderWay { .. } => {
                Class::Transient
            }
            Self::Internal { .. } => Class::Internal,
        }
    }
}
