//! Packet lines, the framing of the Git protocol (git, Documentation/gitprotocol-common.txt).

use std::io::{self, Read};

/// The largest payload of one packet, in bytes.
const LARGEST: usize = 65516;

/// One packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    /// `0000`: the end of an answer.
    Flush,
    /// `0001`: the end of a section.
    Delimiter,
    /// `0002`: the end of a stateless answer.
    End,
    /// A payload.
    Data(Vec<u8>),
}

impl Packet {
    /// Returns the payload as text without its line break; `None` for what is no text line.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Data(bytes) => std::str::from_utf8(bytes)
                .ok()
                .map(|text| text.strip_suffix('\n').unwrap_or(text)),
            _ => None,
        }
    }
}

/// Reads one packet.
pub(crate) fn read(stream: &mut dyn Read) -> io::Result<Packet> {
    let mut header = [0; 4];
    stream.read_exact(&mut header)?;
    let length = std::str::from_utf8(&header)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|text| usize::from_str_radix(text, 16).ok());
    match length {
        Some(0) => Ok(Packet::Flush),
        Some(1) => Ok(Packet::Delimiter),
        Some(2) => Ok(Packet::End),
        Some(length @ 4..) if length - 4 <= LARGEST => {
            let mut payload = vec![0; length - 4];
            stream.read_exact(&mut payload)?;
            Ok(Packet::Data(payload))
        }
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a packet has no valid length",
        )),
    }
}

/// Adds one packet of text. Its lines are ours and short.
pub(crate) fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(format!("{:04x}{text}\n", text.len() + 5).as_bytes());
}

/// Adds the end of a section.
pub(crate) fn delimiter(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0001");
}

/// Adds the end of a request.
pub(crate) fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut bytes = Vec::new();
        line(&mut bytes, "command=ls-refs");
        delimiter(&mut bytes);
        flush(&mut bytes);
        let mut stream = bytes.as_slice();
        let first = read(&mut stream).unwrap();
        assert_eq!(first.text(), Some("command=ls-refs"));
        assert_eq!(read(&mut stream).unwrap(), Packet::Delimiter);
        assert_eq!(read(&mut stream).unwrap(), Packet::Flush);
        assert!(read(&mut stream).is_err());
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for bad in ["0003", "00", "+00a1234567", "<htm", "ffff", "0009abc"] {
            assert!(read(&mut bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
