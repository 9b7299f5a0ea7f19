//! A webhook for whatever is not Slack: one signed POST for each event. Never repeats one; who keeps the
//! event does.
//!
//! Source: "Standard Webhooks" 1.0, its sections on the payload, the headers and symmetric signatures.

use super::event::Event;
use crate::model::{Class, Fault, Secret};
use crate::net::http::header::HeaderName;
use crate::net::http::{Method, Url};
use crate::net::{Client, HttpError, Limiters, Request};
use crate::telemetry::Clock;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::num::NonZeroU32;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a POST may take, its turn included.
const DEADLINE: Duration = Duration::from_secs(30);
/// POSTs a second, and at once.
const PACE: (NonZeroU32, NonZeroU32) = (
    NonZeroU32::new(10).expect("ten is more than nothing"),
    NonZeroU32::new(20).expect("twenty is more than nothing"),
);
/// What a secret begins with; its bytes follow in Base64.
const SECRET: &str = "whsec_";
/// How many bytes a secret has, at the least and at the most.
const LENGTH: std::ops::RangeInclusive<usize> = 24..=64;

/// Why an event did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// It answered, and that it has the event is not what it said: the HTTP status.
    #[error("post an event to the webhook: it answered {0}")]
    Answered(u16),
    /// No answer.
    #[error("post an event to the webhook")]
    Unreachable(#[source] HttpError),
    /// What it is signed with.
    #[error(
        "read the secret of the webhook: it is not {SECRET} and Base64 of 24 to 64 bytes after it"
    )]
    Secret,
}

impl WebhookError {
    /// Tells whether this one event is too much for the other side, whenever it comes.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Answered(413))
    }
}

impl Fault for WebhookError {
    fn code(&self) -> &'static str {
        match self {
            Self::Answered(_) if self.class() == Class::User => "webhook-refused",
            Self::Answered(_) | Self::Unreachable(_) => "webhook-unreachable",
            Self::Secret => "webhook-secret",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Answered(_) if self.class() == Class::User => {
                "Check the address and that both sides have the same secret. Events are kept and sent when that is right."
                    .to_owned()
            }
            Self::Answered(_) | Self::Unreachable(_) => {
                "It is sent again by itself; nothing waits for it.".to_owned()
            }
            Self::Secret => {
                format!("Make one, say with: echo \"{SECRET}$(openssl rand -base64 32)\"")
            }
        })
    }

    fn class(&self) -> Class {
        match self {
            Self::Answered(408 | 425 | 429 | 500..) | Self::Unreachable(_) => Class::Transient,
            Self::Answered(_) | Self::Secret => Class::User,
        }
    }
}

/// Posts events to one address.
pub struct Webhook {
    url: Url,
    key: Zeroizing<Vec<u8>>,
    client: Client,
    limiters: Limiters,
    clock: Clock,
}

impl Webhook {
    /// Makes it; sends nothing.
    ///
    /// # Errors
    /// The secret is none.
    pub fn new(
        url: Url,
        secret: &Secret,
        (client, limiters, clock): (&Client, &Limiters, &Clock),
    ) -> Result<Self, WebhookError> {
        let digits = secret.expose().trim().strip_prefix(SECRET);
        let key = digits.and_then(|digits| BASE64.decode(digits).ok());
        let key = Zeroizing::new(key.unwrap_or_default());
        if !LENGTH.contains(&key.len()) {
            return Err(WebhookError::Secret);
        }
        Ok(Self {
            url,
            key,
            client: client.clone(),
            limiters: limiters.clone(),
            clock: clock.clone(),
        })
    }

    /// Posts an event. `id` is the same whenever the same event is posted again.
    ///
    /// # Errors
    /// Whatever is not a success: it may have arrived all the same.
    pub async fn post(&self, id: &str, event: &Event) -> Result<(), WebhookError> {
        let body = serde_json::to_string(event).unwrap_or_default();
        let at = self.clock.now().as_second();
        let signature = self.signature(id, at, &body);
        let account = format!("webhook {}", self.url.origin().ascii_serialization());
        let limiter = self.limiters.get(&account, PACE.0, PACE.1);
        let request = Request::new(Method::POST, self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ID, id)
            .header(TIMESTAMP, &at.to_string())
            .header(SIGNATURE, &signature)
            .body(body)
            .deadline(DEADLINE)
            // Whoever keeps the event sends it again.
            .idempotent(false)
            .limiter(&limiter);
        let status = self.client.status_of(request).await;
        let status = status.map_err(WebhookError::Unreachable)?;
        if status.is_success() {
            Ok(())
        } else {
            Err(WebhookError::Answered(status.as_u16()))
        }
    }

    fn signature(&self, id: &str, at: i64, body: &str) -> String {
        let mac = <Hmac<Sha256>>::new_from_slice(&self.key);
        let mut mac = mac.expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

const CONTENT_TYPE: HeaderName = crate::net::http::header::CONTENT_TYPE;
const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::HttpSettings;

    fn webhook(secret: &str) -> Result<Webhook, WebhookError> {
        let client = Client::new(&HttpSettings::default()).unwrap();
        let url = Url::parse("https://example.com/hook").unwrap();
        let parts = (&client, &Limiters::default(), &Clock::system());
        Webhook::new(url, &Secret::new(secret), parts)
    }

    #[test]
    fn the_signature_is_the_one_of_the_standards_own_example() {
        // Source: the test vector in the reference libraries of Standard Webhooks.
        let webhook = webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = webhook.signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_of_the_standard_is_none() {
        let long = format!("whsec_{}", BASE64.encode([7; 65]));
        for wrong in ["", "whsec_", "whsec_c2hvcnQ=", "secret", "whsec_???", &long] {
            let error = webhook(wrong).map(drop).unwrap_err();
            assert_eq!(error.code(), "webhook-secret", "{wrong}");
        }
        let line = format!("whsec_{}\n", BASE64.encode([7; 24]));
        assert!(webhook(&line).is_ok());
    }

    #[test]
    fn what_is_answered_is_sorted_by_what_can_put_it_right() {
        for status in [408, 425, 429, 500, 502, 503, 599] {
            let class = WebhookError::Answered(status).class();
            assert_eq!(class, Class::Transient, "{status}");
        }
        for status in [302, 400, 401, 403, 404, 410, 413] {
            let class = WebhookError::Answered(status).class();
            assert_eq!(class, Class::User, "{status}");
        }
    }
}
