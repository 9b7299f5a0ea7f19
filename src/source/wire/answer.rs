//! What a server's answers mean, packet by packet.

use super::door::{Trouble, plain};
use super::pkt::{self, Packet};
use crate::source::{SourceError, Stop};
use git2::Oid;
use std::io::{Read, Write};

/// Reads up to where the pack begins; tells whether history was left out.
pub(super) fn sections(stream: &mut dyn Read, target: &str, stop: &Stop) -> Result<bool, Trouble> {
    let mut cut = false;
    loop {
        stop.check(target)?;
        match pkt::read(stream)? {
            Packet::Delimiter => {}
            Packet::Flush | Packet::End => {
                return Err(Trouble::Protocol("an answer without a pack"));
            }
            packet => match packet.text().unwrap_or_default() {
                "packfile" => return Ok(cut),
                text => {
                    refuse_error(text)?;
                    cut |= text.starts_with("shallow ");
                }
            },
        }
    }
}

/// Reads the pack out of its band.
pub(super) fn payload(
    stream: &mut dyn Read,
    pack: &mut dyn Write,
    limit: u64,
    target: &str,
    stop: &Stop,
) -> Result<(), Trouble> {
    let mut left = limit;
    loop {
        stop.check(target)?;
        let Packet::Data(bytes) = pkt::read(stream)? else {
            return Ok(());
        };
        match bytes.split_first() {
            Some((1, piece)) => {
                left = left.checked_sub(piece.len() as u64).ok_or_else(|| {
                    Trouble::Known(SourceError::TooLarge {
                        target: target.to_owned(),
                        limit,
                        what: "bytes to fetch",
                    })
                })?;
                pack.write_all(piece).map_err(Trouble::Kept)?;
            }
            Some((2, _)) => {}
            Some((3, said)) => {
                return Err(Trouble::Said(plain(&String::from_utf8_lossy(said))));
            }
            _ => return Err(Trouble::Protocol("a piece of a pack")),
        }
    }
}

/// `<id> <name>[ peeled:<id>]`.
pub(super) fn reference(line: &str) -> Option<(String, Oid)> {
    let mut parts = line.split(' ');
    let (id, name) = (parts.next()?, parts.next()?);
    let id = parts
        .find_map(|part| part.strip_prefix("peeled:"))
        .unwrap_or(id);
    Some((name.to_owned(), Oid::from_str(id).ok()?))
}

pub(super) fn refuse_error(line: &str) -> Result<(), Trouble> {
    match line.strip_prefix("ERR ") {
        Some(text) => Err(Trouble::Said(plain(text))),
        None => Ok(()),
    }
}
