//! The unauthenticated protocol of `git daemon` (git, Documentation/gitprotocol-pack.txt); the place
//! refuses it for any other machine than this one.

use super::door::{Door, Trouble, unreachable};
use crate::source::{SourceError, Stop};
use std::io::{self, BufReader, Read, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::time::Duration;
use tokio_util::sync::DropGuard;

pub(super) struct Daemon {
    target: String,
    stream: BufReader<TcpStream>,
    /// What is said first: to whom we want to talk.
    first: Vec<u8>,
    _closes: Option<DropGuard>,
}

impl Daemon {
    pub(super) fn connect(
        target: &str,
        host: &str,
        port: u16,
        path: &str,
        stop: &Stop,
    ) -> Result<Self, SourceError> {
        let failed = |error: io::Error| unreachable(target, "no connection", error);
        let left = stop
            .left()
            .clamp(Duration::from_millis(1), Duration::from_secs(10));
        let address = (host.trim_matches(['[', ']']), port)
            .to_socket_addrs()
            .map_err(failed)?
            .next()
            .ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        let stream = TcpStream::connect_timeout(&address, left).map_err(failed)?;
        let closes = stream.try_clone().ok().map(|stream| {
            stop.on_gone(move || {
                let _closed_already = stream.shutdown(Shutdown::Both);
            })
        });
        let left = Some(stop.left().max(Duration::from_millis(1)));
        stream.set_read_timeout(left).map_err(failed)?;
        stream.set_write_timeout(left).map_err(failed)?;
        let asked = format!("git-upload-pack {path}\0host={host}:{port}\0\0version=2\0");
        Ok(Self {
            target: target.to_owned(),
            stream: BufReader::new(stream),
            first: format!("{:04x}{asked}", asked.len() + 4).into_bytes(),
            _closes: closes,
        })
    }
}

impl Door for Daemon {
    fn greeting(&mut self) -> Result<Box<dyn Read + '_>, Trouble> {
        self.stream.get_mut().write_all(&self.first)?;
        Ok(Box::new(&mut self.stream))
    }

    fn ask(&mut self, question: Vec<u8>) -> Result<Box<dyn Read + '_>, Trouble> {
        self.stream.get_mut().write_all(&question)?;
        Ok(Box::new(&mut self.stream))
    }

    fn explain(&mut self, error: io::Error) -> SourceError {
        unreachable(self.target.as_str(), "the connection ended early", error)
    }
}
