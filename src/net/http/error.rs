//! Why a request got no answer. An answer of any status is no error here: the caller reads it.

use super::super::Lost;
use crate::model::{Class, Fault};
use std::time::Duration;

/// Why a request got no answer. Addresses are shown without credentials and query.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The client cannot be made: a CA file that is missing or holds no certificate.
    #[error("prepare the HTTP client: {reason}")]
    Setup {
        /// What is wrong with which file.
        reason: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The request itself is wrong.
    #[error("send a request to {url}: {reason}")]
    Invalid {
        /// Where to.
        url: String,
        /// What is wrong, without the value.
        reason: String,
    },
    /// No connection; nothing was sent.
    #[error("connect to {url}: {why}")]
    Connect {
        /// Where to.
        url: String,
        /// The cause.
        why: Lost,
    },
    /// No whole answer inside the deadline. What was sent may have been carried out.
    #[error("get an answer from {url} within {deadline:?}")]
    Timeout {
        /// Where to.
        url: String,
        /// The request's deadline.
        deadline: Duration,
        /// True where the request may have reached the server.
        sent: bool,
    },
    /// The connection broke after something was sent, which may have been carried out.
    #[error("read the answer of {url}: {why}")]
    Broken {
        /// Where to.
        url: String,
        /// The cause.
        why: Lost,
    },
    /// The answer is larger than the request allows.
    #[error("read the answer of {url}: it is larger than {limit} bytes")]
    TooLarge {
        /// Where to.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
}

impl HttpError {
    /// Tells whether the server may have received the request: then a create may have happened, and
    /// is looked up before it is sent again.
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Setup { .. } | Self::Invalid { .. } | Self::Connect { .. } => false,
            Self::Timeout { sent, .. } => *sent,
            Self::Broken { .. } | Self::TooLarge { .. } => true,
        }
    }
}

impl Fault for HttpError {
    fn code(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "http-setup",
            Self::Invalid { .. } => "http-request",
            Self::Connect { .. } => "unreachable",
            Self::Timeout { .. } => "timeout",
            Self::Broken { .. } => "connection-lost",
            Self::TooLarge { .. } => "answer-too-large",
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Connect { why, .. } | Self::Broken { why, .. } => {
                return Some(sentence(why));
            }
            Self::Setup { .. } => "Name a readable file of PEM certificates as the CA file.",
            Self::Invalid { .. } => "Check the address and the credentials for stray characters.",
            Self::Timeout { .. } => "It is tried again by itself.",
            Self::TooLarge { .. } => return None,
        };
        Some(hint.to_owned())
    }

    fn class(&self) -> Class {
        match self {
            Self::Setup { .. } | Self::Invalid { .. } => Class::User,
            Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. } => Class::Transient,
            Self::TooLarge { .. } => Class::Refused,
        }
    }
}

/// Says what to do about a connection that is not had.
fn sentence(why: &Lost) -> String {
    let hint = why.hint();
    let (first, rest) = hint.split_at(1);
    let first = first.to_uppercase();
    format!("{first}{rest}; it is tried again by itself.")
}
