//! Fields that the API answers in another spelling than it was told.

use schemars::JsonSchema;
use serde::Deserialize;

/// One field that comes back in another spelling.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Equality {
    /// The field.
    pub(super) field: String,
    /// When two spellings are one value.
    pub(super) rule: Rule,
    /// The identity field that names the zone, for host names.
    pub(super) zone: String,
    /// The field that chooses, and its texts for which the rule holds: a TXT record is no host name.
    pub(super) only: Only,
}

/// For which objects a rule holds.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Only {
    /// The field looked at.
    pub(super) field: String,
    /// Its texts for which the rule holds.
    pub(super) texts: Vec<String>,
}

/// When two spellings are one value.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Rule {
    /// Letters' case, the dot at the end and the zone's own name say nothing: in the zone
    /// `example.com`, `www` and `www.example.com.` are one name, and so are `@` and `example.com.`.
    HostName,
}

impl Equality {
    /// Tells whether the rule is for an object whose field says this.
    pub(super) fn is_for(&self, text: &str) -> bool {
        self.only.texts.iter().any(|known| known == text)
    }

    /// Tells whether both spellings are one value.
    pub(super) fn holds(&self, one: &str, other: &str, zone: &str) -> bool {
        let Rule::HostName = self.rule;
        one == other || full_name(one, zone) == full_name(other, zone)
    }
}

/// Returns the one spelling of a host name. What is no host name (an address, a text) stays apart from
/// every other text: only names lose their dot.
fn full_name(text: &str, zone: &str) -> String {
    let zone = zone.trim_end_matches('.');
    let bare = text.strip_suffix('.').unwrap_or(text);
    let is_name = !bare.is_empty()
        && bare.parse::<std::net::IpAddr>().is_err()
        && bare
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    match bare {
        "@" => zone.to_ascii_lowercase(),
        _ if is_name && !bare.contains('.') => format!("{bare}.{zone}").to_ascii_lowercase(),
        _ if is_name => bare.to_ascii_lowercase(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_equal_in_every_spelling_and_texts_are_not() {
        let only = Only {
            field: "type".to_owned(),
            texts: vec!["MX".to_owned()],
        };
        let rule = Equality {
            field: "data".to_owned(),
            rule: Rule::HostName,
            zone: "domain".to_owned(),
            only,
        };
        assert!(rule.is_for("MX") && !rule.is_for("TXT"));
        let same = |one, other| rule.holds(one, other, "example.com");
        assert!(same("mx.example.net.", "mx.example.net"));
        assert!(same("@", "example.com."));
        assert!(same("www.example.com.", "www"));
        assert!(!same("mx1.example.net.", "mx2.example.net"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
