//! An App's key: signs what the App asks as itself, by GitHub's clock.
//!
//! Octocrab's own sign-in takes the time from the system, so that a clock that is off locks the App out.

use super::quota;
use super::wire::Signs;
use crate::deliver::forge::ForgeError;
use crate::model::Secret;
use crate::net::Response;
use crate::telemetry::Clock;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use std::sync::atomic::{AtomicI64, Ordering};

/// How far back a key's signature is dated, as GitHub advises against clocks that differ.
const BACK: i64 = 60;
/// How long a key's signature holds, in seconds; GitHub takes ten minutes at most.
const HOLDS: i64 = 540;
/// Clocks that differ by less, in seconds, are not the reason for a refusal.
const ALIKE: i64 = 30;

/// The key of an App.
pub(super) struct Key {
    id: String,
    key: EncodingKey,
    clock: Clock,
    /// How far GitHub's clock is ahead of ours, in seconds.
    ahead: AtomicI64,
}

impl Key {
    /// Reads the key of the App with this id or client id.
    ///
    /// # Errors
    /// It is no RSA key.
    pub(super) fn new(id: String, pem: &Secret, clock: &Clock) -> Result<Self, ForgeError> {
        let key = EncodingKey::from_rsa_pem(pem.expose().as_bytes()).map_err(|_| {
            let wrong = "the App's key is no RSA key in PEM form, as GitHub gives it out";
            ForgeError::Settings(wrong.to_owned())
        })?;
        Ok(Self {
            id,
            key,
            clock: clock.clone(),
            ahead: AtomicI64::new(0),
        })
    }

    /// The time by GitHub's clock, as far as it is known.
    pub(super) fn time(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        self.clock
            .now()
            .saturating_add(ahead)
            .unwrap_or(Timestamp::MAX)
    }
}

#[async_trait]
impl Signs for Key {
    async fn secret(&self) -> Result<Secret, ForgeError> {
        let at = self.time().as_second();
        let claims = json!({ "iat": at - BACK, "exp": at + HOLDS, "iss": self.id });
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key);
        let signed =
            signed.map_err(|_| ForgeError::Settings("the App's key cannot sign".to_owned()))?;
        Ok(Secret::new(signed))
    }

    /// Takes GitHub's time from a refusal: where ours was off, another signature may help.
    async fn has_another(&self, _refused: &Secret, refusal: &Response) -> bool {
        let Some(theirs) = quota::date(refusal) else {
            return false;
        };
        let off = theirs.as_second() - self.clock.now().as_second();
        let before = self.ahead.swap(off, Ordering::Relaxed);
        (off - before).abs() > ALIKE
    }
}
