//! Secrets in files that SOPS encrypted for an age key, opened by the installed `sops`. What is in them
//! is held in memory only, by the digest of the encrypted file: nothing is opened twice, and nothing
//! in the clear touches a disk.

use super::SourceError;
use super::secrets;
use crate::model::{Digest, RepoPath, Secret, SecretSource, Snapshot};
use crate::net::process::{Command, Output, run};
use crate::net::{ProcessError, process};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long it may take: keys are at hand, nobody is asked.
const DEADLINE: Duration = Duration::from_secs(30);

/// The largest file that is opened, in bytes.
const FILE_LIMIT: usize = 1024 * 1024;

/// The most opened files that are kept.
const MOST: usize = 256;

/// Exit codes. Source: sops 3.13, cmd/sops/codes/codes.go.
const WRONG_KEY: i32 = 128;
const CHANGED: [i32; 2] = [51, 52];

/// What one file holds: single values, by their path with dots.
type Opened = BTreeMap<String, Option<Secret>>;

/// Opens files, and keeps what they hold. Clones share it.
#[derive(Clone)]
pub struct Sops(Arc<Inner>);

struct Inner {
    program: String,
    age_key: Option<SecretSource>,
    kept: Mutex<HashMap<Digest, Arc<Opened>>>,
}

/// Why a file was not opened, and what to do.
struct Refusal(String, &'static str);

impl Default for Sops {
    fn default() -> Self {
        Self::new("sops", None)
    }
}

impl Sops {
    /// Opens with this program (a name on our PATH, or an absolute path) and this age key.
    pub fn new(program: impl Into<String>, age_key: Option<SecretSource>) -> Self {
        Self(Arc::new(Inner {
            program: program.into(),
            age_key,
            kept: Mutex::default(),
        }))
    }

    /// Reads one value of a file of the snapshot.
    pub(super) async fn read(
        &self,
        source: &SecretSource,
        snapshot: &Snapshot,
    ) -> Result<Secret, SourceError> {
        let SecretSource::Sops { file, key } = source else {
            return Err(told(source, Refusal("it is no SOPS file".to_owned(), "")));
        };
        let opened = self.open(file, snapshot).await;
        let opened = opened.map_err(|refusal| told(source, refusal))?;
        let why = match opened.get(key) {
            Some(Some(secret)) => return Ok(secret.clone()),
            Some(None) => "what it has there is no single value",
            None => "it has nothing there",
        };
        let hint = "Write the value's path with dots, as in database.password; items of lists have numbers from 0.";
        Err(told(source, Refusal(why.to_owned(), hint)))
    }

    async fn open(&self, file: &RepoPath, snapshot: &Snapshot) -> Result<Arc<Opened>, Refusal> {
        let Some(bytes) = snapshot.bytes(file) else {
            let hint = "The path is taken relative to the file it is written in.";
            return Err(Refusal("it is not there".to_owned(), hint));
        };
        let format = format(file)?;
        if bytes.len() > FILE_LIMIT {
            let reason = format!("it is larger than {FILE_LIMIT} bytes");
            return Err(Refusal(reason, "Split it."));
        }
        let digest = Digest::of([format.as_bytes(), b":", bytes].concat());
        if let Some(opened) = self.kept().get(&digest) {
            return Ok(Arc::clone(opened));
        }
        let opened = Arc::new(self.decrypt(format, bytes).await?);
        let mut kept = self.kept();
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(digest, Arc::clone(&opened));
        Ok(opened)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, Arc<Opened>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn decrypt(&self, format: &str, bytes: &[u8]) -> Result<Opened, Refusal> {
        let key = self.age_key()?;
        let nowhere = tempfile::tempdir();
        let nowhere = nowhere.map_err(|error| {
            let reason = format!("an empty folder cannot be made for sops: {error}");
            Refusal(
                reason,
                "See that TMPDIR names a folder this user may write to.",
            )
        })?;
        // A file may name keys elsewhere (a cloud's, a Vault's): none of them is asked.
        let command = Command::new(&self.0.program)
            .bare()
            .cwd(nowhere.path())
            .env("HOME", nowhere.path())
            .env("HTTP_PROXY", process::NOWHERE)
            .env("HTTPS_PROXY", process::NOWHERE)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("SOPS_DECRYPTION_ORDER", "age")
            .secret_env("SOPS_AGE_KEY", &key)
            .args(["decrypt", "--input-type", format, "--output-type", "json"])
            .args(["--filename-override", "secrets"])
            .stdin(bytes)
            .deadline(DEADLINE);
        let output = run(command).await.map_err(|error| not_run(&error))?;
        values(output)
    }

    fn age_key(&self) -> Result<Secret, Refusal> {
        let Some(source) = &self.0.age_key else {
            let hint = "Name it in the settings: sops: { ageKey: { file: /path/to/keys.txt } }.";
            return Err(Refusal("the settings name no age key".to_owned(), hint));
        };
        let asked = BTreeMap::from([(String::new(), source.clone())]);
        let mut found = secrets::fetch(&asked, Path::new(""));
        if let Some(error) = found.missing.remove("") {
            let hint = "Put it where the settings say (sops.ageKey), readable to the daemon only.";
            return Err(Refusal(format!("failed to {error}"), hint));
        }
        Ok(found.values.remove("").unwrap_or_else(|| Secret::new("")))
    }
}

/// Returns how sops is to read a file.
fn format(file: &RepoPath) -> Result<&'static str, Refusal> {
    let name = file.as_str().rsplit('/').next().unwrap_or_default();
    match file.extension().as_deref() {
        Some("yaml" | "yml") => Ok("yaml"),
        Some("json") => Ok("json"),
        Some("env") => Ok("dotenv"),
        None if name == ".env" => Ok("dotenv"),
        _ => Err(Refusal(
            "its name tells no format".to_owned(),
            "Name it .yaml, .json or .env.",
        )),
    }
}

/// What sops says is never repeated: it may hold a part of what it was given.
fn values(output: Output) -> Result<Opened, Refusal> {
    let stdout = Zeroizing::new(output.stdout);
    if !output.status.success() {
        let plain = String::from_utf8_lossy(&output.stderr).contains("sops metadata not found");
        return Err(match output.status.code() {
            Some(WRONG_KEY) => Refusal(
                "it is not encrypted for the age key of the settings".to_owned(),
                "Add the daemon's key to it (sops updatekeys), or name another key in the settings.",
            ),
            Some(code) if CHANGED.contains(&code) => Refusal(
                "it was changed by hand after it was encrypted".to_owned(),
                "Edit it with sops.",
            ),
            _ if plain => Refusal(
                "it is not encrypted".to_owned(),
                "Encrypt it with sops, and replace what it holds: that was in Git in the clear.",
            ),
            _ => Refusal(
                format!("sops ended with {}", output.status),
                "Open it by hand, with `sops decrypt`, to see what is wrong.",
            ),
        });
    }
    let Ok(tree) = serde_json::from_slice::<Value>(&stdout) else {
        let reason = "sops wrote no JSON".to_owned();
        return Err(Refusal(reason, "Use a sops of version 3.9 or newer."));
    };
    let mut opened = Opened::new();
    gather("", &tree, &mut opened);
    Ok(opened)
}

fn gather(path: &str, value: &Value, opened: &mut Opened) {
    let inner = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match value {
        Value::Object(fields) => {
            opened.insert(path.to_owned(), None);
            for (key, value) in fields {
                gather(&inner(key), value, opened);
            }
        }
        Value::Array(items) => {
            opened.insert(path.to_owned(), None);
            for (nth, value) in items.iter().enumerate() {
                gather(&inner(&nth.to_string()), value, opened);
            }
        }
        Value::Null => drop(opened.insert(path.to_owned(), None)),
        Value::String(text) => {
            drop(opened.insert(path.to_owned(), Some(Secret::new(text.clone()))));
        }
        other => drop(opened.insert(path.to_owned(), Some(Secret::new(other.to_string())))),
    }
}

fn not_run(error: &ProcessError) -> Refusal {
    match error {
        ProcessError::Missing { program } => Refusal(
            format!("{program} is not installed here"),
            "Install sops on the machine the daemon runs on, or name it in the settings: sops.program.",
        ),
        other => Refusal(format!("failed to {other}"), "It is tried again by itself."),
    }
}

fn told(source: &SecretSource, Refusal(reason, hint): Refusal) -> SourceError {
    SourceError::Sops {
        place: source.to_string(),
        reason,
        hint,
    }
}
