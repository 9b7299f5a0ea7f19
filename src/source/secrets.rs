//! Secrets that live outside the repository: environment variables and files of the daemon's machine.
//! What is missing is an error of its own, never an empty value.

use super::SourceError;
use crate::model::{Secret, SecretSource, Unknown};
use crate::net::process;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// The largest secret that is read from a file, in bytes: a key or a certificate bundle fits.
pub const FILE_LIMIT: u64 = 64 * 1024;

/// What was found, by the names the spec gives.
#[derive(Debug, Default)]
pub struct Secrets {
    /// The values.
    pub values: BTreeMap<String, Secret>,
    /// Why a value is missing; a name is in one map at most.
    pub missing: BTreeMap<String, SourceError>,
    /// Why a value that is named rightly is not known at present: what is made of it waits.
    pub unread: BTreeMap<String, Unknown>,
}

impl Secrets {
    /// Tells whether nothing that was asked for is missing.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.unread.is_empty()
    }
}

/// Reads every secret that lives on this machine; those of SOPS files are left to `sops`, those of clusters to the engine. A relative file path counts from `base`. One line break at a
/// file's end is not part of the value; everything else is.
pub fn fetch(sources: &BTreeMap<String, SecretSource>, base: &Path) -> Secrets {
    let mut secrets = Secrets::default();
    for (name, source) in sources {
        let found = match source {
            SecretSource::Env(variable) => of_variable(variable),
            SecretSource::File(path) => of_file(&base.join(path)),
            SecretSource::Sops { .. } | SecretSource::Kubernetes(_) => continue,
        };
        match found {
            Ok(text) => {
                secrets.values.insert(name.clone(), Secret::new(text));
            }
            Err(reason) => {
                let place = source.to_string();
                let error = SourceError::Secret { place, reason };
                secrets.missing.insert(name.clone(), error);
            }
        }
    }
    secrets
}

fn of_variable(name: &str) -> Result<String, String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err("that is no name of a variable".to_owned());
    }
    let text = std::env::var_os(name).ok_or("it is not set")?;
    process::withhold(name);
    let text = text.into_string().map_err(|_| "it is not UTF-8 text")?;
    full(text)
}

fn of_file(path: &Path) -> Result<String, String> {
    let said = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        _ => error.to_string(),
    };
    // Before it is opened: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(said)?.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let file = File::open(path).map_err(said)?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(format!("it is larger than {FILE_LIMIT} bytes"));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text")?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    full(text)
}

fn full(text: String) -> Result<String, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fault as _;

    fn one(source: SecretSource, base: &Path) -> Result<String, String> {
        let mut found = fetch(&BTreeMap::from([("x".to_owned(), source)]), base);
        match found.values.remove("x") {
            Some(secret) => Ok(secret.expose().to_owned()),
            None => Err(found.missing["x"].to_string()),
        }
    }

    #[test]
    fn a_file_loses_one_line_break_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in [
            ("a b\n", "a b"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            (" a", " a"),
        ] {
            std::fs::write(folder.path().join("token"), text).unwrap();
            let found = one(SecretSource::File("token".to_owned()), folder.path());
            assert_eq!(found.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_variable_is_read() {
        let found = one(SecretSource::Env("PATH".to_owned()), Path::new("/"));
        assert_eq!(found, Ok(std::env::var("PATH").unwrap()));
    }

    #[test]
    fn what_is_missing_is_named_one_by_one_and_hides_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        std::fs::write(folder.path().join("bytes"), b"canary\xff").unwrap();
        std::fs::write(folder.path().join("large"), vec![b'x'; 65 * 1024]).unwrap();
        std::fs::write(folder.path().join("good"), "good").unwrap();
        let file = |name: &str| (name.to_owned(), SecretSource::File(name.to_owned()));
        let mut sources: BTreeMap<_, _> = ["empty", "bytes", "large", "good", "gone", "."]
            .map(file)
            .into();
        sources.insert(
            "unset".to_owned(),
            SecretSource::Env("RECONCILED_NO_SUCH".to_owned()),
        );
        let found = fetch(&sources, folder.path());
        assert_eq!(found.values.len(), 1);
        let said: Vec<String> = found.missing.values().map(ToString::to_string).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        read a secret from the file .: it is no regular file
        read a secret from the file bytes: it is not UTF-8 text
        read a secret from the file empty: it is empty
        read a secret from the file gone: it does not exist
        read a secret from the file large: it is larger than 65536 bytes
        read a secret from the environment variable RECONCILED_NO_SUCH: it is not set
        ");
        assert!(found.missing.values().all(|error| error.hint().is_some()));
        assert!(!format!("{:?}", found.missing).contains("canary"));
    }
}
