//! The file a ledger was opened as: whether it is still the one in its place. SQLite goes on with a file
//! that was deleted or replaced as if nothing were, and what it writes there nobody finds again.

use super::LedgerError;
use super::error::Place;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file, by its number; clones share it.
#[derive(Clone, Debug)]
pub(super) struct OpenFile {
    place: Place,
    /// `None` for a ledger in memory, which cannot go.
    found: Option<Arc<(PathBuf, Number)>>,
}

/// Device and inode: the same for as long as a file is the same, whatever it is called.
type Number = (u64, u64);

impl OpenFile {
    /// Nothing that can go.
    pub(super) fn memory(place: Place) -> Self {
        Self { place, found: None }
    }

    /// Takes note of the file that was opened under this path.
    ///
    /// # Errors
    /// It is gone by now.
    pub(super) fn of(path: &Path, place: Place) -> Result<Self, LedgerError> {
        let found = number(path).map_err(|source| LedgerError::Open {
            place: place.clone(),
            source,
        })?;
        let found = Some(Arc::new((path.to_owned(), found)));
        Ok(Self { place, found })
    }

    /// Checks that it is still there: one question to the system, no reading.
    ///
    /// # Errors
    /// `Lost` where it was deleted or replaced, or its folder cannot be entered any more.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        self.lost().map_or(Ok(()), Err)
    }

    /// Returns the error where it is not there any more.
    pub(super) fn lost(&self) -> Option<LedgerError> {
        let found = self.found.as_ref()?;
        let what = match number(&found.0) {
            Ok(now) if now == found.1 => return None,
            Ok(_) => "replaced by another file",
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => "deleted or moved away",
            Err(_) => "put out of reach",
        };
        let place = self.place.clone();
        Some(LedgerError::Lost { place, what })
    }
}

fn number(path: &Path) -> std::io::Result<Number> {
    let file = fs::metadata(path)?;
    Ok((file.dev(), file.ino()))
}
#[cfg(test)]
mod tests {
    use crate::ledger::{Ledger, LedgerError};
    use crate::model::EnvironmentName;
    use serde_json::json;
    use std::fs;

    #[tokio::test]
    async fn a_file_that_goes_is_neither_read_nor_written_until_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let (path, away) = (folder.path().join("ledger.db"), folder.path().join("away"));
        let ledger = Ledger::open(&path).await.unwrap();
        ledger.record_delivery("x", &json!(1)).await.unwrap();
        fs::rename(&path, &away).unwrap();
        let lost = ledger.delivery("x").await.unwrap_err();
        assert!(lost.to_string().contains("deleted or moved away"), "{lost}");
        let name = EnvironmentName::new("shop").unwrap();
        let lost = ledger.compared(&name, &json!(2)).await.unwrap_err();
        assert!(matches!(lost, LedgerError::Lost { .. }), "{lost}");
        assert!(!path.exists(), "nothing is made in its place");

        fs::copy(&away, &path).unwrap();
        let lost = ledger.in_place().unwrap_err();
        assert!(lost.to_string().contains("replaced by another"), "{lost}");
        fs::rename(&away, &path).unwrap();
        assert_eq!(ledger.delivery("x").await.unwrap(), Some(json!(1)));
        ledger.compared(&name, &json!(3)).await.unwrap();
        ledger.writable().await.unwrap();
    }
}
