//! Why a chart was not fetched. An answer that is no chart is never an empty one.

use crate::model::{Class, Digest, Fault};
use crate::net::HttpError;
use crate::telemetry::chain;

/// Why a chart was not fetched: a fragment that follows the chart's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// The settings do not list the registry.
    #[error("{registry} is no registry that this daemon may fetch charts from")]
    NotAllowed {
        /// Which.
        registry: String,
    },
    /// The settings of the registry cannot be used.
    #[error("the settings of its registry cannot be used: {reason}")]
    Settings {
        /// Why.
        reason: String,
    },
    /// No answer.
    #[error("its registry cannot be asked: {reason}")]
    Unreachable {
        /// Why, without credentials.
        reason: String,
    },
    /// The registry wants credentials, or others.
    #[error("its registry refuses {who} ({status})")]
    Denied {
        /// Who we were.
        who: &'static str,
        /// The status.
        status: u16,
    },
    /// The registry does not have it.
    #[error("its registry does not have it")]
    Missing,
    /// An answer that tells nothing about the chart.
    #[error("its registry answered {status}")]
    Answered {
        /// The status.
        status: u16,
    },
    /// Other bytes than the digest stands for.
    #[error("its registry sent what has the digest {found} for sha256:{expected}")]
    WrongDigest {
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// More than is read.
    #[error("{what} is larger than {limit} MiB")]
    TooLarge {
        /// What is.
        what: &'static str,
        /// The most, in MiB.
        limit: usize,
    },
    /// Something else than a Helm chart.
    #[error("what its registry has there is no Helm chart: {reason}")]
    NoChart {
        /// What it is, or lacks.
        reason: String,
    },
    /// Another version than the spec says.
    #[error("its digest is that of version {found}, not of {expected}")]
    OtherVersion {
        /// What the spec says.
        expected: String,
        /// What the chart says.
        found: String,
    },
}

impl ChartError {
    pub(super) fn archive(reason: String) -> Self {
        Self::NoChart { reason }
    }

    pub(super) fn http(error: &HttpError, what: &'static str) -> Self {
        match error {
            HttpError::TooLarge { limit, .. } => Self::TooLarge {
                what,
                limit: limit.div_ceil(1024 * 1024),
            },
            HttpError::Setup { .. } | HttpError::Invalid { .. } => Self::Settings {
                reason: chain(error),
            },
            other => Self::Unreachable {
                reason: chain(other),
            },
        }
    }
}

impl Fault for ChartError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "registry-not-allowed",
            Self::Settings { .. } => "registry-settings",
            Self::Unreachable { .. } => "registry-unreachable",
            Self::Denied { .. } => "registry-denied",
            Self::Missing => "chart-missing",
            Self::Answered { .. } => "registry-answer",
            Self::WrongDigest { .. } => "chart-digest",
            Self::TooLarge { .. } => "chart-too-large",
            Self::NoChart { .. } => "no-chart",
            Self::OtherVersion { .. } => "chart-version",
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAllowed { .. } => {
                "List it in the daemon's own settings: providers.kubernetes.registries. A repository cannot allow it."
            }
            Self::Settings { .. } => {
                "See providers.kubernetes.registries in the daemon's settings."
            }
            Self::Unreachable { .. } => {
                "Nothing is deleted for it, and it is tried again by itself. Charts that were fetched before need no registry."
            }
            Self::Denied { .. } => {
                "Give `username` and `password` of an account that may pull it, in the daemon's settings: providers.kubernetes.registries."
            }
            Self::Missing => "Check its name and its version or digest, and that it was pushed.",
            Self::Answered { .. } => "It is tried again by itself.",
            Self::WrongDigest { .. } => {
                "Somebody between here and the registry, or the registry itself, changed it: nothing of it was used."
            }
            Self::TooLarge { .. } => "Take what is no template out of the chart.",
            Self::NoChart { .. } => "Push it with `helm package` and `helm push`.",
            Self::OtherVersion { .. } => {
                "Change both together: `helm pull` prints the digest of a version."
            }
        };
        Some(hint.to_owned())
    }

    fn class(&self) -> Class {
        match self {
            Self::Unreachable { .. } => Class::Transient,
            Self::Answered { status } if *status == 429 || *status >= 500 => Class::Transient,
            Self::WrongDigest { .. } => Class::Refused,
            _ => Class::User,
        }
    }
}
