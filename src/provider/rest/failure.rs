//! What an answer that is no success means: whose move it is, in words without secrets.

use super::entry::Api;
use crate::model::{Class, Connection, Fault as _, Observation, Secret, Value};
use crate::net::http::StatusCode;
use crate::net::{HttpError, Response};
use crate::provider::ProviderError;
use crate::telemetry::with_cause;

/// The longest text of an API that is passed on, in characters.
const LONGEST_REASON: usize = 400;

/// Why there is no result.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) reason: String,
    pub(super) code: &'static str,
    pub(super) class: Class,
    pub(super) hint: Option<String>,
    pub(super) status: Option<StatusCode>,
    /// True where a write may have happened all the same: look before trying again.
    pub(super) may_have_happened: bool,
}

impl Failure {
    pub(super) fn new(code: &'static str, class: Class, reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            code,
            class,
            hint: None,
            status: None,
            may_have_happened: false,
        }
    }

    fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn no_credential(connection: &Connection, setting: &str) -> Self {
        let name = &connection.name;
        Self::new(
            "no-credential",
            Class::User,
            format!("the connection {name} has no {setting}"),
        )
        .hinted(format!(
            "Add `{setting}: \"${{secrets.…}}\"` to the connection {name}."
        ))
    }

    /// Says what a request without an answer means.
    pub(super) fn of_silence(error: &HttpError) -> Self {
        Self {
            may_have_happened: error.may_have_arrived(),
            hint: error.hint(),
            ..Self::new(error.code(), error.class(), with_cause(error))
        }
    }

    /// Says what an answer that is no success means.
    pub(super) fn of_answer(api: &Api, answer: &Response, scrub: &Scrub) -> Self {
        let said = answer
            .json()
            .and_then(|body| Some(scrub.clean(api.error_message.of(&body)?.as_str()?)));
        let said = said.map(|text| format!(": {text}")).unwrap_or_default();
        let title = &api.title;
        let reason = format!("{title} answered {}{said}", answer.status);
        let (code, class, hint) = match answer.status.as_u16() {
            401 => (
                "unauthorized",
                Class::User,
                Some("Check the token of the connection: it is wrong, expired or revoked."),
            ),
            403 => (
                "forbidden",
                Class::User,
                Some("Give the connection's token the scope that this needs."),
            ),
            404 => ("not-found", Class::User, None),
            408 | 425 => ("timeout", Class::Transient, None),
            409 | 412 | 423 => ("conflict", Class::Transient, None),
            429 => ("rate-limited", Class::Transient, None),
            400..=499 => (
                "invalid",
                Class::User,
                Some("Compare the fields with what `explain` says of the kind."),
            ),
            500..=599 => ("server-error", Class::Transient, None),
            _ => ("bad-answer", Class::Transient, None),
        };
        Self {
            hint: hint.map(str::to_owned),
            status: Some(answer.status),
            may_have_happened: answer.status.is_server_error()
                && answer.status != StatusCode::SERVICE_UNAVAILABLE,
            ..Self::new(code, class, reason)
        }
    }

    /// Says that an answer cannot be what it should be: a proxy's page, another version of the API.
    pub(super) fn of_shape(api: &Api, what: &str) -> Self {
        let reason = format!(
            "the answer of {} is not what it documents: {what}",
            api.title
        );
        Self {
            may_have_happened: true,
            ..Self::new("bad-answer", Class::Transient, reason)
        }
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.status == Some(StatusCode::NOT_FOUND)
    }

    /// Tells whether the API only asked for patience, having done nothing.
    pub(super) fn is_later(&self) -> bool {
        matches!(
            self.status,
            Some(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
        )
    }

    pub(super) fn unknown(self) -> Observation {
        Observation::Unknown {
            reason: self.reason,
            code: self.code,
            class: self.class,
        }
    }

    pub(super) fn error(self, what: &str) -> ProviderError {
        let said = (self.reason, self.hint);
        ProviderError::sorted(what.to_owned(), self.class, self.code, said)
    }
}

/// Takes secrets out of what an API says: some repeat what they were sent.
#[derive(Clone, Default)]
pub(super) struct Scrub(Vec<Secret>);

impl Scrub {
    /// Learns the secrets of a request: its credential and every sealed field below `value`.
    pub(super) fn of(credential: &Secret, value: Option<&Value>) -> Self {
        let mut secrets = vec![credential.clone()];
        if let Some(value) = value {
            value.walk(&mut |node| {
                if let Value::Secret(secret) = node {
                    secrets.push(secret.clone());
                }
            });
        }
        secrets.retain(|secret| !secret.expose().trim().is_empty());
        Self(secrets)
    }

    /// Returns the text without secrets and control characters, cut to a length people read.
    pub(super) fn clean(&self, text: &str) -> String {
        let scrubbed = self.0.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose(), crate::model::secret::MASK)
        });
        let flat: String = scrubbed
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        match flat.char_indices().nth(LONGEST_REASON) {
            Some((end, _)) => format!("{}…", &flat[..end]),
            None => flat,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_api_repeats_is_scrubbed_and_cut() {
        let scrub = Scrub::of(
            &Secret::new("dop_canary"),
            Some(&Value::Secret(Secret::new("hunter2"))),
        );
        let clean = scrub.clean("token dop_canary\nand hunter2 are wrong");
        assert_eq!(clean, "token (sensitive) and (sensitive) are wrong");
        assert_eq!(
            scrub.clean(&"x".repeat(1000)).chars().count(),
            LONGEST_REASON + 1
        );
    }
}
