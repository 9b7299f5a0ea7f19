//! `reconciled completions`: a shell's completion script.

use super::{Cli, Exit, Output};
use clap::CommandFactory as _;

/// Print a shell's completion script
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled completions bash > /etc/bash_completion.d/reconciled
  reconciled completions zsh  > \"${fpath[1]}/_reconciled\"")]
pub(super) struct Args {
    /// Which shell
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args, out: &Output) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "reconciled", &mut script);
    out.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Same)
}
