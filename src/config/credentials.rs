//! How to get into a Git server: a token for https, a key for ssh.

use super::describe::{object, text, text_or};
use super::element::Reading;
use super::secret;
use crate::model::SecretSource;
use crate::yaml::{Fields, Node, Place};
use serde_json::Value;
use std::path::PathBuf;

const USERNAME: &str = "x-access-token";

/// How to get into a Git server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing is sent.
    #[default]
    None,
    /// HTTPS.
    Token {
        /// The user's name; GitHub and GitLab take any.
        username: String,
        /// Where the token lives.
        token: SecretSource,
    },
    /// SSH.
    Key {
        /// The private key's file; `None` leaves the choice to the user's agent.
        key: Option<PathBuf>,
        /// The file that lists the hosts we trust.
        known_hosts: PathBuf,
    },
}

impl Credentials {
    /// Returns the files they live in.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        match self {
            Self::None => Vec::new(),
            Self::Token { token, .. } => secret::path(token).into_iter().collect(),
            Self::Key { key, known_hosts } => key.iter().chain([known_hosts]).cloned().collect(),
        }
    }
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Credentials {
    let Some(node) = node else {
        return Credentials::None;
    };
    reading.element(Some(node), |reading, fields| {
        fields_of(reading, fields, &node.place)
    })
}

fn fields_of(reading: &mut Reading, fields: &mut Fields<'_>, place: &Place) -> Credentials {
    let given = fields.get("token");
    let token = secret::read(reading, given);
    let username = reading.text(fields.get("username"));
    let (key, known_hosts) = (fields.get("sshKey"), fields.get("knownHosts"));
    let ssh = key.or(known_hosts).is_some();
    let key = reading.path(key);
    let known_hosts = reading.path(known_hosts);
    match (token, known_hosts) {
        (_, _) if given.is_some() && ssh => {
            let message = "`token` is for https, `sshKey` and `knownHosts` are for ssh";
            reading.reader.report(place.error("conflict", message));
            Credentials::None
        }
        (Some(token), _) => Credentials::Token {
            username: username.unwrap_or_else(|| USERNAME.to_owned()),
            token,
        },
        (None, Some(known_hosts)) => Credentials::Key { key, known_hosts },
        (None, None) => {
            if given.is_none() {
                let missing = if ssh {
                    "`knownHosts` is"
                } else {
                    "`token` or `knownHosts` is"
                };
                let error = place.error("missing-key", format!("{missing} missing here"));
                let hint = "For https name a `token`; for ssh a `knownHosts` file, and an `sshKey` where no agent has one.";
                reading.reader.report(error.with_hint(hint));
            }
            Credentials::None
        }
    }
}

pub(super) fn schema() -> Value {
    object(
        "How to get in",
        &[],
        vec![
            (
                "token",
                secret::schema("For https: a token or password that may read"),
            ),
            (
                "username",
                text_or(
                    "For https: the user's name; GitHub and GitLab take any",
                    USERNAME,
                ),
            ),
            (
                "sshKey",
                text(
                    "For ssh: the private key's file; left out, the agent chooses",
                    "/etc/reconciled/id_ed25519",
                ),
            ),
            (
                "knownHosts",
                text(
                    "For ssh: the file that lists the hosts to trust; nothing else is trusted",
                    "/etc/reconciled/known_hosts",
                ),
            ),
        ],
    )
}
