//! Where health and metrics are served.

use super::describe::{object, text_or};
use super::element::Reading;
use crate::yaml::Node;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};

/// Where health and metrics are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// The address and port.
    pub listen: SocketAddr,
}

impl Default for Web {
    /// This machine only: nothing that is served asks who reads it.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9720)),
        }
    }
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Web {
    reading.element(node, |reading, fields| {
        let Some(node) = fields.get("listen") else {
            return Web::default();
        };
        let text = reading.reader.name(node);
        let listen = text.and_then(|text| text.parse().ok());
        if text.is_some() && listen.is_none() {
            let error = node.place.error("bad-address", "it is no address and port");
            let hint = "Write both, as in 127.0.0.1:9720, 0.0.0.0:9720 or [::1]:9720.";
            reading.reader.report(error.with_hint(hint));
        }
        Web {
            listen: listen.unwrap_or_else(|| Web::default().listen),
        }
    })
}

pub(super) fn schema() -> Value {
    object(
        "Health (/healthz, /readyz) and metrics (/metrics)",
        &[],
        vec![(
            "listen",
            text_or(
                "The address and port; port 0 takes any that is free",
                "127.0.0.1:9720",
            ),
        )],
    )
}
