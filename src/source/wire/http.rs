//! Smart HTTP through the one client. The token goes to the target's own origin only: the client
//! follows no redirect to another, and the address never holds it.

use super::door::{Door, Trouble, unreachable};
use crate::net::Client;
use crate::net::http::{HttpError, Method, Request, StatusCode, Streaming, Url, header};
use crate::source::{Credentials, SourceError, Stop, Target};
use bytes::{Buf as _, Bytes};
use std::io::{self, Read};
use tokio::runtime::Handle;

const ANSWER: &str = "application/x-git-upload-pack-result";
const GREETING: &str = "application/x-git-upload-pack-advertisement";
const QUESTION: &str = "application/x-git-upload-pack-request";

pub(super) struct Http<'a> {
    target: &'a Target,
    url: &'a Url,
    client: &'a Client,
    stop: &'a Stop,
    runtime: Handle,
}

impl<'a> Http<'a> {
    pub(super) fn new(
        target: &'a Target,
        url: &'a Url,
        client: &'a Client,
        stop: &'a Stop,
    ) -> Self {
        let runtime = Handle::current();
        Self {
            target,
            url,
            client,
            stop,
            runtime,
        }
    }

    fn request(&self, method: Method, below: &str, query: Option<&str>) -> Request {
        let mut url = self.url.clone();
        url.set_query(query);
        url.set_path(&format!("{}{below}", url.path().trim_end_matches('/')));
        let limit = self.target.limits.fetch_bytes;
        let request = Request::new(method, url)
            .header(header::HeaderName::from_static("git-protocol"), "version=2")
            .deadline(self.stop.left())
            // Both are questions: asked twice they change nothing.
            .idempotent(true)
            // The framing adds less than this to a pack of the limit's size.
            .answer_limit(usize::try_from(limit + limit / 8 + (1 << 20)).unwrap_or(usize::MAX));
        match &self.target.credentials {
            Credentials::Token { username, token } => request.basic(username, token),
            Credentials::None | Credentials::Key { .. } => request,
        }
    }

    fn send(&self, request: Request, expected: &str) -> Result<Box<dyn Read + '_>, Trouble> {
        let opened = self.runtime.block_on(async {
            tokio::select! {
                opened = self.client.open(request) => opened.map_err(|error| self.failed(error)),
                () = self.stop.gone() => Err(SourceError::Cancelled { target: self.name() }),
            }
        });
        let stream = opened.map_err(Trouble::Known)?;
        if let Some(error) = self.refused(&stream, expected) {
            return Err(Trouble::Known(error));
        }
        Ok(Box::new(Body {
            stream,
            piece: Bytes::new(),
            runtime: &self.runtime,
            stop: self.stop,
        }))
    }

    /// Tells what a status other than 200 means.
    fn refused(&self, answer: &Streaming, expected: &str) -> Option<SourceError> {
        let target = self.name();
        let status = answer.status;
        let header = |name: header::HeaderName| answer.headers.get(name)?.to_str().ok();
        let reason = format!("the server answered {status}");
        match status {
            StatusCode::OK if header(header::CONTENT_TYPE) == Some(expected) => None,
            StatusCode::OK => Some(SourceError::MissingRepository {
                target,
                reason: "the server's answer is not that of a Git repository (a web page?)"
                    .to_owned(),
            }),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(SourceError::Credentials {
                target,
                reason: match self.target.credentials {
                    Credentials::Token { .. } => reason,
                    _ => format!("{reason}, and no token is set"),
                },
            }),
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                Some(SourceError::MissingRepository { target, reason })
            }
            status if status.is_redirection() => Some(SourceError::MissingRepository {
                target,
                reason: match header(header::LOCATION).and_then(|to| self.url.join(to).ok()) {
                    Some(to) => format!("the server sends us to {}", origin_and_path(&to)),
                    None => reason,
                },
            }),
            _ => Some(SourceError::Unreachable {
                target,
                reason,
                source: None,
            }),
        }
    }

    fn failed(&self, error: HttpError) -> SourceError {
        let target = self.name();
        match error {
            HttpError::Timeout { .. } => SourceError::Timeout {
                target,
                seconds: self.target.limits.deadline.as_secs(),
            },
            HttpError::TooLarge { .. } => SourceError::TooLarge {
                target,
                limit: self.target.limits.fetch_bytes,
                what: "bytes to fetch",
            },
            HttpError::Setup { reason, .. } | HttpError::Invalid { reason, .. } => {
                SourceError::Setting { target, reason }
            }
            HttpError::Connect { .. } => unreachable(target, "no connection", error),
            HttpError::Broken { .. } => unreachable(target, "the connection broke", error),
        }
    }

    fn name(&self) -> String {
        self.target.name.clone()
    }
}

impl Door for Http<'_> {
    fn greeting(&mut self) -> Result<Box<dyn Read + '_>, Trouble> {
        let query = Some("service=git-upload-pack");
        self.send(self.request(Method::GET, "/info/refs", query), GREETING)
    }

    fn ask(&mut self, question: Vec<u8>) -> Result<Box<dyn Read + '_>, Trouble> {
        let request = self
            .request(Method::POST, "/git-upload-pack", None)
            .header(header::CONTENT_TYPE, QUESTION)
            .header(header::ACCEPT, ANSWER)
            .body(question);
        self.send(request, ANSWER)
    }

    fn explain(&mut self, error: io::Error) -> SourceError {
        match error.downcast::<HttpError>() {
            Ok(error) => self.failed(error),
            Err(error) => unreachable(self.name(), "the connection ended early", error),
        }
    }
}

/// A body as a blocking reader that ends when nobody waits any more.
struct Body<'a> {
    stream: Streaming,
    piece: Bytes,
    runtime: &'a Handle,
    stop: &'a Stop,
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let next = self.runtime.block_on(async {
                tokio::select! {
                    next = self.stream.chunk() => next.map_err(io::Error::other),
                    () = self.stop.gone() => Ok(None),
                }
            });
            match next? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// An address without what may hold a token.
fn origin_and_path(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
