//! An answer: whole, or as a stream for what is too large to hold.

use super::super::Lost;
use super::error::HttpError;
use ::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A whole answer. `Debug` shows the status and the size only: bodies may hold secrets.
#[derive(Clone)]
pub struct Response {
    /// The status; any of them is an answer.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Response {
    /// Reads the body as JSON. `None` where it is not JSON: an error page of a proxy, cut off.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Returns one header as text, where it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

/// An answer whose body is still to come, inside the request's deadline and size limit.
pub struct Streaming {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    pub(super) inner: reqwest::Response,
    pub(super) url: String,
    pub(super) until: Instant,
    pub(super) deadline: Duration,
    pub(super) left: usize,
    pub(super) limit: usize,
}

impl Streaming {
    /// Returns the next piece of the body, `None` at its end.
    ///
    /// # Errors
    /// The deadline passed, the connection broke, or the body is larger than allowed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let chunk = match timeout_at(self.until, self.inner.chunk()).await {
            Err(_late) => return Err(self.late()),
            Ok(Err(error)) if error.is_timeout() => return Err(self.late()),
            Ok(Err(error)) => {
                return Err(HttpError::Broken {
                    url: self.url.clone(),
                    why: Lost::of(&error.without_url()),
                });
            }
            Ok(Ok(chunk)) => chunk,
        };
        let Some(bytes) = chunk else { return Ok(None) };
        let Some(left) = self.left.checked_sub(bytes.len()) else {
            return Err(HttpError::TooLarge {
                url: self.url.clone(),
                limit: self.limit,
            });
        };
        self.left = left;
        Ok(Some(bytes))
    }

    /// Reads the body, whatever it says, as far as it comes within a time and its limit.
    pub(super) async fn pass_over(mut self, time: Duration) {
        self.until = self.until.min(Instant::now() + time);
        while matches!(self.chunk().await, Ok(Some(_))) {}
    }

    /// Reads the rest of the body into memory.
    pub(super) async fn whole(mut self) -> Result<Response, HttpError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status: self.status,
            headers: std::mem::take(&mut self.headers),
            body: Bytes::from(body),
        })
    }

    fn late(&self) -> HttpError {
        HttpError::Timeout {
            url: self.url.clone(),
            deadline: self.deadline,
            sent: true,
        }
    }
}

impl std::fmt::Debug for Streaming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (body to come)", self.status)
    }
}
