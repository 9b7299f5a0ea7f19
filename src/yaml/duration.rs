//! Durations as people write them: `90s`, `5m`, `1h30m`.

use std::time::Duration;

/// The longest duration that is taken: ten years. Longer is a slip.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Reads `250ms`, `90s`, `5m`, `8h`, `2d` or several of them in one (`1h30m`).
/// Returns `None` for anything else, zero included.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let units = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(units);
        let number: u64 = number.parse().ok()?;
        let part = match unit {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            "d" => Duration::from_secs(number.checked_mul(86_400)?),
            _ => return None,
        };
        sum = sum.checked_add(part)?;
        rest = next;
    }
    (sum > Duration::ZERO && sum <= LONGEST).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        for bad in [
            "",
            "5",
            "0s",
            "m",
            "5 m",
            "-5m",
            "99999999999999999999s",
            "400000d",
        ] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}
