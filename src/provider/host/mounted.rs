//! Whether a root is what we wrote to. A disk that is not mounted leaves an empty folder behind: that is no
//! answer about what was on it.

use super::error::HostError;
use super::marks::Marks;
use super::root::Root;
use crate::model::{Asked, Connection, ConnectionName, Observation, Observed, Owned};
use std::collections::BTreeMap;
use std::path::Path;

/// Makes unknown what is said to be absent below a root that the ledger knows files of ours in and that holds no
/// records. `answers` are those to `asked`, in order.
pub(super) fn doubt(
    asked: &[Asked],
    answers: &mut [Observed],
    open: impl Fn(&Connection) -> Result<Root, HostError>,
) {
    let is_here = |one: &&Asked| {
        let here = |owned: &Owned| owned.left_behind_by(&one.connection).is_none();
        one.owned.as_deref().is_some_and(here)
    };
    let known = asked.iter().filter(is_here);
    let roots: BTreeMap<&ConnectionName, &Connection> = known
        .map(|one| (&one.connection.name, &*one.connection))
        .collect();
    for (name, connection) in roots {
        // What cannot be opened has said so already.
        let Some(gone) = open(connection).ok().and_then(|root| missing(&root)) else {
            continue;
        };
        for (one, answer) in asked.iter().zip(&mut *answers) {
            let is_absent = matches!(answer.observation, Observation::Absent { .. });
            if is_absent && one.connection.name == *name {
                answer.observation = gone.unknown();
            }
        }
    }
}

/// Returns what to say of a root without records. A whole machine is always there.
fn missing(root: &Root) -> Option<HostError> {
    let are_there = || Marks::open(root)?.are_there();
    let is_whole = root.path() == Path::new("/");
    match are_there() {
        Ok(false) if !is_whole => Some(HostError::NotMounted {
            root: root.path().display().to_string(),
        }),
        _ => None,
    }
}
