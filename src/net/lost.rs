//! Why a connection gave no answer, in words for people and with what to do: libraries tell it in layers, with
//! numbers of the system and addresses in between.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

/// The longest text of a library that is passed on, in characters: of what is none of the known reasons.
const LONGEST: usize = 200;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Nothing listens at the address.
    Refused,
    /// Nobody answered the knock in time.
    TimedOut,
    /// It was up, and the other side or something between ended it at once.
    Reset,
    /// It was up, and ended before the answer was whole.
    Closed,
    /// The name server knows no such host.
    NoSuchHost,
    /// There is no way to the address.
    NoWay,
    /// The server's certificate is over.
    Expired,
    /// The server's certificate begins later, by our clock.
    NotYet,
    /// The server's certificate is signed by nobody we trust.
    Untrusted,
    /// The server's certificate is for another name.
    OtherName,
    /// The server's certificate is not taken for another reason.
    Certificate,
    /// What listens there does not speak TLS.
    NoTls,
    /// None of these: the last words of the library.
    Other(String),
}

impl Lost {
    /// Reads it from an error and all that stands behind it.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut words = String::new();
        let mut last = error.to_string();
        let mut kind = None;
        let mut next = Some(error);
        while let Some(one) = next {
            last = one.to_string();
            words.push_str(&last);
            words.push('\n');
            // The innermost is the system's own.
            kind = kind_of(one).or(kind);
            next = one.source();
        }
        by_words(&words.to_lowercase())
            .or_else(|| kind.and_then(by_kind))
            .unwrap_or_else(|| Self::Other(cut(&last)))
    }

    /// Returns what to do about it, as a clause.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused => "check that the server runs, and the address with its port",
            Self::TimedOut | Self::NoWay => {
                "check the address, the network, the firewall and the proxy"
            }
            Self::Reset | Self::Closed => {
                "look at the server's own log, and for a proxy or balancer in between that ends connections"
            }
            Self::NoSuchHost => "check the address for a misspelt name, and the name server",
            Self::Expired => "renew the server's certificate",
            Self::NotYet => "compare the clocks of this machine and the server",
            Self::Untrusted => "name the authority that signed it as a trusted one",
            Self::OtherName => "use the name that its certificate is for as the address",
            Self::Certificate => "look at the server's certificate",
            Self::NoTls => "check the port, or whether the address is to begin with http",
            Self::Other(_) => "look at the server and at what is between",
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the connection was refused",
            Self::TimedOut => "nobody answered in time",
            Self::Reset => "the connection was reset",
            Self::Closed => "the connection ended before the answer did",
            Self::NoSuchHost => "there is no host of this name",
            Self::NoWay => "there is no way to the address",
            Self::Expired => "its certificate is expired",
            Self::NotYet => "its certificate is not valid yet",
            Self::Untrusted => "its certificate is not trusted, nobody known signed it",
            Self::OtherName => "its certificate is for another name",
            Self::Certificate => "its certificate cannot be used",
            Self::NoTls => "what listens there does not speak TLS",
            Self::Other(words) => words,
        })
    }
}

/// An error of the system may be wrapped in others of its own type, which hide it from `source`.
fn kind_of(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let io = error.downcast_ref::<std::io::Error>()?;
    let inner = io.get_ref().and_then(|inner| kind_of(inner));
    inner.or(Some(io.kind()))
}

/// What has no type that could be told apart is known by its words: rustls's, hyper's and the resolver's.
fn by_words(words: &str) -> Option<Lost> {
    let says = |all: &[&str]| all.iter().any(|one| words.contains(one));
    if says(&["invalid peer certificate"]) {
        return Some(if says(&["expired"]) {
            Lost::Expired
        } else if says(&["notvalidyet", "not valid yet"]) {
            Lost::NotYet
        } else if says(&["notvalidforname", "not valid for name"]) {
            Lost::OtherName
        } else if says(&["unknownissuer", "unknown issuer", "causedasendentity"]) {
            Lost::Untrusted
        } else {
            Lost::Certificate
        });
    }
    if says(&["corrupt message of type invalidcontenttype"]) {
        return Some(Lost::NoTls);
    }
    if says(&["dns error", "failed to lookup address"]) {
        return Some(Lost::NoSuchHost);
    }
    if says(&["connection closed before message completed"]) {
        return Some(Lost::Closed);
    }
    says(&["timed out", "deadline has elapsed"]).then_some(Lost::TimedOut)
}

fn by_kind(kind: ErrorKind) -> Option<Lost> {
    match kind {
        ErrorKind::ConnectionRefused => Some(Lost::Refused),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Some(Lost::Reset)
        }
        ErrorKind::UnexpectedEof => Some(Lost::Closed),
        ErrorKind::TimedOut => Some(Lost::TimedOut),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Some(Lost::NoWay)
        }
        _ => None,
    }
}

fn cut(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    flat.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("client error (Connect)")]
    struct Layer(#[source] io::Error);

    #[test]
    fn layers_and_addresses_are_left_out() {
        let of = |error: io::Error| Lost::of(&Layer(error));
        let refused = io::Error::from(ErrorKind::ConnectionRefused);
        assert_eq!(of(io::Error::other(refused)), Lost::Refused);
        let reset = io::Error::from_raw_os_error(104);
        assert_eq!(of(reset).to_string(), "the connection was reset");
        for (words, expected) in [
            ("invalid peer certificate: UnknownIssuer", Lost::Untrusted),
            (
                "invalid peer certificate: certificate expired: verification time 2 (UNIX), but certificate is not valid after 1 (1 seconds ago)",
                Lost::Expired,
            ),
            (
                "invalid peer certificate: certificate not valid for name \"a\"; certificate is only valid for DnsName(\"b\")",
                Lost::OtherName,
            ),
            (
                "received corrupt message of type InvalidContentType",
                Lost::NoTls,
            ),
            (
                "failed to lookup address information: Name or service not known",
                Lost::NoSuchHost,
            ),
        ] {
            assert_eq!(of(io::Error::new(ErrorKind::InvalidData, words)), expected);
        }
        let odd = of(io::Error::other("the   moon\nis full"));
        assert_eq!(odd.to_string(), "the moon is full");
    }
}
