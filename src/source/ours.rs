//! Whose a folder is.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Tells whether a folder, or the one that it is to be made in, is this user's: what root makes in a
/// service's folder, the service cannot open.
pub fn is_ours(folder: &Path) -> bool {
    let folder = std::path::absolute(folder).unwrap_or_default();
    let there = folder
        .ancestors()
        .find_map(|folder| std::fs::metadata(folder).ok());
    there.is_some_and(|there| there.uid() == rustix::process::geteuid().as_raw())
}
