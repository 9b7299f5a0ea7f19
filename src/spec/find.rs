//! Documents of ours by content: which files hold them, and which of them are environments.

use super::hiding::may_hide_environment;
use super::{API_VERSION, Approval, approval};
use crate::model::{Diagnostic, EnvironmentName, File, Location, RepoPath, Severity, Snapshot};
use crate::yaml::{Document, Flavour, Limits, Node, Parsed, Place, nearest, parse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The files of a snapshot that were parsed so far.
pub(super) struct Library<'s> {
    pub(super) snapshot: &'s Snapshot,
    parsed: BTreeMap<RepoPath, Arc<Parsed>>,
}

/// A document that says it is an environment.
pub(super) struct Candidate {
    pub(super) name: EnvironmentName,
    pub(super) path: RepoPath,
    /// The document; `None` where the file could not be read that far.
    pub(super) document: Option<Document>,
    /// Why there is no document.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// What a search found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) environments: Vec<Candidate>,
    /// Where each environment's name stands.
    pub(super) names: Vec<(EnvironmentName, Place)>,
    pub(super) approvals: Vec<Approval>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Files with such mistakes that may be meant as an environment.
    pub(super) hiding: BTreeSet<RepoPath>,
}

impl<'s> Library<'s> {
    pub(super) fn new(snapshot: &'s Snapshot) -> Self {
        Self {
            snapshot,
            parsed: BTreeMap::new(),
        }
    }

    /// Parses a file, once.
    pub(super) fn parse(&mut self, path: &RepoPath, bytes: &[u8]) -> Arc<Parsed> {
        if let Some(parsed) = self.parsed.get(path) {
            return Arc::clone(parsed);
        }
        let parsed = Arc::new(parse(path, bytes, Flavour::Strict, &Limits::default()));
        self.parsed.insert(path.clone(), Arc::clone(&parsed));
        parsed
    }

    pub(super) fn search(&mut self, folder: Option<&RepoPath>) -> Found {
        let mut found = Found::default();
        let snapshot = self.snapshot;
        for (path, file) in &snapshot.files {
            let is_yaml = path
                .extension()
                .is_some_and(|end| end == "yaml" || end == "yml");
            if !is_yaml || folder.is_some_and(|folder| !path.is_under(folder)) {
                continue;
            }
            match file {
                File::Bytes(bytes) if is_ours(bytes) => {
                    let parsed = self.parse(path, bytes);
                    let before = found.diagnostics.len();
                    sort_out((path, folder), bytes, &parsed, &mut found);
                    if found.diagnostics.len() > before
                        && may_hide_environment((path, snapshot), bytes, &parsed)
                    {
                        found.hiding.insert(path.clone());
                    }
                }
                File::Bytes(_) => {}
                _ => found.diagnostics.extend(unread(path, file)),
            }
        }
        found
    }
}

/// A file that may be ours and was not read: said, so that an environment in it is never just gone.
fn unread(path: &RepoPath, file: &File) -> Option<Diagnostic> {
    let (code, hint) = match file {
        File::TooLarge(_) => (
            "file-too-large",
            "Split it, or raise `limits.source.file` in the settings.",
        ),
        _ => ("file-not-read", "Put the file itself there, as plain text."),
    };
    Some(Diagnostic {
        location: Location {
            file: path.clone(),
            line: 1,
            column: 1,
            length: 1,
        },
        severity: Severity::Warning,
        code,
        message: format!("{path} {}: what it declares is not known", file.refusal()?),
        hint: Some(hint.to_owned()),
        source_line: String::new(),
        related: None,
    })
}

/// A cheap look before parsing: most YAML files of a repository are not ours.
fn is_ours(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("reconciled.dev") || text.contains("kind: Environment")
}

fn sort_out(
    (path, folder): (&RepoPath, Option<&RepoPath>),
    bytes: &[u8],
    parsed: &Parsed,
    found: &mut Found,
) {
    for document in &parsed.documents {
        let said = |key| document.root.get(key).and_then(Node::as_str);
        let version = said("apiVersion").unwrap_or_default();
        if version != API_VERSION {
            refuse_other_version(&document.root, version, found);
            refuse_no_version(&document.root, found);
            continue;
        }
        match said("kind") {
            Some("Environment") => take(path, document, found),
            Some("Approval") => match approval::read(document, folder) {
                Ok(approval) => found.approvals.push(approval),
                Err(mistakes) => found.diagnostics.extend(mistakes),
            },
            // Read where an environment extends it.
            Some("Layer") => {}
            Some(later @ ("Component" | "Policy" | "ResourceType")) => {
                let place = document
                    .root
                    .get("kind")
                    .map_or(&document.root.place, |n| &n.place);
                let message = format!("documents of kind {later} are not supported yet");
                found.diagnostics.push(place.error("not-yet", message));
            }
            _ => {
                let kind = document.root.get("kind");
                let place =
                    kind.map_or_else(|| document.root.place.clone(), |kind| kind.place.clone());
                let error = place.error("unknown-value", "`kind` has to be Environment or Layer");
                let known = ["Environment", "Layer", "Approval"];
                let near = said("kind").and_then(|kind| nearest(kind, known));
                found.diagnostics.push(match near {
                    Some(near) => error.with_hint(format!("Did you mean {near}?")),
                    None => error,
                });
            }
        }
    }
    if let Some(broken) = &parsed.broken {
        let text = String::from_utf8_lossy(bytes);
        match guessed_name(&text, found, path) {
            Some(name) => found.environments.push(Candidate {
                name,
                path: path.clone(),
                document: None,
                diagnostics: vec![broken.clone()],
            }),
            None if text.contains("reconciled.dev") => found.diagnostics.push(broken.clone()),
            None => {}
        }
    }
}

