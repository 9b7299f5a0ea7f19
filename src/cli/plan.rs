//! `reconciled plan`: what would be done, computed against live state. Changes nothing.

use super::against;
use super::chosen::{Access, Choice};
use super::{Exit, Global, Output, pauses, planned};
use crate::plan::Plan;

/// Show what would change, against live state
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled plan environments/production.yaml       needs no daemon, no settings file and no Git
  reconciled plan environments/ --output json
  reconciled plan production                         an environment of the settings' repositories
  reconciled plan --against HEAD                     what is not committed yet, of the environments it touches
  reconciled plan --against origin/main --output markdown > comment.md
                                                     the comment a pull request of this branch would get

Exit codes: 0 live equals Git, 1 failed or live state is unknown, 2 something differs")]
pub(super) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Plan what this working folder, merged into REVISION, would change: only the environments that touches,
    /// with only the secrets and connections they use there already, as on a pull request
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
}

pub(super) fn run(args: &Args, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    super::block_on(async {
        if let Some(revision) = &args.against {
            return against::run(revision, args.choice.path()?, global, out).await;
        }
        let chosen = args.choice.find(Access::Read, global, out).await?;
        let mut looked = planned::all(&chosen, out).await?;
        pauses::hold(&chosen.stops, &mut looked);
        let plans: Vec<&Plan> = looked.iter().map(|looked| &looked.plan).collect();
        planned::show(&plans, out)?;
        pauses::say(&chosen.stops, out);
        Ok(planned::exit(&plans, out))
    })
}
