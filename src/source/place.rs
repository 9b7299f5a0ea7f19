//! Where a repository is: an address read once and refused where it would be unsafe.

use std::path::PathBuf;
use url::{Host, Url};

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder on this machine: a working folder or a bare repository.
    Local(PathBuf),
    /// Smart HTTP. Without TLS only on this machine.
    Http(Url),
    /// The `ssh` program.
    Ssh {
        /// `user@`, where given.
        user: Option<String>,
        /// The host; never begins with a hyphen.
        host: String,
        /// The port, where given.
        port: Option<u16>,
        /// The path on the server; never begins with a hyphen.
        path: String,
    },
    /// The unauthenticated protocol of `git daemon`; only on this machine.
    Daemon {
        /// The host.
        host: String,
        /// The port, 9418 by default.
        port: u16,
        /// The path on the server.
        path: String,
    },
}

impl Place {
    /// Reads an address.
    ///
    /// # Errors
    /// A fragment that says what is wrong; it never repeats a password.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("its address is empty".to_owned());
        }
        if text.contains(|c: char| c.is_control()) {
            return Err("its address holds a control character".to_owned());
        }
        match text.split_once("://") {
            Some((scheme, _)) => Self::parse_url(scheme, text),
            None => Self::parse_short(text),
        }
    }

    fn parse_url(scheme: &str, text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|e| format!("its address is no URL: {e}"))?;
        if url.password().is_some() {
            return Err("its address holds a password; name it under credentials".to_owned());
        }
        match scheme {
            "file" => url
                .to_file_path()
                .map(Self::Local)
                .map_err(|()| "a file:// address needs an absolute path and no host".to_owned()),
            "https" if !url.username().is_empty() => {
                Err("its address holds a user name; name it under credentials".to_owned())
            }
            "https" => Ok(Self::Http(url)),
            "http" if is_loopback(&url) && url.username().is_empty() => Ok(Self::Http(url)),
            "http" => Err("http:// is not encrypted; use https://".to_owned()),
            "git" if is_loopback(&url) => Ok(Self::Daemon {
                host: url.host_str().unwrap_or_default().to_owned(),
                port: url.port().unwrap_or(9418),
                path: safe("path", &decoded(url.path())?)?,
            }),
            "git" => Err("git:// is not encrypted; use https:// or ssh://".to_owned()),
            "ssh" => Ok(Self::Ssh {
                user: Some(url.username().to_owned())
                    .filter(|user| !user.is_empty())
                    .map(|user| safe("user", &user))
                    .transpose()?,
                host: safe("host", url.host_str().unwrap_or_default())?,
                port: url.port(),
                // `ssh://host/~user/x` means a path from that user's home.
                path: match decoded(url.path())? {
                    path if path.starts_with("/~") => safe("path", &path[1..])?,
                    path => safe("path", &path)?,
                },
            }),
            other => Err(format!(
                "{other}:// is not supported; use https://, ssh://, file:// or a path"
            )),
        }
    }

    /// `user@host:path`, or a path.
    fn parse_short(text: &str) -> Result<Self, String> {
        if let Some((host, path)) = text.split_once(':')
            && !host.contains('/')
        {
            let (user, host) = match host.rsplit_once('@') {
                Some((user, host)) => (Some(safe("user", user)?), host),
                None => (None, host),
            };
            return Ok(Self::Ssh {
                user,
                host: safe("host", host)?,
                port: None,
                path: safe("path", path)?,
            });
        }
        Ok(Self::Local(PathBuf::from(text)))
    }
}

/// Refuses what `ssh` or `git` would take for an option, and the empty text.
fn safe(what: &str, text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err(format!("its address has no {what}"));
    }
    if text.starts_with('-') {
        return Err(format!("the {what} of its address begins with a hyphen"));
    }
    if text.contains(|c: char| c.is_control()) || (what != "path" && text.contains(' ')) {
        return Err(format!(
            "the {what} of its address holds a character that does not belong there"
        ));
    }
    Ok(text.to_owned())
}

/// Undoes percent encoding.
fn decoded(path: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = digits {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).map_err(|_| "the path of its address is not UTF-8".to_owned())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // Schemes the URL standard does not know keep even an address as a name.
        Some(Host::Domain(name)) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_addresses_are_refused() {
        for bad in [
            "",
            "http://example.com/x",
            "git://example.com/x",
            "https://user:password@example.com/x",
            "https://token@example.com/x",
            "ssh://-oProxyCommand=touch/x",
            "-oProxyCommand=touch:x",
            "git@-host:x",
            "git@host:-x",
            "ftp://example.com/x",
            "https://example.com/x\n",
        ] {
            let reason = Place::parse(bad).expect_err(bad);
            assert!(!reason.contains("password@"), "{reason}");
        }
    }

    #[test]
    fn every_spelling_is_understood() {
        assert_eq!(
            Place::parse("git@github.com:org/repo.git"),
            Ok(Place::Ssh {
                user: Some("git".to_owned()),
                host: "github.com".to_owned(),
                port: None,
                path: "org/repo.git".to_owned(),
            })
        );
        assert_eq!(
            Place::parse("ssh://git@host:2222/srv/a%20b.git"),
            Ok(Place::Ssh {
                user: Some("git".to_owned()),
                host: "host".to_owned(),
                port: Some(2222),
                path: "/srv/a b.git".to_owned(),
            })
        );
        assert_eq!(Place::parse("./repo"), Ok(Place::Local("./repo".into())));
        assert_eq!(
            Place::parse("file:///srv/repo"),
            Ok(Place::Local("/srv/repo".into()))
        );
        assert!(matches!(
            Place::parse("http://127.0.0.1:8080/x"),
            Ok(Place::Http(_))
        ));
        assert!(matches!(
            Place::parse("git://127.0.0.1:9/x"),
            Ok(Place::Daemon { port: 9, .. })
        ));
    }
}
