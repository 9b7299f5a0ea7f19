//! Whether a value says what another says, written in another way: the server writes quantities and durations in a form
//! of its own. Pure.

use crate::model::Segment;
use serde_json::Value as Json;

/// How a value may be written, by where in an object it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Notation {
    /// The object itself.
    #[default]
    Root,
    /// Somewhere in it: a quantity or a duration may be written there.
    Field,
    /// In the variables of a container.
    Variables,
    /// Where text is only text: `1.10` is not `1.1`.
    Text,
}

impl Notation {
    /// Returns where a path from the root leads.
    pub(crate) fn at(path: &[Segment]) -> Self {
        let below = |place: Self, segment: &Segment| match segment {
            Segment::Key(key) => place.key(key),
            Segment::Index(_) | Segment::Item(_) => place,
        };
        path.iter().fold(Self::Root, below)
    }

    /// Returns where a field of this leads; an item of a list is where its list is.
    pub(crate) fn key(self, key: &str) -> Self {
        match (self, key) {
            (Self::Text, _)
            | (Self::Root, "data" | "binaryData" | "stringData")
            | (Self::Variables, "value")
            | (
                _,
                "metadata" | "labels" | "annotations" | "matchLabels" | "nodeSelector" | "args"
                | "command",
            ) => Self::Text,
            (_, "env") => Self::Variables,
            _ => Self::Field,
        }
    }
}

/// Tells whether one value is the other where it is, as far as that can be told without asking.
pub(crate) fn is_same(place: Notation, one: &Json, other: &Json) -> bool {
    if one == other {
        return true;
    }
    if place == Notation::Text {
        return false;
    }
    let (Some(one), Some(other)) = (text(one), text(other)) else {
        return false;
    };
    let is =
        |read: fn(&str) -> Option<i128>| read(&one).is_some_and(|own| read(&other) == Some(own));
    is(quantity) || is(duration)
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Reads a quantity, in billionths. Source: `resource.Quantity` of the API, "the serialization format".
fn quantity(text: &str) -> Option<i128> {
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    const DECIMAL: [(&str, i32); 10] = [
        ("n", -9),
        ("u", -6),
        ("m", -3),
        ("", 0),
        ("k", 3),
        ("M", 6),
        ("G", 9),
        ("T", 12),
        ("P", 15),
        ("E", 18),
    ];
    let end = text.find(|next: char| !matches!(next, '0'..='9' | '.' | '+' | '-'));
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    if let Some(nth) = BINARY.iter().position(|known| *known == unit) {
        let power = u32::try_from(nth).ok()? + 1;
        return scaled(number, 9)?.checked_mul(1024_i128.checked_pow(power)?);
    }
    let known = DECIMAL.iter().find(|(known, _)| *known == unit);
    let exponent = known.map(|(_, exponent)| *exponent).or_else(|| {
        let exponent = unit.strip_prefix(['e', 'E'])?;
        exponent
            .parse::<i32>()
            .ok()
            .filter(|exponent| exponent.abs() <= 18)
    })?;
    scaled(number, 9 + exponent)
}

/// Reads a duration as Go writes one (`1h30m`), in billionths of a second.
fn duration(text: &str) -> Option<i128> {
    const UNITS: [(&str, i128); 6] = [
        ("h", 3600),
        ("m", 60),
        ("s", 1),
        ("ms", 0),
        ("us", 0),
        ("ns", 0),
    ];
    let (mut rest, mut whole) = (text, 0_i128);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let is_number = |next: char| next.is_ascii_digit() || next == '.';
        let (number, after) = rest.split_at(rest.find(|next| !is_number(next))?);
        let (unit, after) = after.split_at(after.find(is_number).unwrap_or(after.len()));
        let (_, seconds) = UNITS.iter().find(|(known, _)| *known == unit)?;
        let part = match (unit, *seconds) {
            ("ms", _) => scaled(number, 6)?,
            ("us", _) => scaled(number, 3)?,
            ("ns", _) => scaled(number, 0)?,
            (_, seconds) => scaled(number, 9)?.checked_mul(seconds)?,
        };
        whole = whole.checked_add(part)?;
        rest = after;
    }
    Some(whole)
}

/// Reads a decimal number times a power of ten; `None` where that is no whole number.
fn scaled(number: &str, exponent: i32) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let bare = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    if !is_digits(bare) || !is_digits(fraction) || bare.len() + fraction.len() == 0 {
        return None;
    }
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let power = exponent - i32::try_from(fraction.len()).ok()?;
    let factor = 10_i128.checked_pow(power.unsigned_abs())?;
    match power {
        0.. => number.checked_mul(factor),
        _ => (number % factor == 0).then(|| number / factor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_server_writes_in_its_own_way_is_the_same() {
        for (one, other) in [
            (json!("0.1"), json!("100m")),
            (json!(1), json!("1")),
            (json!(0.5), json!("500m")),
            (json!("1000m"), json!("1")),
            (json!("1024Mi"), json!("1Gi")),
            (json!("1.5Gi"), json!("1536Mi")),
            (json!("1e3"), json!("1k")),
            (json!("0"), json!("0Gi")),
            (json!("60s"), json!("1m0s")),
            (json!("1.5h"), json!("1h30m")),
        ] {
            assert!(
                is_same(Notation::Field, &one, &other) && is_same(Notation::Field, &other, &one),
                "{one} {other}"
            );
        }
    }

    #[test]
    fn text_is_told_from_what_may_be_a_quantity_by_where_it_is() {
        let place = |path: &str| path.split('.').fold(Notation::Root, Notation::key);
        for text in [
            "data.version",
            "metadata.labels.version",
            "spec.template.metadata.annotations.version",
            "spec.selector.matchLabels.version",
            "spec.containers.args",
            "spec.containers.env.value",
        ] {
            assert_eq!(place(text), Notation::Text, "{text}");
        }
        for field in [
            "spec.containers.resources.limits.cpu",
            "spec.containers.env.valueFrom.resourceFieldRef.divisor",
            "spec.metrics.resource.target.value",
            "spec.data.size",
        ] {
            assert_eq!(place(field), Notation::Field, "{field}");
        }
    }

    #[test]
    fn what_says_something_else_is_another() {
        for (one, other) in [
            (json!("0.1"), json!("101m")),
            (json!("1G"), json!("1Gi")),
            (json!("a"), json!("A")),
            (json!("1.26"), json!("1.2.6")),
            (json!("60s"), json!("60m")),
            (json!(""), json!("0")),
            (json!("."), json!("0")),
            (json!("-"), json!("0")),
            (json!(true), json!("true")),
            (
                json!("99999999999999999999999999999999E"),
                json!("99999999999999999999999999999998E"),
            ),
        ] {
            assert!(
                !is_same(Notation::Field, &one, &other) && !is_same(Notation::Field, &other, &one),
                "{one} {other}"
            );
        }
    }
}
