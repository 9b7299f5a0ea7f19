//! Why the API server gave no usable answer, in one shape for questions and writes.
//!
//! Text of the server is cut to what helps: dumps of whole objects, which may hold secrets, are left out.

use super::super::ProviderError;
use crate::model::{Class, Observation};
use crate::net::Lost;
use kube::client::AuthError;
use serde_json::Value as Json;
use std::error::Error as _;
use std::time::Duration;

/// One field the server complains about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    /// `FieldManagerConflict`, `FieldValueInvalid` …
    pub(super) reason: String,
    /// The field as the server writes it.
    pub(super) field: String,
    /// The server's words, object dumps left out.
    pub(super) message: String,
}

/// Why there is no usable answer.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The HTTP status; 0 where there was no answer.
    pub(super) status: u16,
    /// Stable code.
    pub(super) code: &'static str,
    /// Whose move it is.
    pub(super) class: Class,
    /// What was seen, as a fragment, as long as the server made it: secrets are looked for in the whole of
    /// it. What is passed on is [`Failure::said`].
    pub(super) reason: String,
    /// The fields complained about.
    pub(super) causes: Vec<Cause>,
    /// How long the server asks to wait.
    pub(super) retry_after: Option<Duration>,
}

/// The code of a write that the server cannot merge, since it cannot say the object in a version that somebody
/// wrote it in before.
pub(super) const OTHER_VERSION: &str = "other-version";

/// The code of a kind that the server cannot read now, while everything else is well: it begins to keep it, or the
/// webhook that converts it does not answer. The words are those of its cacher (k8s.io/apiserver,
/// `storage/cacher`), which says 429 and thirty seconds for that alone.
pub(super) const KIND_AWAY: &str = "kind-not-readable";

/// The longest text of the server that is passed on, in characters.
const LONGEST: usize = 600;

