//! Finds and reads the daemon's settings for a command.

use super::output::Output;
use super::{Exit, Global};
use crate::config::Settings;
use crate::deliver::render::{Screen, diagnostics_json, diagnostics_terminal, many};
use crate::model::{Diagnostic, Severity};
use anyhow::bail;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the settings file is called.
pub(super) const FILE: &str = "reconciled.yaml";

/// Where it is looked for, in this order.
const PLACES: [&str; 2] = [FILE, "/etc/reconciled/reconciled.yaml"];

/// Returns the settings file that is named, or the first that is there.
pub(super) fn file(global: &Global) -> Option<PathBuf> {
    global.settings.clone().or_else(|| {
        PLACES
            .iter()
            .map(PathBuf::from)
            .find(|place| place.is_file())
    })
}

/// Returns the settings file as a command has to be told of it; `None` where it is found without.
pub(super) fn told<'f>(file: &'f Path, global: &Global) -> Option<&'f Path> {
    let found = self::file(global).and_then(|found| found.canonicalize().ok());
    let is_found = global.settings.is_none() && found.as_deref() == Some(file);
    (!is_found).then_some(file)
}

/// Reads the settings of a daemon: the file, and the environment's variables over it.
///
/// # Errors
/// Every mistake, located; and that no repository is named.
pub(super) fn of_daemon(global: &Global, out: &Output) -> anyhow::Result<Settings> {
    with_repositories(read(file(global).as_deref(), out)?)
}

/// Reads them once more for a daemon that runs, whose mistakes are for its log.
///
/// # Errors
/// Every mistake with its place and what to write instead, in one line.
pub(super) fn again(global: &Global) -> Result<Settings, String> {
    let loaded = Settings::load(file(global).as_deref(), &variables());
    let settings = loaded.map_err(|wrong| in_a_line(&wrong))?;
    with_repositories(settings).map_err(|error| format!("{error:#}"))
}

fn in_a_line(wrong: &[Diagnostic]) -> String {
    let errors = wrong.iter().filter(|one| one.severity == Severity::Error);
    let one = |one: &Diagnostic| {
        let hint = one.hint.iter().map(|hint| format!(". {hint}"));
        let hint = hint.collect::<String>();
        match one.code {
            // There is no line of what cannot be read.
            "unreadable" => format!("{}: {}{hint}", one.location.file, one.message),
            _ => format!("{}: {}{hint}", one.location, one.message),
        }
    };
    errors.map(one).collect::<Vec<_>>().join("; ")
}

fn with_repositories(settings: Settings) -> anyhow::Result<Settings> {
    if settings.repositories.is_empty() {
        match &settings.file {
            Some(file) => bail!(
                "find a repository to keep: {} names none\n\
                 next: add one under `repositories`: `reconciled explain settings.repositories` says how; or name a path, as in `reconciled plan environments/`",
                file.display()
            ),
            None => bail!(
                "find a repository to keep: there is no settings file here (reconciled.yaml), and none is named by --settings\n\
                 next: `reconciled init` makes one to start from; or name a path, as in `reconciled plan environments/`"
            ),
        }
    }
    Ok(settings)
}

/// Reads settings for a path: a file counts only where it is named.
///
/// # Errors
/// Every mistake, located.
pub(super) fn of_path(global: &Global, out: &Output) -> anyhow::Result<Settings> {
    let mut settings = read(global.settings.as_deref(), out)?;
    if global.settings.is_none() {
        // Whoever types `apply` on this machine may write its files.
        settings.providers.host.allowed = true;
    }
    Ok(settings)
}

fn read(path: Option<&Path>, out: &Output) -> anyhow::Result<Settings> {
    if let Some(path) = path.filter(|path| !path.exists() && !out.is_json()) {
        bail!(
            "find the settings file {}\n\
             next: name one that is there with --settings or RECONCILED_SETTINGS; `reconciled init` makes one to start from",
            path.display()
        )
    }
    Settings::load(path, &variables()).or_else(|diagnostics| {
        show(&diagnostics, out)?;
        bail!(
            "use the settings: {}\n\
             next: put right what is marked above; a daemon that runs goes on with the settings it had",
            many(diagnostics.len(), "mistake")
        )
    })
}

/// Returns the process's environment, where its names and values are text.
pub(super) fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Prints mistakes: for programs on stdout, for people on stderr.
pub(super) fn show(diagnostics: &[Diagnostic], out: &Output) -> anyhow::Result<()> {
    if out.is_json() {
        return out.json(&diagnostics_json(diagnostics));
    }
    if diagnostics.is_empty() {
        return Ok(());
    }
    let screen = Screen {
        colour: out.color,
        width: out.width,
    };
    out.say(diagnostics_terminal(diagnostics, screen).trim_end());
    Ok(())
}

/// Returns how a command ends that found mistakes.
pub(super) fn exit(diagnostics: &[Diagnostic]) -> Exit {
    let error = |one: &Diagnostic| one.severity == Severity::Error;
    if diagnostics.iter().any(error) {
        Exit::Failed
    } else {
        Exit::Same
    }
}