fn take(path: &RepoPath, document: &Document, found: &mut Found) {
    let metadata = document.root.get("metadata");
    let name = metadata.and_then(|metadata| metadata.get("name"));
    let accepted = name.and_then(Node::as_str).map(EnvironmentName::new);
    match (name, accepted) {
        (Some(node), Some(Ok(name))) => {
            found.names.push((name.clone(), node.place.clone()));
            found.environments.push(Candidate {
                name,
                path: path.clone(),
                document: Some(document.clone()),
                diagnostics: Vec::new(),
            });
        }
        (Some(node), accepted) => {
            let why = match accepted {
                Some(Err(error)) => format!("failed to {error}"),
                _ => "the name has to be a text".to_owned(),
            };
            found.diagnostics.push(node.place.error("bad-name", why));
            found.diagnostics.extend(document.diagnostics.clone());
        }
        (None, _) => {
            let at = metadata.unwrap_or(&document.root);
            let error = at
                .place
                .error("missing-key", "`metadata.name` is missing here");
            found.diagnostics.push(error.with_hint(nameless(metadata)));
            found.diagnostics.extend(document.diagnostics.clone());
        }
    }
}

/// Says what to do about a name that is missing.
fn nameless(metadata: Option<&Node>) -> String {
    let keys = metadata.map(Node::entries).unwrap_or_default().iter();
    let mut keys = keys.map(|(key, _)| key.text.as_str());
    match keys.find(|key| nearest(key, ["name"]).is_some()) {
        Some(meant) => format!("Write `name` instead of `{meant}`."),
        None => "Name the environment; a file that others extend is `kind: Layer`.".to_owned(),
    }
}

fn refuse_other_version(root: &Node, version: &str, found: &mut Found) {
    let ours = version.starts_with("reconciled.dev/") || nearest(version, [API_VERSION]).is_some();
    if let Some(node) = root.get("apiVersion").filter(|_| ours) {
        let message = format!("this version reads {API_VERSION}, not {version}");
        let error = node.place.error("unknown-value", message);
        found
            .diagnostics
            .push(error.with_hint(format!("Write {API_VERSION}.")));
    }
}

/// Says of what calls itself an environment, and does not say whose, that it is passed over. Kubernetes objects
/// cannot be without their version, so nobody else's is taken for ours.
fn refuse_no_version(root: &Node, found: &mut Found) {
    let kind = root
        .get("kind")
        .filter(|_| root.get("apiVersion").is_none());
    if let Some(kind) = kind.filter(|kind| kind.as_str() == Some("Environment")) {
        let message = "`apiVersion` is missing here, so this is no environment of ours";
        let error = kind.place.error("missing-key", message);
        found
            .diagnostics
            .push(error.with_hint(format!("Write apiVersion: {API_VERSION} above it.")));
    }
}

/// Finds the name of an environment in a file that cannot be parsed to its end, so that its last
/// good revision stays in force and the error is told under its name.
fn guessed_name(text: &str, found: &Found, path: &RepoPath) -> Option<EnvironmentName> {
    let known = found
        .environments
        .iter()
        .filter(|candidate| candidate.path == *path)
        .count();
    let declared = text
        .lines()
        .filter(|line| line.trim_end() == "kind: Environment")
        .count();
    if declared <= known {
        return None;
    }
    let mut in_metadata = false;
    let mut names = Vec::new();
    for line in text.lines() {
        let inner = line.trim_start();
        if line.starts_with("metadata:") {
            in_metadata = true;
        } else if in_metadata && inner.starts_with("name:") && line.len() > inner.len() {
            let name = inner
                .trim_start_matches("name:")
                .split('#')
                .next()
                .unwrap_or_default();
            names.extend(EnvironmentName::new(name.trim().trim_matches(['"', '\''])));
            in_metadata = false;
        } else if line.len() == inner.len() && !line.is_empty() {
            in_metadata = false;
        }
        if let Some((_, flow)) = line.split_once("metadata: {")
            && let Some((_, name)) = flow.split_once("name:")
        {
            let name = name.split([',', '}']).next().unwrap_or_default();
            names.extend(EnvironmentName::new(name.trim().trim_matches(['"', '\''])));
            in_metadata = false;
        }
    }
    names.into_iter().find(|name| {
        !found
            .environments
            .iter()
            .any(|candidate| candidate.path == *path && candidate.name == *name)
    })
}