impl Failure {
    /// A failure of ours to ask at all: settings, identity.
    pub(super) fn user(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            status: 0,
            code,
            class: Class::User,
            reason: reason.into(),
            causes: Vec::new(),
            retry_after: None,
        }
    }

    /// No answer in time, or none at all.
    pub(super) fn transient(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            class: Class::Transient,
            ..Self::user(code, reason)
        }
    }

    /// Reads an answer with an error status: the API's `Status`, or any text.
    pub(super) fn answered(status: u16, body: &[u8], retry_after: Option<Duration>) -> Self {
        let json: Json = serde_json::from_slice(body).unwrap_or(Json::Null);
        let text = |pointer: &str| {
            json.pointer(pointer)
                .and_then(Json::as_str)
                .unwrap_or_default()
        };
        let causes: Vec<Cause> = json
            .pointer("/details/causes")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .map(|cause| {
                let of = |key: &str| cause[key].as_str().unwrap_or_default().to_owned();
                Cause {
                    reason: of("reason"),
                    field: of("field"),
                    message: without_dump(&of("message")),
                }
            })
            .collect();
        let (code, class) = classify(status, text("/reason"), text("/message"), &causes);
        let asked = json
            .pointer("/details/retryAfterSeconds")
            .and_then(Json::as_u64);
        Self {
            status,
            code,
            class,
            reason: reason(status, text("/message"), &causes),
            causes,
            retry_after: retry_after.or(asked.map(Duration::from_secs)),
        }
    }

    /// Reads a request that got no answer; what is said of credentials may quote them.
    pub(super) fn unanswered(error: &kube::Error, server: &str) -> Self {
        let mut is_credential = matches!(error, kube::Error::Auth(_));
        let mut cause = error.source();
        while let Some(inner) = cause {
            is_credential |= inner.is::<AuthError>();
            cause = inner.source();
        }
        if is_credential {
            let reason = format!("the credentials for {server} cannot be used");
            return Self::user("credentials", reason);
        }
        let why = Lost::of(error);
        let hint = why.hint();
        Self::transient(
            "unreachable",
            format!("{server} cannot be reached: {why}; {hint}"),
        )
    }

    /// Says of a page that was too large that one object was asked for: the server lists all there are, however
    /// few it is asked for, or that one is as large.
    pub(super) fn of_one(self) -> Self {
        let reason = format!(
            "{}, though it was asked for one object at a time: the server behind this kind does not page its lists. Have it page them; one or two objects of a kind in a namespace are read singly",
            self.reason
        );
        Self {
            class: Class::User,
            reason,
            ..self
        }
    }

    /// Returns what was seen, for people: on one line, cut to what helps.
    pub(super) fn said(&self) -> String {
        cut(&self.reason)
    }

    /// Tells whether the server said that the object is not there. A 404 about the address itself (a
    /// kind that is not served, a proxy's page) says nothing about the object.
    pub(super) fn is_not_found(&self) -> bool {
        self.status == 404 && self.code != "not-served"
    }

    /// Returns the conflicts over fields with other managers; empty where it is about something else.
    pub(super) fn conflicts(&self) -> Vec<&Cause> {
        self.causes
            .iter()
            .filter(|cause| self.status == 409 && cause.reason == "FieldManagerConflict")
            .collect()
    }

    /// Tells whether the object is not the version the request named.
    pub(super) fn is_stale(&self) -> bool {
        self.status == 409 && self.conflicts().is_empty()
    }

    /// Tells whether the server wants to be left alone, whatever is asked.
    pub(super) fn is_later(&self) -> bool {
        matches!(self.status, 429 | 503) && self.code != KIND_AWAY
    }

    /// Tells whether the server cannot merge what was written in another version of the API.
    pub(super) fn is_of_another_version(&self) -> bool {
        self.status != 0 && self.code == OTHER_VERSION
    }

    /// Gives the answer to a question that could not be answered.
    pub(super) fn unknown(&self) -> Observation {
        Observation::Unknown {
            reason: self.said(),
            code: self.code,
            class: self.class,
        }
    }

    /// Gives the error of a step that was not carried out.
    pub(super) fn of_step(self, what: &str) -> ProviderError {
        let (what, reason) = (what.to_owned(), self.said());
        match self.class {
            Class::Transient => ProviderError::Unavailable {
                what,
                reason,
                code: self.code,
            },
            Class::Refused => ProviderError::Refused {
                what,
                hint: self.hint(),
                reason,
                code: self.code,
            },
            Class::User => ProviderError::Invalid {
                what,
                hint: self.hint(),
                reason,
            },
            Class::Internal => ProviderError::Internal { what, reason },
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self.code {
            "forbidden" => "Give the connection's account the right the message names.",
            "admission" => "Change the object so that the cluster's policy allows it.",
            "unauthorized" => "Renew the connection's credentials.",
            "credentials" => {
                "Run the kubeconfig's credential program as the daemon's user, and mend what it says."
            }
            "namespace-missing" => "Declare the namespace in the environment, or create it.",
            "not-served" => {
                "Declare its CRD in the environment. Where it is declared: see whether that is established, and serves this version."
            }
            "invalid" => "Correct the fields the message names.",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn classify(status: u16, api: &str, message: &str, causes: &[Cause]) -> (&'static str, Class) {
    match status {
        401 => ("unauthorized", Class::User),
        403 if causes
            .iter()
            .any(|cause| cause.reason == "NamespaceTerminating") =>
        {
            ("namespace-terminating", Class::Transient)
        }
        403 if message.contains("exceeded quota") => ("quota", Class::Refused),
        403 if message.contains("admission webhook")
            || message.contains("ValidatingAdmissionPolicy") =>
        {
            ("admission", Class::Refused)
        }
        // Rights are told by whose they are; everything else the server forbids is a policy of its own:
        // a LimitRange, pod security.
        403 if message.contains(" is forbidden: ")
            && !message.to_lowercase().contains("user \"") =>
        {
            ("admission", Class::Refused)
        }
        403 => ("forbidden", Class::User),
        404 if message.starts_with("namespaces ") => ("namespace-missing", Class::User),
        404 if api != "NotFound" || message.starts_with("the server could not find") => {
            ("not-served", Class::User)
        }
        404 => ("not-found", Class::Transient),
        409 if api == "Conflict" || api == "AlreadyExists" => ("conflict", Class::Refused),
        400 | 422 | 413 | 415 | 405 => ("invalid", Class::User),
        // A field the schema does not know, or a quantity that is none, is answered with 500 by
        // server-side apply.
        500 if message.starts_with("failed to create typed patch object")
            || message.starts_with("failed to convert new object (") =>
        {
            ("invalid", Class::User)
        }
        // The same words about what is live, said in a version that somebody wrote it in.
        500 if message.contains("field not declared in schema") => (OTHER_VERSION, Class::User),
        429 if message.contains("storage is (re)initializing") => (KIND_AWAY, Class::Transient),
        429 => ("rate-limited", Class::Transient),
        408 | 504 => ("timeout", Class::Transient),
        500..=599 => ("server-error", Class::Transient),
        _ => ("refused", Class::Refused),
    }
}

fn reason(status: u16, message: &str, causes: &[Cause]) -> String {
    let told: Vec<String> = causes
        .iter()
        .filter(|cause| !cause.field.is_empty())
        .take(5)
        .map(|cause| format!("{}: {}", cause.field, cause.message))
        .collect();
    if status == 422 && !told.is_empty() {
        return told.join("; ");
    }
    if message.is_empty() {
        return format!("the server answered with status {status}");
    }
    without_dump(message)
}

/// Leaves out the value the server quotes: `Invalid value: <dump of anything>: what is wrong with it`.
fn without_dump(text: &str) -> String {
    const MARKER: &str = "Invalid value: ";
    match (text.find(MARKER), text.rfind(": ")) {
        (Some(start), Some(end)) if end > start + MARKER.len() => {
            format!("{}invalid value{}", &text[..start], &text[end..])
        }
        _ => text.to_owned(),
    }
}

fn cut(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= LONGEST {
        return flat;
    }
    let mut short: String = flat.chars().take(LONGEST).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answered(status: u16, body: Json) -> Failure {
        Failure::answered(status, body.to_string().as_bytes(), None)
    }

    #[test]
    fn an_object_the_server_quotes_is_left_out() {
        let failure = answered(
            422,
            json!({ "reason": "Invalid", "message": "Job.batch \"x\" is invalid: …", "details": { "causes": [{
                "reason": "FieldValueInvalid", "field": "spec.template",
                "message": "Invalid value: core.PodTemplateSpec{Env: \"canary: secret\"}: field is immutable" }] } }),
        );
        assert_eq!(
            failure.reason,
            "spec.template: invalid value: field is immutable"
        );
        assert_eq!((failure.code, failure.class), ("invalid", Class::User));
    }

    #[test]
    fn a_policy_is_no_lack_of_rights_and_a_bad_value_no_fault_of_the_server() {
        let code = |status, message: &str| {
            answered(status, json!({ "reason": "Forbidden", "message": message })).code
        };
        let limit = "pods \"x\" is forbidden: maximum cpu usage per Pod is 1";
        let rights =
            "pods is forbidden: User \"x\" cannot list resource \"pods\" in API group \"\"";
        assert_eq!(code(403, limit), "admission");
        assert_eq!(code(403, rights), "forbidden");
        let quantity =
            "failed to convert new object (a/b; apps/v1, Kind=Deployment) to proper version: …";
        assert_eq!(code(500, quantity), "invalid");
    }

    #[test]
    fn only_the_server_s_word_makes_something_absent() {
        for status in [0, 401, 403, 404, 408, 429, 500, 503, 504] {
            assert!(!answered(status, json!({})).is_not_found(), "{status}");
        }
        assert!(
            answered(
                404,
                json!({ "reason": "NotFound", "message": "pods \"x\" not found" })
            )
            .is_not_found()
        );
        let unserved = json!({ "reason": "NotFound", "message": "the server could not find the requested resource" });
        assert!(!answered(404, unserved).is_not_found());
    }

    #[test]
    fn a_wait_the_server_asks_for_is_kept() {
        let failure = answered(429, json!({ "details": { "retryAfterSeconds": 3 } }));
        assert_eq!(failure.retry_after, Some(Duration::from_secs(3)));
        assert_eq!(failure.class, Class::Transient);
    }

    #[test]
    fn an_answer_that_is_no_status_is_not_passed_on() {
        let failure = Failure::answered(502, b"<html>token=canary</html>", None);
        assert_eq!(failure.reason, "the server answered with status 502");
    }
}
