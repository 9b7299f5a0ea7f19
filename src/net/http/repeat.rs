//! When a request is sent again, and after how long: the only retry below the schedule's back-off.

use ::http::StatusCode;
use ::http::header::{DATE, HeaderMap, RETRY_AFTER};
use jiff::fmt::rfc2822;
use std::time::Duration;

/// The wait before the first repeat where the server names none; doubled each time, up to the cap.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// No request is sent more often than this, whatever its deadline.
pub(super) const MOST_SENDS: u32 = 6;

/// Tells how long the server asks to wait, where its answer is "later" and not a result.
pub(super) fn asked_wait(status: StatusCode, headers: &HeaderMap, sends: u32) -> Option<Duration> {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Some(retry_after(headers).unwrap_or_else(|| backoff(sends)))
        }
        _ => None,
    }
}

/// The wait after this many sends that were not answered at all.
pub(super) fn backoff(sends: u32) -> Duration {
    FIRST_WAIT
        .saturating_mul(2_u32.saturating_pow(sends.saturating_sub(1)))
        .min(LONGEST_WAIT)
}

/// Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or a date, which is measured against the answer's
/// own `Date`, so that a clock that is off does no harm.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = date(text)?;
    let now = date(headers.get(DATE)?.to_str().ok()?)?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
}

fn date(text: &str) -> Option<jiff::Timestamp> {
    // HTTP writes "GMT", which RFC 2822 reads as its obsolete name of the zone.
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(retry_after: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        headers.insert(DATE, "Wed, 21 Oct 2015 07:28:00 GMT".parse().unwrap());
        headers
    }

    #[test]
    fn seconds_and_dates_are_read() {
        let wait = |text| asked_wait(StatusCode::TOO_MANY_REQUESTS, &headers(text), 1);
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            wait("Wed, 21 Oct 2015 07:28:30 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(wait("Wed, 21 Oct 2015 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), Some(FIRST_WAIT));
    }

    #[test]
    fn other_answers_are_results() {
        for status in [
            StatusCode::OK,
            StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::FORBIDDEN,
        ] {
            assert_eq!(asked_wait(status, &headers("7"), 1), None);
        }
    }

    #[test]
    fn waits_double_up_to_a_cap() {
        assert_eq!(backoff(1), FIRST_WAIT);
        assert_eq!(backoff(3), FIRST_WAIT * 4);
        assert_eq!(backoff(60), LONGEST_WAIT);
    }
}
