//! `reconciled init`: a commented starter repository.

use super::{Exit, Output, starter};
use anyhow::{Context as _, bail};
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const SETTINGS: &str = include_str!("starter/reconciled.yaml");
/// What is live, and what the daemon remembers, is no part of the repository.
const IGNORED: &str = "/.live/\n/.reconciled/\n";
const README: &str = include_str!("starter/README.md");

/// What is said of the folder that the starter writes into: no other machine has it there.
const OWN_ROOT: &str =
    "# SET THIS on each machine: an absolute path, here of the one `init` ran on";

/// Make a commented starter repository
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled init                 in the working folder
  reconciled init infrastructure

Nothing that is there is overwritten.")]
pub(super) struct Args {
    /// Where
    #[arg(default_value = ".")]
    folder: PathBuf,
}

pub(super) fn run(args: &Args, out: &Output) -> anyhow::Result<Exit> {
    let root = std::path::absolute(args.folder.join(".live"))?;
    let mut files = vec![
        ("reconciled.yaml", SETTINGS.to_owned()),
        ("README.md", README.to_owned()),
        (".gitignore", IGNORED.to_owned()),
    ];
    files.extend(starter::FILES.map(|(name, text)| {
        // The example stands two folders deeper than what is written here.
        let text = text.replace("$schema=../../../", "$schema=../");
        let text = starter::set(&text, "root", &root.display().to_string());
        (name, text.replace(starter::WHERE, OWN_ROOT))
    }));
    let schema = serde_json::to_string_pretty(&super::schema::environment())?;
    files.push(("schemas/environment.schema.json", schema + "\n"));
    if let Some((there, _)) = files
        .iter()
        .find(|(name, _)| args.folder.join(name).exists())
    {
        bail!(
            "start in {}: {there} is there already, and nothing is overwritten",
            args.folder.display()
        );
    }
    std::fs::create_dir_all(&root).with_context(|| format!("make {}", root.display()))?;
    for (name, text) in &files {
        write(&args.folder.join(name), text)?;
    }
    if out.is_json() {
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        out.json(&json!({ "folder": args.folder, "files": names }))?;
        return Ok(Exit::Same);
    }
    for (name, _) in &files {
        out.say(&format!("  wrote {}", args.folder.join(name).display()));
    }
    let environment = args.folder.join(starter::ENVIRONMENT);
    out.say(&format!(
        "\nNext:\n  export SHOP_SESSION_KEY=$(head -c 16 /dev/urandom | base64)\n  reconciled validate {}\n  reconciled plan {}\n  reconciled apply {}\n{} writes below {}: a clone elsewhere sets `root` to a folder of its own.\nREADME.md says how the daemon takes over from there.",
        args.folder.display(),
        environment.display(),
        environment.display(),
        starter::ENVIRONMENT,
        root.display(),
    ));
    Ok(Exit::Same)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("write {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(context)?;
    }
    let mut file = std::fs::File::create_new(path).with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)
}
