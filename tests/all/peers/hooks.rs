//! Whoever is told by the webhook: Standard Webhooks' own library checks each POST, our published schema what it says.

use std::path::Path;

use serde_json::Value;

use super::checked::{Checked, Request};

/// What both sides know.
pub(crate) const SECRET: &str = "whsec_cmVjb25jaWxlZCBhbmQgaXRzIGxpc3RlbmVycw==";

/// A listener of its own.
#[derive(Debug)]
pub(crate) struct Hooks {
    pub(crate) server: Checked,
}

impl Hooks {
    /// Starts one that knows a secret.
    pub(crate) fn start(secret: &str) -> Self {
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/event.schema.json");
        let server = Checked::start("hooks.mjs", &[secret, schema.to_str().unwrap()]);
        Self { server }
    }

    /// Where events are posted.
    pub(crate) fn url(&self) -> String {
        format!("{}/events", self.server.url())
    }

    /// Every event that it took, with its id, oldest first.
    pub(crate) fn taken(&self) -> Vec<(String, Value)> {
        let requests = self.server.requests().into_iter();
        let taken = requests.filter(|one| one.status == Some(204));
        taken.map(|one| (id(&one), said(&one))).collect()
    }

    /// The ids of what was posted, however it was answered, in order.
    pub(crate) fn posted(&self) -> Vec<String> {
        self.server.requests().iter().map(id).collect()
    }
}

fn id(request: &Request) -> String {
    request.headers["webhook-id"].clone()
}

fn said(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}
