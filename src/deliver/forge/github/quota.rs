//! Whether GitHub asks us to send less, and for how long nothing.
//!
//! Source: "Rate limits for the REST API" in GitHub's documentation: `retry-after` first; then
//! `x-ratelimit-reset` where `x-ratelimit-remaining` is 0; else at least a minute.

use crate::net::Response;
use crate::net::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::Duration;

/// The wait where GitHub names none.
const UNNAMED: Duration = Duration::from_secs(60);
/// No wait is longer, whatever a header says: primary limits start anew every hour.
const LONGEST: Duration = Duration::from_secs(3600);

/// Reads the wait that an answer asks for, good or bad; `None` where it asks for none.
pub(super) fn wait(answer: &Response) -> Option<Duration> {
    let number = |name| answer.header(name)?.trim().parse::<i64>().ok();
    let words = serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap_or_default();
    let message = words["message"].as_str().unwrap_or_default();
    let limited = is_limit(answer.status, &answer.headers, message);
    if limited && let Some(seconds) = number("retry-after") {
        let seconds = u64::try_from(seconds).unwrap_or_default();
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    if number("x-ratelimit-remaining") == Some(0)
        && let (Some(reset), Some(now)) = (number("x-ratelimit-reset"), date(answer))
    {
        // A second more, since both are whole seconds.
        let seconds = reset.saturating_sub(now.as_second()).saturating_add(1);
        let wait = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        return Some(wait.min(LONGEST));
    }
    limited.then_some(UNNAMED)
}

/// Tells whether an answer asks for fewer requests.
pub(super) fn is_limit(status: StatusCode, headers: &HeaderMap, message: &str) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => {
            let left = headers.get("x-ratelimit-remaining");
            let message = message.to_lowercase();
            let told = ["rate limit", "abuse detection"];
            left.is_some_and(|left| left == "0")
                || headers.contains_key("retry-after")
                || told.iter().any(|why| message.contains(why))
        }
        _ => false,
    }
}

/// When GitHub answered by its own clock, so that ours may be off.
pub(super) fn date(answer: &Response) -> Option<Timestamp> {
    let date = answer.header("date")?;
    rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::http::HeaderName;
    use bytes::Bytes;

    fn asked(status: u16, headers: &[(&'static str, &str)], message: &str) -> Option<u64> {
        let mut map = HeaderMap::new();
        map.insert("date", "Thu, 01 Jan 1970 00:16:40 GMT".parse().unwrap());
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let docs = "https://docs.github.com/rest";
        let body = serde_json::json!({ "message": message, "documentation_url": docs });
        let answer = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: map,
            body: Bytes::from(body.to_string()),
        };
        wait(&answer).map(|wait| wait.as_secs())
    }

    #[test]
    fn waits_are_as_long_as_github_asks() {
        let none = ("x-ratelimit-remaining", "0");
        let reset = ("x-ratelimit-reset", "1120");
        assert_eq!(
            asked(200, &[("x-ratelimit-remaining", "1"), reset], ""),
            None
        );
        // The last request of the hour was answered: the next would not be.
        assert_eq!(asked(200, &[none, reset], ""), Some(121));
        assert_eq!(
            asked(
                403,
                &[none, reset],
                "API rate limit exceeded for user ID 1."
            ),
            Some(121)
        );
        let secondary = "You have exceeded a secondary rate limit.";
        assert_eq!(asked(403, &[("retry-after", "30")], secondary), Some(30));
        assert_eq!(
            asked(403, &[("x-ratelimit-remaining", "9")], secondary),
            Some(60)
        );
        assert_eq!(asked(429, &[], "slow down"), Some(60));
        assert_eq!(
            asked(403, &[], "Resource not accessible by integration"),
            None
        );
        assert_eq!(asked(429, &[("retry-after", "-3")], ""), Some(0));
        assert_eq!(
            asked(429, &[("retry-after", "999999999999")], ""),
            Some(3600)
        );
        assert_eq!(asked(200, &[none, ("x-ratelimit-reset", "1")], ""), Some(0));
    }
}
