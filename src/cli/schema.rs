//! `reconciled schema`: the JSON Schemas that make an editor complete and explain every key.

use super::{Exit, Output};
use crate::model::Kinds;

/// Print a JSON Schema for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled schema environment > schemas/environment.schema.json
  reconciled schema settings
  reconciled schema catalogue
  reconciled schema approval
  reconciled schema event
In an environment file, the first line then points an editor at it:
  # yaml-language-server: $schema=../schemas/environment.schema.json")]
pub(super) struct Args {
    /// Which file it describes
    #[arg(default_value = "environment")]
    what: What,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Environment specs.
    Environment,
    /// The daemon's settings file.
    Settings,
    /// A catalogue file: kinds of a cloud, taught by data.
    Catalogue,
    /// The record that lets a plan be carried out: approvals/ENVIRONMENT.yaml.
    Approval,
    /// What is posted to the webhook of the settings.
    Event,
}

pub(super) fn run(args: &Args, out: &Output) -> anyhow::Result<Exit> {
    out.json(&match args.what {
        What::Environment => environment(),
        What::Settings => crate::config::schema(),
        What::Catalogue => crate::provider::Catalogue::schema(),
        What::Approval => crate::spec::approval_schema(),
        What::Event => crate::deliver::notify::Event::schema(),
    })?;
    Ok(Exit::Same)
}

/// Returns the schema of environment files, with every kind there is.
pub(super) fn environment() -> serde_json::Value {
    crate::spec::schema(&Kinds::new(crate::provider::all_rows()))
}
