//! What a person reads when a command fails: what, why, and what to do next.

use crate::deliver::forge::ForgeError;
use crate::deliver::notify::WebhookError;
use crate::engine::{CycleError, PastError};
use crate::ledger::LedgerError;
use crate::model::Fault;
use crate::source::SourceError;
use crate::web::WebError;
use console::style;

/// Says why a command failed.
pub(super) fn text(error: &anyhow::Error, color: bool) -> String {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let label = style("error:").red().bold().force_styling(color);
    let mut text = format!("{label} failed to {}", chain.join(": "));
    if let Some(hint) = error.chain().find_map(hint) {
        let label = style("next:").cyan().bold().force_styling(color);
        text = format!("{text}\n{label} {hint}");
    }
    text
}

/// Returns the hint of an error of ours.
fn hint(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    fn of<E: Fault + 'static>(error: &(dyn std::error::Error + 'static)) -> Option<String> {
        error.downcast_ref::<E>().and_then(Fault::hint)
    }
    of::<LedgerError>(error)
        .or_else(|| of::<PastError>(error))
        .or_else(|| of::<SourceError>(error))
        .or_else(|| of::<WebError>(error))
        .or_else(|| of::<ForgeError>(error))
        .or_else(|| of::<WebhookError>(error))
        .or_else(|| of::<CycleError>(error))
}
