//! Why nothing is served.

use crate::model::{Class, Fault};
use std::io;
use std::net::SocketAddr;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address cannot be had.
    #[error("listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl Fault for WebError {
    fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "web-listen",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { .. } => Some(
                "Stop what uses it, or name another with `web.listen` in the settings.".to_owned(),
            ),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Listen { .. } => Class::User,
        }
    }
}
