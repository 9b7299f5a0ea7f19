//! GitHub's webhook: a signed hint to look now, and nothing more. What the payload says is believed only as
//! far as which repository to look at, and the look itself asks GitHub.
//!
//! Source: "Validating webhook deliveries" and "Webhook events and payloads" in GitHub's documentation.

mod seen;

use crate::engine::{Anew, Hint};
use crate::model::Secret;
use axum::body::Bytes;
use axum::extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hmac::{Hmac, KeyInit as _, Mac as _};
use seen::Seen;
use serde::Deserialize;
use sha2::Sha256;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The longest payload that is read, in bytes; of a longer one the next poll tells.
pub(super) const PAYLOAD: usize = 1024 * 1024;
/// The longest id of a delivery that is kept; GitHub's have 36 characters.
const LONGEST_ID: usize = 64;

/// How GitHub sends an event unless a webhook is set to JSON: as `payload` in a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// What a repository's hints reach.
#[derive(Clone, Debug, Default)]
pub struct Hinted {
    /// Its branch may have moved.
    pub branch: Hint,
    /// Its pull requests may have moved, or somebody said something.
    pub pulls: Hint,
    /// Somebody wants our checks anew.
    pub checks: Anew,
}

/// Takes GitHub's deliveries.
#[derive(Debug)]
pub struct Hooks {
    secret: Secret,
    /// By `owner/name` in lower case: one may be followed more than once.
    hinted: BTreeMap<String, Vec<Hinted>>,
    seen: Mutex<Seen>,
}

/// The only part of a payload that is read.
#[derive(Deserialize)]
struct Payload {
    action: Option<String>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

impl Hooks {
    /// Takes deliveries that are signed with a secret, for these repositories.
    pub fn new(secret: Secret, repositories: impl IntoIterator<Item = (String, Hinted)>) -> Self {
        let mut hinted: BTreeMap<String, Vec<Hinted>> = BTreeMap::new();
        for (name, one) in repositories {
            hinted.entry(name.to_lowercase()).or_default().push(one);
        }
        Self {
            secret,
            hinted,
            seen: Mutex::default(),
        }
    }

    /// Checks the signature over the body as it came, in constant time.
    fn is_signed(&self, signature: &[u8], body: &[u8]) -> bool {
        let key = self.secret.expose().as_bytes();
        let mac = <Hmac<Sha256>>::new_from_slice(key);
        let mut mac = mac.expect("HMAC takes a key of any length");
        mac.update(body);
        // An empty secret signs nothing.
        !key.is_empty() && mac.verify_slice(signature).is_ok()
    }

    fn take(&self, headers: &HeaderMap, body: &[u8]) -> (StatusCode, &'static str) {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let signature = header("x-hub-signature-256").and_then(read_signature);
        let Some(signature) = signature.filter(|signature| self.is_signed(signature, body)) else {
            return (StatusCode::FORBIDDEN, "the signature is missing or wrong\n");
        };
        let id = header("x-github-delivery").filter(|id| !id.is_empty() && id.len() <= LONGEST_ID);
        let (Some(id), Some(event)) = (id, header("x-github-event")) else {
            return (StatusCode::BAD_REQUEST, "it names no delivery or event\n");
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // The id stands outside of what is signed, so whoever sends one again may change it.
        if !seen.is_new(id, signature) {
            return (StatusCode::OK, "it was here before\n");
        }
        drop(seen);
        // The signature is over the form, where GitHub sends one: it does unless a webhook is set to JSON.
        let is_form = header("content-type").is_some_and(|kind| kind.starts_with(FORM));
        let payload = match is_form {
            true => in_form(body),
            false => Some(Cow::Borrowed(body)),
        };
        let payload = payload.and_then(|json| serde_json::from_slice::<Payload>(&json).ok());
        let Some(payload) = payload else {
            return (
                StatusCode::BAD_REQUEST,
                "the payload is no JSON of an event\n",
            );
        };
        let again = payload.action.as_deref() == Some("rerequested");
        let name = payload.repository.map(|one| one.full_name.to_lowercase());
        let hinted = name.and_then(|name| self.hinted.get(&name));
        let said = hint((event, again), hinted.map_or(&[], Vec::as_slice));
        (StatusCode::ACCEPTED, said)
    }
}

/// Returns the JSON that a form holds as its `payload`.
fn in_form(body: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut fields = url::form_urlencoded::parse(body);
    let (_, json) = fields.find(|(name, _)| name == "payload")?;
    Some(Cow::Owned(json.into_owned().into_bytes()))
}

/// Hints at what an event is about; `again` where somebody asked for checks anew.
fn hint((event, again): (&str, bool), hinted: &[Hinted]) -> &'static str {
    if event == "ping" {
        return "heard\n";
    }
    if hinted.is_empty() {
        return "nobody follows this repository here\n";
    }
    for one in hinted {
        match event {
            "push" => {
                one.branch.give();
                one.pulls.give();
            }
            "check_run" | "check_suite" if again => {
                one.checks.ask();
                one.pulls.give();
            }
            "pull_request" | "issue_comment" | "check_run" | "check_suite" => one.pulls.give(),
            _ => return "nobody listens to this event\n",
        }
    }
    "looking\n"
}

/// Reads `sha256=` and 64 hexadecimal digits.
fn read_signature(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("sha256=")?.as_bytes();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

pub(super) async fn hook(
    extract::State(state): extract::State<super::State>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match &state.hooks {
        Some(hooks) => Arc::clone(hooks).take(&headers, &body).into_response(),
        None => (StatusCode::NOT_FOUND, "no webhook secret is set\n").into_response(),
    }
}

#[cfg(test)]
mod tests;
