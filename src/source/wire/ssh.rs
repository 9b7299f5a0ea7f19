//! The `ssh` program: it never asks, trusts no host but those of the known-hosts file, and gets every
//! word of the settings as an argument of its own.

use super::door::{self, Door, Trouble, unreachable};
use crate::net::process::{Command, Piped, ProcessError};
use crate::source::{Credentials, Place, SourceError, Stop, Target};
use std::ffi::OsString;
use std::io::{self, BufReader, Read, Write as _};
use std::path::Path;
use std::process::ChildStdout;
use tokio_util::sync::DropGuard;

pub(super) struct Ssh {
    target: String,
    program: Option<Piped>,
    output: BufReader<ChildStdout>,
    _kills: DropGuard,
}

impl Ssh {
    /// Starts the program. `by_shell` names the protocol in the remote command, for a server that
    /// does not take it from our environment.
    pub(super) fn start(
        target: &Target,
        place: &Place,
        by_shell: bool,
        stop: &Stop,
    ) -> Result<Self, SourceError> {
        let command = command(target, place, by_shell)?.deadline(stop.left());
        let mut program = Piped::spawn(&command).map_err(|error| failed(&target.name, error))?;
        let killer = program.killer();
        let kills = stop.on_gone(move || killer.kill());
        let output = program.stdout.take().ok_or_else(|| SourceError::Internal {
            target: target.name.clone(),
            reason: "ssh was started without an output".to_owned(),
        })?;
        Ok(Self {
            target: target.name.clone(),
            program: Some(program),
            output: BufReader::new(output),
            _kills: kills,
        })
    }
}

impl Door for Ssh {
    fn greeting(&mut self) -> Result<Box<dyn Read + '_>, Trouble> {
        Ok(Box::new(&mut self.output))
    }

    fn ask(&mut self, question: Vec<u8>) -> Result<Box<dyn Read + '_>, Trouble> {
        let input = self
            .program
            .as_mut()
            .and_then(|program| program.stdin.as_mut());
        input
            .ok_or(io::ErrorKind::BrokenPipe)
            .map_err(io::Error::from)?
            .write_all(&question)?;
        Ok(Box::new(&mut self.output))
    }

    fn explain(&mut self, error: io::Error) -> SourceError {
        let said = match self.program.take().map(Piped::wait) {
            Some(Ok((_, said))) => said,
            _ => String::new(),
        };
        explained(&self.target, &said, error)
    }
}

fn command(target: &Target, place: &Place, by_shell: bool) -> Result<Command, SourceError> {
    let setting = |reason: &str| SourceError::Setting {
        target: target.name.clone(),
        reason: reason.to_owned(),
    };
    let Place::Ssh {
        user,
        host,
        port,
        path,
    } = place
    else {
        return Err(setting("ssh needs an ssh address"));
    };
    let Credentials::Key { key, known_hosts } = &target.credentials else {
        return Err(setting(
            "ssh needs a known-hosts file, and a key or an agent",
        ));
    };
    let known_hosts = option_path(known_hosts)
        .ok_or_else(|| setting("the known-hosts file's path holds a quote or a line break"))?;
    let mut command = Command::new("ssh")
        .args(["-T", "-x", "-a"])
        .args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"])
        .args(["-o", &format!("UserKnownHostsFile={known_hosts}")])
        .args([
            "-o",
            "GlobalKnownHostsFile=/dev/null",
            "-o",
            "UpdateHostKeys=no",
        ])
        .args(["-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=15"])
        .args(["-o", "ClearAllForwardings=yes", "-o", "ControlPath=none"])
        .args(["-o", "PermitLocalCommand=no", "-o", "SendEnv=GIT_PROTOCOL"])
        .env("GIT_PROTOCOL", "version=2");
    if let Some(port) = port {
        command = command.args(["-p", &port.to_string()]);
    }
    command = match key {
        Some(key) => command
            .args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"])
            .arg("-i")
            .arg(key),
        None => command.inherit(&["SSH_AUTH_SOCK"]),
    };
    let host = match user {
        Some(user) => OsString::from(format!("{user}@{host}")),
        None => OsString::from(host),
    };
    let prefix = if by_shell {
        "env GIT_PROTOCOL=version=2 "
    } else {
        ""
    };
    // The server's shell reads this line; quoted, the path is one word whatever it holds.
    let quoted = path.replace('\'', r"'\''");
    let remote = format!("{prefix}git-upload-pack '{quoted}'");
    Ok(command.arg("--").arg(host).arg(remote))
}

