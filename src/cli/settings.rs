//! Finds and reads the daemon's settings for a command.

use super::output::Output;
use super::{Exit, Global};
use crate::config::Settings;
use crate::deliver::render::{Screen, diagnostics_json, diagnostics_terminal, many};
use crate::model::Diagnostic;
use anyhow::bail;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the settings file is looked for, in this order.
const PLACES: [&str; 2] = ["reconciled.yaml", "/etc/reconciled/reconciled.yaml"];

/// Returns the settings file that is named, or the first that is there.
pub(super) fn file(global: &Global) -> Option<PathBuf> {
    global.settings.clone().or_else(|| {
        PLACES
            .iter()
            .map(PathBuf::from)
            .find(|place| place.is_file())
    })
}

/// Reads the settings of a daemon: the file, and the environment's variables over it.
///
/// # Errors
/// Every mistake, located; and none at all where there is no file and no repository is named.
pub(super) fn of_daemon(global: &Global, out: &Output) -> anyhow::Result<Settings> {
    let settings = read(file(global).as_deref(), out)?;
    if settings.repositories.is_empty() {
        bail!(
            "find a repository to keep: there is no settings file here (reconciled.yaml), and none is named by --settings\n\
             next: `reconciled init` makes one to start from; or name a path, as in `reconciled plan environments/`"
        );
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
    Settings::load(path, &variables()).or_else(|diagnostics| {
        show(&diagnostics, out)?;
        bail!("use the settings: {}", many(diagnostics.len(), "mistake"))
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
    let error = |one: &Diagnostic| one.severity == crate::model::Severity::Error;
    if diagnostics.iter().any(error) {
        Exit::Failed
    } else {
        Exit::Same
    }
}
