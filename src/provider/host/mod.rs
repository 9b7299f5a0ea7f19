//! Files, environment files and nginx sites of this machine, below a root folder.
//!
//! Nothing outside the root is read or written, no symbolic link below it is followed, and a look
//! runs no program. Whose an object is stands in records of our own below the root (`marks`).
//!
//! ```text
//! Asked -> root (walk without links) -> marks (whose?) -> kind (fields) -> Observed
//! Step  -> look again -> guard (moved? ours? done already?) -> record, temporary file, rename -> Applied
//! ```

mod accounts;
mod env_file;
mod env_text;
mod error;
mod file;
mod guard;
mod known;
mod marks;
mod mounted;
mod nginx;
mod nginx_site;
mod original;
mod path;
mod placed;
mod root;
#[cfg(test)]
mod tests;
mod wished;

use super::{Provider, ProviderError};
use crate::model::{
    Address, Applied, Asked, Connection, Depth, DigestKey, Kind, Marked, Observation, Observed,
    Output, PathPattern, Step, Value,
};
use async_trait::async_trait;
use error::HostError;
use marks::Marks;
use nginx::Nginx;
use root::Root;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Where programs of a host are looked for. Never taken from a spec: it would choose what is run.
const PROGRAM_FOLDERS: [&str; 5] = [
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
];

/// The `host` provider.
///
/// A connection has one setting, `root`: an absolute path, `/` where it is left out.
#[derive(Clone)]
pub struct Host {
    kinds: Vec<Kind>,
    /// The folder that roots must stand in; `None` where environments may not reach this host at all.
    boundary: Option<PathBuf>,
    program_folders: Arc<[PathBuf]>,
    /// What the key of a root's records is made from; `None`: made anew.
    seed: Option<DigestKey>,
    /// nginx checks all its sites together: one change at a time, or each would see the other's half.
    nginx_turn: Arc<Mutex<()>>,
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the rows of this provider's kinds.
pub(super) fn rows() -> Vec<Kind> {
    let connection = Arc::new(settings_schema());
    let row = |row: Kind| Kind {
        connection: Some(Arc::clone(&connection)),
        ..row
    };
    [file::row(), env_file::row(), nginx_site::row()]
        .map(row)
        .into()
}

impl Host {
    /// Makes the provider for whoever runs it on files of their own: any root of this machine goes.
    pub fn new() -> Self {
        Self {
            kinds: rows(),
            boundary: Some(PathBuf::from("/")),
            program_folders: PROGRAM_FOLDERS.iter().map(PathBuf::from).collect(),
            seed: None,
            nginx_turn: Arc::default(),
        }
    }

    /// Returns it as the daemon's settings want it: whether environments may reach this host at all,
    /// and the folder that every connection's root must stand in. A repository cannot widen that.
    #[must_use]
    pub fn bounded(self, allowed: bool, folder: PathBuf) -> Self {
        Self {
            boundary: allowed.then_some(folder),
            ..self
        }
    }

    /// Returns it with the ledger's key: what is planned before the first record is kept below a root is then
    /// the same in every process.
    #[must_use]
    pub fn keyed(self, key: &DigestKey) -> Self {
        Self {
            seed: Some(key.derived("the records of a host")),
            ..self
        }
    }

    /// Returns it with other folders where programs are looked for.
    #[must_use]
    pub fn looking_in(self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            program_folders: folders.into_iter().collect(),
            ..self
        }
    }

    /// Opens the root a connection names, where the daemon's settings let it.
    fn opened(&self, connection: &Connection) -> Result<Root, HostError> {
        let refused = |reason: String| HostError::Settings {
            connection: connection.name.to_string(),
            reason,
        };
        let Some(boundary) = &self.boundary else {
            return Err(HostError::NotAllowed);
        };
        let root = root_of(&connection.settings).map_err(refused)?;
        // Links are resolved first: the comparison is about where it really is.
        let real = |path: &Path| {
            path.canonicalize().map_err(|source| HostError::Root {
                root: path.display().to_string(),
                source,
            })
        };
        let real_root = real(Path::new(root))?;
        if !real_root.starts_with(real(boundary)?) {
            return Err(refused(format!(
                "its root {root} is outside {}, which the daemon's settings name",
                boundary.display()
            )));
        }
        Ok(Root::open(&real_root)?.seeded(self.seed.clone()))
    }

    fn look(&self, asked: &Asked) -> Result<Observation, HostError> {
        let root = self.opened(&asked.connection)?;
        match asked.kind.as_str() {
            "host/file" => placed::observe(&root, &file::Text, asked),
            "host/env-file" => placed::observe(&root, &env_file::Variables, asked),
            _ => {
                let nginx = Nginx::find(&self.program_folders);
                nginx_site::observe(&root, nginx.as_ref(), asked)
            }
        }
    }