/// A path as `ssh -o` takes it: quoted, for it would split at a space, and with `%` as itself.
fn option_path(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    if text.contains(['"', '\n', '\\']) {
        return None;
    }
    Some(format!("\"{}\"", text.replace('%', "%%")))
}

/// Tells from the words of ssh and of the server what broke.
fn explained(target: &str, said: &str, error: io::Error) -> SourceError {
    let target = target.to_owned();
    let reason = match door::plain(said) {
        text if text.is_empty() => "the connection ended early".to_owned(),
        text => text,
    };
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&[
        "Host key verification failed",
        "REMOTE HOST IDENTIFICATION",
        "host key is known",
    ]) {
        SourceError::HostKey { target, reason }
    } else if has(&[
        "Permission denied",
        "Too many authentication failures",
        "bad permissions",
    ]) {
        SourceError::SshKey { target, reason }
    } else if door::is_missing(said) {
        SourceError::MissingRepository { target, reason }
    } else {
        unreachable(target, reason, error)
    }
}

fn failed(target: &str, error: ProcessError) -> SourceError {
    match error {
        ProcessError::Missing { .. } => SourceError::Setting {
            target: target.to_owned(),
            reason: "an ssh address needs the ssh program, which is not installed".to_owned(),
        },
        other => unreachable(target, "ssh did not start", other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fault as _;

    fn argv(url: &str, by_shell: bool) -> Result<String, SourceError> {
        let mut target = Target::new("shop", url, "main");
        target.credentials = Credentials::Key {
            key: Some("/keys/deploy key".into()),
            known_hosts: "/keys/known 100%".into(),
        };
        let command = command(&target, &target.place()?, by_shell)?;
        Ok(format!("{command:?}"))
    }

    #[test]
    fn every_word_is_an_argument_of_its_own() {
        let said = argv("ssh://git@example.com:2222/srv/it's mine.git", false).unwrap();
        let (options, rest) = said.split_once("\"--\", ").unwrap();
        assert!(
            rest.starts_with(r#""git@example.com", "git-upload-pack '/srv/it'\\''s mine.git'"], "#),
            "{rest}"
        );
        for expected in [
            r#""BatchMode=yes""#,
            r#""StrictHostKeyChecking=yes""#,
            r#""UserKnownHostsFile=\"/keys/known 100%%\"""#,
            r#""GlobalKnownHostsFile=/dev/null""#,
            r#""-p", "2222""#,
            r#""IdentitiesOnly=yes""#,
            r#""-i", "/keys/deploy key""#,
        ] {
            assert!(options.contains(expected), "{expected}: {options}");
        }
        let said = argv("git@example.com:shop.git", true).unwrap();
        assert!(
            said.contains("env GIT_PROTOCOL=version=2 git-upload-pack 'shop.git'"),
            "{said}"
        );
    }

    #[test]
    fn the_words_of_ssh_and_of_hosting_services_are_understood() {
        let of = |said: &str| explained("shop", said, io::ErrorKind::UnexpectedEof.into());
        for (said, code) in [
            (
                "No ED25519 host key is known for x\r\nHost key verification failed.",
                "repository-host-key",
            ),
            (
                "git@github.com: Permission denied (publickey).",
                "repository-credentials",
            ),
            (
                "ERROR: Repository not found.\nfatal: Could not read from remote repository.",
                "repository-missing",
            ),
            (
                "fatal: '/srv/x' does not appear to be a git repository",
                "repository-missing",
            ),
            (
                "ssh: Could not resolve hostname x: Name or service not known",
                "repository-unreachable",
            ),
            ("", "repository-unreachable"),
        ] {
            assert_eq!(of(said).code(), code, "{said}");
        }
        let denied = of("git@github.com: Permission denied (publickey).");
        assert!(
            denied
                .hint()
                .is_some_and(|hint| hint.contains("ssh-add -l"))
        );
        let said = of("one\n\x1b[31mtwo").to_string();
        assert_eq!(said, "reach repository shop: one [31mtwo");
    }
}
