//! Sizes as people write them: `64KiB`, `1MiB`.

use super::element::Reading;
use crate::yaml::Node;

/// Reads a size in bytes; `default` where it is left out or wrong.
pub(super) fn read(reading: &mut Reading, node: Option<&Node>, default: u64) -> u64 {
    let Some(node) = node else {
        return default;
    };
    let size = Reading::scalar(node).and_then(parse);
    if size.is_none() {
        let error = node.place.error("bad-size", "it is no size");
        let hint = "Write a number and a unit (B, KiB, MiB, GiB), as in 64KiB or 1MiB.";
        reading.reader.report(error.with_hint(hint));
    }
    size.unwrap_or(default)
}

fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    let size = number.parse::<u64>().ok()?.checked_mul(factor)?;
    (size > 0).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse("2MiB"), Some(2 << 20));
        for bad in ["", "5", "0B", "MiB", "5 MiB", "5MB", "99999999999GiB"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
