//! What an answer means that came back from where Slack is expected: it has the message, it refuses, or
//! somebody else spoke. Only Slack's own words count as an answer.
//!
//! Source of the words: the error lists of `chat.postMessage` and `chat.update`, and "Handling errors" of
//! the page on incoming webhooks.

use super::NotifyError;
use serde_json::Value;

/// Passes by itself.
const LATER: &[&str] = &[
    "fatal_error",
    "internal_error",
    "rate_limited",
    "ratelimited",
    "request_timeout",
    "rollup_error",
    "service_unavailable",
    "team_added_to_org",
];

/// About this one message, which no setting and no waiting will make fit.
const UNFIT: &[&str] = &[
    "attachment_payload_limit_exceeded",
    "cannot_reply_to_message",
    "cant_update_message",
    "edit_window_closed",
    "invalid_arguments",
    "invalid_attachments",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_payload",
    "message_not_found",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "too_many_attachments",
];

/// About the message that is to be rewritten or answered: it is not there any more.
pub(super) const GONE: &str = "message_not_found";

/// About the message that is to be rewritten: it stays as it is.
pub(super) const FIXED: &[&str] = &["cant_update_message", "edit_window_closed"];

/// What an incoming webhook answers in plain text where it refuses.
const WEBHOOK: &[&str] = &[
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_token",
    "no_active_hooks",
    "no_service",
    "no_service_id",
    "no_team",
    "posting_to_general_channel_denied",
    "team_disabled",
    "user_not_found",
];

/// Reads the answer of a method of the Web API. Returns it where Slack did as asked.
///
/// # Errors
/// What Slack said instead, or that it was not Slack who spoke.
pub(super) fn of_method(status: u16, body: &[u8]) -> Result<Value, NotifyError> {
    if is_later(status) {
        return Err(NotifyError::Later(status));
    }
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match (answer["ok"].as_bool(), answer["error"].as_str()) {
        (Some(true), _) if (200..300).contains(&status) => Ok(answer),
        (Some(false), Some(word)) => Err(said(word, status)),
        _ => Err(NotifyError::Foreign(status)),
    }
}

/// Reads the answer of an incoming webhook: `ok`, or one word.
///
/// # Errors
/// As [`of_method`].
pub(super) fn of_webhook(status: u16, body: &[u8]) -> Result<(), NotifyError> {
    if is_later(status) {
        return Err(NotifyError::Later(status));
    }
    let word = str::from_utf8(body).unwrap_or_default().trim();
    let known = [WEBHOOK, UNFIT, LATER]
        .iter()
        .any(|words| words.contains(&word));
    match word {
        "ok" if (200..300).contains(&status) => Ok(()),
        // It has no token and no scope, and its channel is its own.
        word if known => Err(match said(word, status) {
            NotifyError::Refused(word) => NotifyError::Unhooked(word),
            other => other,
        }),
        _ => Err(NotifyError::Foreign(status)),
    }
}

fn is_later(status: u16) -> bool {
    status == 429 || status >= 500
}

fn said(word: &str, status: u16) -> NotifyError {
    if LATER.contains(&word) {
        NotifyError::Later(status)
    } else if UNFIT.contains(&word) {
        NotifyError::Unfit(word.to_owned())
    } else {
        NotifyError::Refused(word.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fault as _;

    fn method(status: u16, body: &str) -> String {
        let told = of_method(status, body.as_bytes());
        told.map_or_else(|error| error.code().to_owned(), |_| "ok".to_owned())
    }

    fn webhook(status: u16, body: &str) -> String {
        let told = of_webhook(status, body.as_bytes());
        told.map_or_else(|error| error.code().to_owned(), |()| "ok".to_owned())
    }

    #[test]
    fn only_slack_can_say_that_it_has_a_message_or_refuses_it() {
        let page = "<html>Sign in to the proxy</html>";
        assert_eq!(method(200, r#"{"ok":true,"ts":"1"}"#), "ok");
        assert_eq!(method(200, page), "slack-foreign");
        assert_eq!(method(403, page), "slack-foreign");
        assert_eq!(method(302, ""), "slack-foreign");
        assert_eq!(method(403, r#"{"ok":true}"#), "slack-foreign");
        assert_eq!(method(200, r#"{"message":"denied"}"#), "slack-foreign");
        assert_eq!(method(200, r#"{"ok":true,"ts":"#), "slack-foreign");
        assert_eq!(webhook(200, "ok"), "ok");
        assert_eq!(webhook(200, page), "slack-foreign");
        assert_eq!(webhook(404, page), "slack-foreign");
        assert_eq!(webhook(200, ""), "slack-foreign");
    }

    #[test]
    fn what_slack_says_is_sorted_by_what_can_put_it_right() {
        let refuses = |word: &str| method(200, &format!(r#"{{"ok":false,"error":"{word}"}}"#));
        for word in ["channel_not_found", "invalid_auth", "a_word_of_tomorrow"] {
            assert_eq!(refuses(word), "slack-refused", "{word}");
        }
        assert_eq!(refuses("ratelimited"), "slack-unreachable");
        assert_eq!(refuses("invalid_blocks"), "slack-unfit");
        assert_eq!(webhook(404, "no_service\n"), "slack-refused");
        assert_eq!(webhook(410, "channel_is_archived"), "slack-refused");
        assert_eq!(webhook(400, "invalid_payload"), "slack-unfit");
        assert_eq!(
            method(503, r#"{"ok":false,"error":"x"}"#),
            "slack-unreachable"
        );
        assert_eq!(webhook(500, "rollup_error"), "slack-unreachable");
        // A webhook has neither a token nor a scope.
        let hint = |refused: NotifyError| refused.hint().unwrap();
        let (by_token, by_webhook) = (
            hint(of_method(200, br#"{"ok":false,"error":"invalid_auth"}"#).unwrap_err()),
            hint(of_webhook(404, b"no_service").unwrap_err()),
        );
        assert!(by_token.contains("chat:write"), "{by_token}");
        assert!(!by_webhook.contains("token") && by_webhook.contains("webhook's address"));
    }
}
