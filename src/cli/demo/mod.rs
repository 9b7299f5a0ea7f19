//! `reconciled demo`: the main job on a repository of its own, in one terminal. The daemon, the
//! providers, the ledger and the renderers are those of `run`; only GitHub and Slack are the screen.

mod cluster;
mod host;
mod repository;
mod screen;
mod stage;

use super::Exit;
use super::output::Output;
use anyhow::Context as _;
use screen::Screen;

/// See the main job in one terminal, with nothing configured
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled demo                     files of a folder, and an nginx site where nginx is installed
  reconciled demo --exit              ends after the story
  reconciled demo --context kind-dev  the same on a cluster, in a namespace of its own that is removed at the end")]
pub(super) struct Args {
    /// End after the story; else the daemon stays up, to edit and watch
    #[arg(long)]
    exit: bool,
    /// Play on this Kubernetes context
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

pub(super) fn run(args: &Args, out: &Output) -> anyhow::Result<Exit> {
    let folder = tempfile::Builder::new()
        .prefix("reconciled-demo-")
        .tempdir()
        .context("make a folder for the demo")?;
    let screen = Screen::new(out.color);
    let played = super::block_on(async {
        match &args.context {
            None => host::play(folder.path(), screen.clone(), args.exit).await,
            Some(context) => cluster::play(folder.path(), screen.clone(), context, args.exit).await,
        }
    });
    // Whoever wants to know why it went wrong needs what it left.
    if !args.exit || played.is_err() {
        let kept = folder.keep();
        screen.say(&format!(
            "Stopped. Everything is still in {}; remove it when you like.",
            kept.display()
        ));
    }
    played.map(|()| Exit::Same)
}
