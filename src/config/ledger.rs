//! Where the record of what was done is kept, and for how long.

use super::describe::{duration, object, text};
use super::element::Reading;
use crate::yaml::Node;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The ledger's file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Its path.
    pub path: PathBuf,
    /// How long ended runs are kept.
    pub retention: Duration,
}

const RETENTION: Duration = Duration::from_secs(90 * 86_400);

pub(super) fn read(reading: &mut Reading, node: Option<&Node>, state: &Path) -> Ledger {
    let default = Ledger {
        path: state.join("ledger.db"),
        retention: RETENTION,
    };
    if node.is_none() {
        return default;
    }
    reading.element(node, |reading, fields| Ledger {
        path: reading.path(fields.get("path")).unwrap_or(default.path),
        retention: fields
            .get("retention")
            .and_then(|node| reading.reader.duration(node))
            .unwrap_or(RETENTION),
    })
}

pub(super) fn schema() -> Value {
    object(
        "The record of what was done",
        &[],
        vec![
            (
                "path",
                text(
                    "Its file; `ledger.db` in the state folder where it is left out",
                    "/var/lib/reconciled/ledger.db",
                ),
            ),
            (
                "retention",
                duration(
                    "How long ended runs are kept; the newest of each environment always is",
                    "90d",
                ),
            ),
        ],
    )
}
