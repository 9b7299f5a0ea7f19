//! Digests: of contents (SHA-256), and of secrets under a key (HMAC-SHA-256), so that they can be
//! compared and put into a plan hash without being guessable.

use super::secret::Secret;
use super::value::Value;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt::{self, Write as _};
use zeroize::Zeroizing;

/// A SHA-256 or HMAC-SHA-256, shown as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Digests bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(hex(&Sha256::digest(bytes.as_ref())))
    }

    /// Takes a digest back from the ledger or an approval.
    pub fn from_hex(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns all 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first 12 digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

/// The ledger's own key for digests of secrets. Lost means only: approvals are asked for again.
#[derive(Clone)]
pub struct DigestKey(Zeroizing<Vec<u8>>);

impl DigestKey {
    /// Takes the key's bytes; 32 random ones are right.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// Digests a secret.
    pub fn digest(&self, secret: &Secret) -> Digest {
        let mut mac =
            <Hmac<Sha256>>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(secret.expose().as_bytes());
        Digest(hex(&mac.finalize().into_bytes()))
    }

    /// Makes another key of this one, the same each time; this one cannot be told from it.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> Self {
        let digest = self.digest(&Secret::new(format!("reconciled, a key for {purpose}")));
        Self::new(digest.as_str())
    }

    /// Returns its bytes, to be kept where nobody else reads.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Gives a value's comparable form: plain JSON in which a secret is `{"$secret": digest}` and a
    /// hole is `{"$hole": template}`. Equal forms mean equal values; no secret can be read from it.
    pub fn sealed_json(&self, value: &Value) -> serde_json::Value {
        match value {
            Value::Secret(secret) => serde_json::json!({ "$secret": self.digest(secret).as_str() }),
            Value::Hole(hole) => serde_json::json!({ "$hole": hole.template }),
            Value::List(items) => items.iter().map(|item| self.sealed_json(item)).collect(),
            Value::Map(fields) => serde_json::Value::Object(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), self.sealed_json(value)))
                    .collect(),
            ),
            scalar => scalar.masked_json(),
        }
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::secret::MASK)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_s_digest_depends_on_the_key() {
        let secret = Value::Secret(Secret::new("canary"));
        let one = DigestKey::new([1; 32]).sealed_json(&secret);
        assert_eq!(one, DigestKey::new([1; 32]).sealed_json(&secret));
        assert_ne!(one, DigestKey::new([2; 32]).sealed_json(&secret));
        assert!(!one.to_string().contains("canary"));
    }

    #[test]
    fn contents_digest_as_sha_256() {
        // Source: FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of("abc").as_str(), abc);
    }
}
