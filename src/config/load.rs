//! File and environment -> `Settings`, or every mistake at once.

use super::describe::{object, text};
use super::element::Reading;
use super::redact::redact;
use super::{
    Settings, github, ledger, limits, log, providers, repositories, slack, sops, variables, web,
    webhook,
};
use crate::model::{Diagnostic, RepoPath};
use crate::yaml::{Content, Fields, Flavour, Limits, Node, Place, Reader, Source, parse};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

impl Settings {
    /// Reads the settings file, where there is one, and lays the environment's variables over it.
    /// Relative paths stand on the file's folder (without a file, on the working folder).
    ///
    /// # Errors
    /// Every mistake with its place; a variable is named as the file `$NAME`. No value of a variable,
    /// and no secret written in the clear, is part of a message.
    pub fn load(
        path: Option<&Path>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let (mut root, mut diagnostics) = match path {
            Some(path) => read_file(path)?,
            None => (empty("environment"), Vec::new()),
        };
        diagnostics.extend(variables::overlay(&mut root, variables));
        let folder = path.and_then(Path::parent).unwrap_or(Path::new(""));
        let mut reading = Reading {
            reader: Reader { diagnostics },
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            in_the_clear: Vec::new(),
        };
        let file = path.map(Path::to_owned);
        let settings = reading.element(Some(&root), |reading, fields| {
            Some(read(reading, fields, file, variables))
        });
        let place = |found: &Diagnostic| found.location.clone();
        reading.reader.diagnostics.sort_by_key(place);
        reading
            .reader
            .diagnostics
            .iter_mut()
            .for_each(explain_variable);
        redact(&mut reading.reader.diagnostics, &reading.in_the_clear);
        match settings {
            Some(settings) if !reading.reader.failed() => Ok(settings),
            _ => Err(reading.reader.diagnostics),
        }
    }
}

fn read(
    reading: &mut Reading,
    fields: &mut Fields<'_>,
    file: Option<PathBuf>,
    variables: &BTreeMap<String, String>,
) -> Settings {
    let state_folder = reading.path(fields.get("stateFolder"));
    let state_folder = state_folder.unwrap_or_else(|| default_state_folder(variables));
    Settings {
        file,
        repositories: repositories::read(reading, fields.get("repositories")),
        github: github::read(reading, fields.get("github")),
        slack: slack::read(reading, fields.get("slack")),
        webhook: webhook::read(reading, fields.get("webhook")),
        sops: sops::read(reading, fields.get("sops")),
        ledger: ledger::read(reading, fields.get("ledger"), &state_folder),
        web: web::read(reading, fields.get("web")),
        limits: limits::read(reading, fields.get("limits")),
        providers: providers::read(reading, fields.get("providers")),
        log: log::read(reading, fields.get("log")),
        charts_folder: state_folder.join("charts"),
        state_folder,
    }
}

/// systemd's folder where a unit names one, the user's where there is a home, else the machine's.
fn default_state_folder(variables: &BTreeMap<String, String>) -> PathBuf {
    let get = |name: &str| variables.get(name).filter(|value| value.starts_with('/'));
    // Source: systemd.exec(5), RuntimeDirectory=: several folders are separated by colons.
    if let Some(folders) = get("STATE_DIRECTORY") {
        return PathBuf::from(folders.split(':').next().unwrap_or(folders));
    }
    // Source: the XDG Base Directory Specification 0.8.
    if let Some(folder) = get("XDG_STATE_HOME") {
        return Path::new(folder).join("reconciled");
    }
    match get("HOME") {
        Some(home) => Path::new(home).join(".local/state/reconciled"),
        None => PathBuf::from("/var/lib/reconciled"),
    }
}

/// A variable that means no key was often meant to go a level down.
fn explain_variable(diagnostic: &mut Diagnostic) {
    let variable = diagnostic.location.file.as_str().starts_with('$');
    if let (true, "unknown-key", Some(hint)) = (variable, diagnostic.code, &mut diagnostic.hint) {
        hint.push_str(" Two underscores go a level down, as in RECONCILED_WEB__LISTEN.");
    }
}

fn read_file(path: &Path) -> Result<(Node, Vec<Diagnostic>), Vec<Diagnostic>> {
    let shown = path.to_string_lossy();
    let bytes = std::fs::read(path).map_err(|error| {
        let place = empty(&shown).place;
        let diagnostic = place.error("unreadable", format!("it cannot be read: {error}"));
        vec![diagnostic.with_hint("Name the settings file with --settings or RECONCILED_SETTINGS.")]
    })?;
    let parsed = parse(
        &RepoPath::named(&shown),
        &bytes,
        Flavour::Strict,
        &Limits::default(),
    );
    let mut diagnostics: Vec<Diagnostic> = parsed.diagnostics().cloned().collect();
    if parsed.broken.is_some() {
        return Err(diagnostics);
    }
    let mut documents = parsed.documents.into_iter().map(|document| document.root);
    let root = documents.next().unwrap_or_else(|| empty(&shown));
    diagnostics.extend(documents.next().map(|second| {
        let error = second
            .place
            .error("many-documents", "the settings are one document");
        error.with_hint("Take the `---` out.")
    }));
    Ok((root, diagnostics))
}

fn empty(name: &str) -> Node {
    let source = Source::new(RepoPath::named(name), String::new());
    Node {
        place: Place::new(&source, 0..0),
        content: Content::Map(Vec::new()),
    }
}

/// Returns the JSON Schema (2020-12) of the settings file, so that an editor completes and explains
/// every key.
pub fn schema() -> Value {
    let folder = text(
        "What this daemon keeps on disk; else systemd's STATE_DIRECTORY, or ~/.local/state/reconciled",
        "/var/lib/reconciled",
    );
    let mut schema = object(
        "The settings of the reconciled daemon",
        &[],
        vec![
            ("repositories", repositories::schema()),
            ("github", github::schema()),
            ("slack", slack::schema()),
            ("webhook", webhook::schema()),
            ("sops", sops::schema()),
            ("providers", providers::schema()),
            ("ledger", ledger::schema()),
            ("web", web::schema()),
            ("limits", limits::schema()),
            ("log", log::schema()),
            ("stateFolder", folder),
        ],
    );
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("reconciled settings");
    schema
}
