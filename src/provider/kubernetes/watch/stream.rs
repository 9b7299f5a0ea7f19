//! The lines of one watch as the API server sends them.

use crate::provider::kubernetes::error::Failure;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value as Json;
use std::time::Duration;
use tokio::time::timeout;

/// The longest line that is read: an object at etcd's limit of 1.5 MiB, escaped, and some.
const LONGEST: usize = 16 * 1024 * 1024;

/// One thing that a watch tells.
#[derive(Debug)]
pub(super) enum Event {
    /// An object is there, or is another.
    Changed(Json),
    /// An object is gone from what is watched, last seen like this.
    Gone(Json),
    /// Everything up to this version was told.
    Mark(Json),
    /// The version that was continued from is forgotten.
    Expired,
}

/// A watch that was opened.
pub(super) struct Stream {
    body: Body,
    rest: Vec<u8>,
    /// How far `rest` was searched for the end of a line.
    searched: usize,
}

impl Stream {
    /// Reads what the server sends from now on.
    pub(super) fn new(body: Body) -> Self {
        Self {
            body,
            rest: Vec::new(),
            searched: 0,
        }
    }

    /// Returns what is told next; `None` where the server ended the watch.
    ///
    /// # Errors
    /// The connection broke, nothing at all came for so long, or it was no event.
    pub(super) async fn next(&mut self, silence: Duration) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(line) = self.line() {
                return event(&line).map(Some);
            }
            let frame = timeout(silence, self.body.frame()).await;
            let silent = |_late| Failure::transient("watch-silent", "the watch tells nothing");
            let Some(frame) = frame.map_err(silent)? else {
                return Ok(None);
            };
            let lost = |_error| Failure::transient("connection-lost", "the watch broke off");
            if let Ok(data) = frame.map_err(lost)?.into_data() {
                self.rest.extend_from_slice(&data);
            }
            if self.rest.len() > LONGEST {
                return Err(Failure::transient(
                    "server-error",
                    "the watch sends no lines",
                ));
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.rest[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n');
        let Some(end) = end else {
            self.searched = self.rest.len();
            return None;
        };
        let after = self.rest.split_off(self.searched + end + 1);
        self.searched = 0;
        Some(std::mem::replace(&mut self.rest, after))
    }
}

fn event(line: &[u8]) -> Result<Event, Failure> {
    let strange = || Failure::transient("server-error", "the watch tells what is no event");
    let mut told: Json = serde_json::from_slice(line).map_err(|_| strange())?;
    let object = told["object"].take();
    match told["type"].as_str() {
        Some("ADDED" | "MODIFIED") => Ok(Event::Changed(object)),
        Some("DELETED") => Ok(Event::Gone(object)),
        Some("BOOKMARK") => Ok(Event::Mark(object)),
        Some("ERROR") if object["code"] == 410 => Ok(Event::Expired),
        Some("ERROR") => {
            let code = object["code"]
                .as_u64()
                .and_then(|code| code.try_into().ok());
            let body = object.to_string();
            Err(Failure::answered(
                code.unwrap_or(500),
                body.as_bytes(),
                None,
            ))
        }
        _ => Err(strange()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn stream(text: &'static str) -> Stream {
        Stream::new(Body::from(text.as_bytes().to_vec()))
    }

    #[tokio::test]
    async fn events_are_lines_and_the_end_is_none() {
        let mut stream = stream(concat!(
            r#"{"type":"ADDED","object":{"a":1}}"#,
            "\n",
            r#"{"type":"DELETED","object":{}}"#,
            "\n",
            r#"{"type":"BOOKMARK","object":{}}"#,
            "\n",
            r#"{"type":"ERROR","object":{"code":410}}"#,
            "\n",
        ));
        let second = Duration::from_secs(1);
        assert!(
            matches!(stream.next(second).await, Ok(Some(Event::Changed(object))) if object["a"] == 1)
        );
        assert!(matches!(
            stream.next(second).await,
            Ok(Some(Event::Gone(_)))
        ));
        assert!(matches!(
            stream.next(second).await,
            Ok(Some(Event::Mark(_)))
        ));
        assert!(matches!(
            stream.next(second).await,
            Ok(Some(Event::Expired))
        ));
        assert!(matches!(stream.next(second).await, Ok(None)));
    }

    #[tokio::test]
    async fn what_is_no_event_is_an_error() {
        for text in [
            "<html>\n",
            "{}\n",
            "{\"type\":\"ERROR\",\"object\":{\"code\":500}}\n",
        ] {
            assert!(
                stream(text).next(Duration::from_secs(1)).await.is_err(),
                "{text}"
            );
        }
    }
}
