//! A conversation with one server, over whichever way leads to it.

use super::answer::{payload, reference, refuse_error, sections};
use super::door::{Door, Trouble};
use super::pkt::{self, Packet};
use super::{daemon, http, ssh};
use crate::net::Client;
use crate::source::{Place, SourceError, Stop, Target};
use git2::Oid;
use std::io::{Read, Write};

/// Everything a commit has behind it.
pub(crate) const WHOLE: u32 = 0x7fff_ffff;

/// What to fetch.
pub(crate) struct Ask<'a> {
    /// The commits.
    pub(crate) wants: &'a [Oid],
    /// The commits whose files (not their history) are here.
    pub(crate) haves: &'a [Oid],
    /// How many commits deep.
    pub(crate) depth: u32,
    /// Commits without their files, where the server can.
    pub(crate) commits_only: bool,
}

/// A conversation with one server.
pub(crate) struct Session<'a> {
    target: &'a str,
    door: Box<dyn Door + 'a>,
    stop: &'a Stop,
    filters: bool,
    names_format: bool,
}

impl<'a> Session<'a> {
    /// Connects and reads what the server can.
    ///
    /// # Errors
    /// Every way a server can be out of reach, each a state of its own.
    pub(crate) fn open(
        target: &'a Target,
        place: &'a Place,
        client: &'a Client,
        stop: &'a Stop,
    ) -> Result<Self, SourceError> {
        let door = |old_server| -> Result<Box<dyn Door + 'a>, SourceError> {
            Ok(match place {
                Place::Http(url) => Box::new(http::Http::new(target, url, client, stop)),
                Place::Daemon { host, port, path } => Box::new(daemon::Daemon::connect(
                    &target.name,
                    host,
                    *port,
                    path,
                    stop,
                )?),
                Place::Ssh { .. } => Box::new(ssh::Ssh::start(target, place, old_server, stop)?),
                Place::Local(_) => {
                    return Err(SourceError::Internal {
                        target: target.name.clone(),
                        reason: "a folder has no server".to_owned(),
                    });
                }
            })
        };
        let mut session = Self {
            target: &target.name,
            door: door(false)?,
            stop,
            filters: false,
            names_format: false,
        };
        if session.greet()? {
            return Ok(session);
        }
        // An sshd that does not accept GIT_PROTOCOL hides our wish; its shell can be told instead.
        if matches!(place, Place::Ssh { .. }) {
            session.door = door(true)?;
            if session.greet()? {
                return Ok(session);
            }
        }
        Err(SourceError::Setting {
            target: target.name.clone(),
            reason: "the server does not speak version 2 of the Git protocol (over ssh, its sshd needs `AcceptEnv GIT_PROTOCOL`)".to_owned(),
        })
    }

    /// Reads what the server can; `false` where it speaks an older protocol.
    fn greet(&mut self) -> Result<bool, SourceError> {
        let (stop, target) = (self.stop, self.target);
        let lines = self.door.greeting().and_then(|mut stream| {
            let mut lines = Vec::new();
            loop {
                stop.check(target)?;
                match pkt::read(&mut *stream)? {
                    // HTTP names the service first, in a section of its own.
                    Packet::Flush if lines.is_empty() => {}
                    Packet::Flush | Packet::End | Packet::Delimiter => return Ok(lines),
                    packet => {
                        let text = packet.text().unwrap_or_default();
                        refuse_error(text)?;
                        if lines.is_empty() && text.starts_with("# service=") {
                            continue;
                        }
                        lines.push(text.to_owned());
                        if lines.len() == 1 && text != "version 2" {
                            return Ok(lines);
                        }
                    }
                }
            }
        });
        let lines = lines.map_err(|trouble| self.named(trouble))?;
        if lines.first().map(String::as_str) != Some("version 2") {
            return Ok(false);
        }
        let of = |key: &str| lines.iter().find_map(|line| line.strip_prefix(key));
        if of("object-format=").is_some_and(|format| format != "sha1") {
            return Err(SourceError::Setting {
                target: self.target.to_owned(),
                reason: "it names its objects by SHA-256, which is not supported".to_owned(),
            });
        }
        self.names_format = of("object-format=").is_some();
        self.filters = of("fetch=").is_some_and(|can| can.split(' ').any(|one| one == "filter"));
        Ok(true)
    }

    /// Tells whether the server can leave out files where only history is asked for.
    pub(crate) fn filters(&self) -> bool {
        self.filters
    }

    /// Returns where references stand whose names begin so, tags followed to what they name.
    pub(crate) fn references(
        &mut self,
        prefixes: &[&str],
    ) -> Result<Vec<(String, Oid)>, SourceError> {
        let mut command = self.command("ls-refs");
        pkt::line(&mut command, "peel");
        for prefix in prefixes {
            pkt::line(&mut command, &format!("ref-prefix {prefix}"));
        }
        pkt::flush(&mut command);
        let (stop, target) = (self.stop, self.target);
        let found = self.door.ask(command).and_then(|mut stream| {
            let mut found = Vec::new();
            loop {
                stop.check(target)?;
                let packet = pkt::read(&mut *stream)?;
                if packet == Packet::Flush {
                    return Ok(found);
                }
                let text = packet.text().unwrap_or_default();
                refuse_error(text)?;
                found.push(reference(text).ok_or(Trouble::Protocol("a reference line"))?);
            }
        });
        found.map_err(|trouble| self.named(trouble))
    }

    /// Fetches one pack of at most `limit` bytes into `pack`; tells whether history was left out.
    ///
    /// # Errors
    /// `MissingRevision` where the server has a wanted commit no longer.
    pub(crate) fn fetch(
        &mut self,
        ask: &Ask<'_>,
        pack: &mut dyn Write,
        limit: u64,
    ) -> Result<bool, SourceError> {
        let mut command = self.command("fetch");
        pkt::line(&mut command, "ofs-delta");
        // Not only for smaller deltas: without it git sends again what a shallow `have` holds.
        pkt::line(&mut command, "thin-pack");
        pkt::line(&mut command, "no-progress");
        if ask.commits_only && self.filters {
            pkt::line(&mut command, "filter tree:0");
        }
        for id in ask.wants {
            pkt::line(&mut command, &format!("want {id}"));
        }
        for id in ask.haves {
            pkt::line(&mut command, &format!("shallow {id}"));
            pkt::line(&mut command, &format!("have {id}"));
        }
        pkt::line(&mut command, &format!("deepen {}", ask.depth));
        pkt::line(&mut command, "done");
        pkt::flush(&mut command);
        let (stop, target) = (self.stop, self.target);
        let mut read = |stream: &mut dyn Read| {
            let cut = sections(stream, target, stop)?;
            payload(stream, pack, limit, target, stop)?;
            Ok(cut)
        };
        let result = self
            .door
            .ask(command)
            .and_then(|mut stream| read(&mut *stream));
        result.map_err(|trouble| match trouble {
            Trouble::Said(text) if text.contains("not our ref") => SourceError::MissingRevision {
                target: self.target.to_owned(),
                revision: text.rsplit(' ').next().unwrap_or_default().to_owned(),
            },
            other => self.named(other),
        })
    }

    fn command(&self, name: &str) -> Vec<u8> {
        let mut command = Vec::new();
        pkt::line(&mut command, &format!("command={name}"));
        pkt::line(
            &mut command,
            concat!("agent=reconciled/", env!("CARGO_PKG_VERSION")),
        );
        if self.names_format {
            pkt::line(&mut command, "object-format=sha1");
        }
        pkt::delimiter(&mut command);
        command
    }

    fn named(&mut self, trouble: Trouble) -> SourceError {
        // What nobody waits for, or what is late, breaks in some way or other: that is the reason.
        if let Err(error) = self.stop.check(self.target) {
            return error;
        }
        match trouble {
            Trouble::Broken(error) => self.door.explain(error),
            other => other.named(self.target),
        }
    }
}
