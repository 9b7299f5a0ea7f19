//! Shows what a rollback would change, before it is ordered.

use super::super::{Global, Output, chosen, planned};
use crate::engine::Pinned;

/// Prints the plan of an environment as it was.
///
/// # Errors
/// What it was cannot be resolved now, or the ledger cannot be read.
pub(super) async fn show(past: &Pinned, global: &Global, out: &Output) -> anyhow::Result<()> {
    let chosen = chosen::of_past(past, global, out).await?;
    let looked = planned::all(&chosen, out).await?;
    let plans: Vec<_> = looked.iter().map(|looked| &looked.plan).collect();
    planned::show(&plans, out)?;
    planned::unsure(plans.into_iter(), out);
    Ok(())
}