    /// Returns what our records hold of the environments that ask, and nobody asked about. What cannot be
    /// told is left out: the questions about the same root say why.
    fn unasked(&self, asked: &[Asked]) -> Vec<Observed> {
        let known: BTreeSet<&Address> = asked.iter().map(|one| &one.address).collect();
        let roots: BTreeMap<_, &Asked> = asked
            .iter()
            .map(|one| ((&one.address.environment, &one.connection.name), one))
            .collect();
        let mut found = Vec::new();
        for ((environment, _), one) in roots {
            let records = self.opened(&one.connection);
            let records = records.and_then(|root| Marks::open(&root)?.all());
            for record in records.unwrap_or_default() {
                if record.address.environment != *environment || known.contains(&record.address) {
                    continue;
                }
                let question = Asked {
                    address: record.address.clone(),
                    kind: record.kind(),
                    connection: Arc::clone(&one.connection),
                    identity: record.identity(),
                    desired: None,
                    ignore: Vec::new(),
                    health: Vec::new(),
                    owned: None,
                    depth: Depth::Identity,
                    is_read: false,
                    afresh: false,
                };
                let Ok(seen @ Observation::Present(_)) = self.look(&question) else {
                    continue;
                };
                found.push(Observed {
                    unasked: Some(Marked {
                        kind: question.kind.clone(),
                        connection: Arc::clone(&question.connection),
                        identity: question.identity.clone(),
                    }),
                    ..Observed::answer(&question, seen)
                });
            }
        }
        found
    }

    fn carry_out(&self, step: &Step) -> Result<Applied, ProviderError> {
        let root = self
            .opened(&step.connection)
            .map_err(|error| error.refusal(format!("{} {}", step.kind, step.identity)))?;
        match step.kind.as_str() {
            "host/file" => placed::apply(&root, &file::Text, step),
            "host/env-file" => placed::apply(&root, &env_file::Variables, step),
            _ => {
                let _turn = self
                    .nginx_turn
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                let nginx = Nginx::find(&self.program_folders);
                nginx_site::apply(&root, nginx.as_ref(), step)
            }
        }
    }
}

#[async_trait]
impl Provider for Host {
    fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    async fn observe(&self, asked: &[Asked]) -> Vec<Observed> {
        let (host, asked) = (self.clone(), asked.to_vec());
        blocking(move || {
            let answer = |asked: &Asked| {
                let seen = host.look(asked).unwrap_or_else(|error| error.unknown());
                Observed::answer(asked, seen)
            };
            let mut answers: Vec<Observed> = asked.iter().map(answer).collect();
            let open = |connection: &Connection| host.opened(connection);
            mounted::doubt(&asked, &mut answers, open);
            answers.extend(host.unasked(&asked));
            answers
        })
        .await
    }

    /// Nothing here waits.
    async fn apply(
        &self,
        step: &Step,
        _stop: &CancellationToken,
    ) -> Result<Applied, ProviderError> {
        let (host, step) = (self.clone(), step.clone());
        blocking(move || host.carry_out(&step)).await
    }
}

/// Runs calls that block on a thread made for them; a panic goes on to the caller.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going away, and this task with it.
            Err(_cancelled) => std::future::pending().await,
        },
    }
}

/// What `root_of` takes, as far as a schema can say it.
fn settings_schema() -> serde_json::Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "root": {
                "type": "string",
                "pattern": "^/",
                "default": "/",
                "x-shown": true,
                "description": "The folder that every path of its resources counts from: absolute, on this machine. It has to be there."
            }
        }
    })
}

/// Reads a connection's settings; an error is a sentence fragment.
fn root_of(settings: &Value) -> Result<&str, String> {
    let unknown = settings
        .as_map()
        .and_then(|map| map.keys().find(|key| *key != "root"));
    if let Some(unknown) = unknown {
        return Err(format!("it has no setting {unknown:?}, only `root`"));
    }
    let root = match settings.get("root") {
        None | Some(Value::Null) => "/",
        Some(Value::String(root)) => root,
        Some(Value::Secret(_)) => {
            return Err("`root` comes from a secret; paths are shown, take a variable".to_owned());
        }
        Some(_) => return Err("`root` is no text".to_owned()),
    };
    if root.starts_with('/') {
        Ok(root)
    } else {
        Err("`root` is not absolute".to_owned())
    }
}

fn path_output() -> Output {
    Output {
        name: "path".to_owned(),
        sensitive: false,
        follows: vec![PathPattern::known("/path")],
        summary: "Where the file is, from the connection's root.".to_owned(),
    }
}

fn path_schema() -> serde_json::Value {
    json!({
        "type": "string",
        "description": "Where it is on the host: absolute, from the connection's root. Folders above are made.",
        "allOf": [
            { "pattern": "^/", "description": "It has to begin with a slash, and counts from the connection's root." },
            { "pattern": "[^/]$", "description": "Name a file: this is a folder." },
            { "not": { "pattern": "(^|/)\\.{1,2}(/|$)" }, "description": "It holds neither `.` nor `..`: nothing outside the connection's root is written." },
            { "not": { "pattern": "^/+\\.reconciled(/|$)" }, "description": "The ownership records of a root are kept there: name another path." },
            { "not": { "pattern": "[^/]{256}" }, "description": "No name on the way may have more than 255 bytes." },
            { "maxLength": path::LONGEST_PATH, "description": "No path may have more than 4,095 bytes: nothing could open it." },
            { "not": { "pattern": "[\\u0000-\\u001f\\u007f-\\u009f]" }, "description": "It holds no control characters." },
        ],
    })
}

fn mode_schema(default: &str) -> serde_json::Value {
    json!({
        "type": "string",
        "pattern": "^0?[0-7]{3}$",
        "description": format!("Permission bits in octal, in quotes: \"0644\"; at most \"0777\". Left out: {default}.")
    })
}

fn account_schema(what: &str) -> serde_json::Value {
    json!({
        "type": "string",
        "minLength": 1,
        "description": format!("The {what}'s name or number. Left out: the daemon's own, or as it is.")
    })
}
