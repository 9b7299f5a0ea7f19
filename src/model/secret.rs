//! A value that must not be printed, as a type. The only way to its text is `expose`.

use serde::{Serialize, Serializer};
use std::fmt;
use zeroize::Zeroizing;

/// What every output shows in a secret's place.
pub const MASK: &str = "(sensitive)";

/// A sensitive scalar. `Debug`, `Display` and `Serialize` give [`MASK`]; memory is wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: Zeroizing<String>,
    /// True where the text is JSON of a number or a boolean, so that its type survives.
    json: bool,
}

impl Secret {
    /// Seals a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: Zeroizing::new(text.into()),
            json: false,
        }
    }

    /// Seals a scalar, keeping its type; lists and maps are sealed as their JSON text.
    pub fn from_json(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::String(text) => Self::new(text.clone()),
            other => Self {
                text: Zeroizing::new(other.to_string()),
                json: true,
            },
        }
    }

    /// Opens the secret as text. For the request that needs it, never for an output.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Opens the secret with its type. For the request that needs it, never for an output.
    pub fn expose_json(&self) -> serde_json::Value {
        if self.json {
            serde_json::from_str(&self.text)
                .unwrap_or_else(|_| serde_json::Value::String(self.text.to_string()))
        } else {
            serde_json::Value::String(self.text.to_string())
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_formatting_shows_the_text() {
        let secret = Secret::new("canary");
        let shown = format!(
            "{secret} {secret:?} {}",
            serde_json::to_string(&secret).unwrap()
        );
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_number_keeps_its_type() {
        let secret = Secret::from_json(&serde_json::json!(25060));
        assert_eq!(secret.expose_json(), serde_json::json!(25060));
    }
}
