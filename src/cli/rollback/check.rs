//! Looks, before a rollback is ordered, whether the environment can be put back to the revision.

use super::super::{Output, settings};
use crate::config::Settings;
use crate::engine::{self, PastError, Pinned};
use crate::ledger::Ledger;
use crate::model::{EnvironmentName, Kinds, Revision};
use crate::telemetry::chain;
use std::path::PathBuf;

/// Reads the revision. Returns the environment as it was there, or why that could not be told here: then the
/// daemon decides.
///
/// # Errors
/// It is not there, or the environment cannot be used as it was: every mistake is printed.
pub(super) async fn check(
    ledger: &Ledger,
    settings: &Settings,
    (name, to): (&EnvironmentName, &Revision),
    out: &Output,
) -> anyhow::Result<Result<Pinned, String>> {
    let homes = ledger.homes().await?;
    let mut repositories = settings.repositories.iter();
    let repository = match (homes.get(name), settings.repositories.as_slice()) {
        (None, [only]) => Some(only),
        (home, _) => repositories.find(|one| home == Some(&one.name)),
    };
    let Some(repository) = repository else {
        return Ok(Err("which repository declares it is not known".to_owned()));
    };
    // A daemon beside us holds the copies of its own.
    let settings = &Settings {
        state_folder: settings.state_folder.join("command-line"),
        ..settings.clone()
    };
    let client = engine::client(settings)?;
    let outside = engine::outside(settings, PathBuf::new());
    let followed = match engine::followed(settings, repository, &outside, &client) {
        Ok(followed) => followed,
        Err(error) => return Ok(Err(chain(&error))),
    };
    let kinds = Kinds::new(crate::provider::all_rows());
    match engine::check_past(&followed, name, to, &kinds).await {
        Ok(pinned) => Ok(Ok(pinned)),
        Err(error) if error.is_unsure() => Ok(Err(chain(&error))),
        Err(error) => {
            if let PastError::Broken { mistakes, .. } = &error {
                settings::show(mistakes, out)?;
            }
            Err(error.into())
        }
    }
}
