//! What stood on a host before us and is nobody's: how much of it a plan shows, and where it is kept
//! when Git overwrites it. Never shows what only some accounts of the host may read.

use super::error::HostError;
use super::marks::Marks;
use super::path::HostPath;
use super::root::{Found, Root};
use crate::model::Value;

/// Where originals are kept, in words that follow "the original is kept".
pub(super) const KEPT: &str = "under `originals` in the folder of the ownership records, `.reconciled` below the root (`/var/lib/reconciled/host` on a whole machine)";

/// Keeps a file as it was: bytes, mode and owner, below a folder that only this account may enter. The
/// same bytes are kept once, others beside them; nothing that was kept is ever written over.
///
/// # Errors
/// It is larger than what is read, or the system refuses: then it must not be overwritten.
pub(super) fn keep(
    root: &Root,
    marks: &Marks<'_>,
    path: &HostPath,
    found: &Found,
) -> Result<(), HostError> {
    let whole = found.whole(path)?;
    let folder = marks.originals();
    root.make_private(&folder)?;
    let folder = path
        .parts()
        .iter()
        .fold(folder, |folder, part| folder.join(part));
    let mut nth = 1_u32;
    loop {
        let place = folder.join(&format!("original.{nth}"));
        match root.read(&place)? {
            Some(kept) if kept.bytes == found.bytes => return Ok(()),
            Some(_) => nth += 1,
            None => return root.write(&place, &whole),
        }
    }
}

/// Tells whether every account of this machine may read a file, so that a plan may show it.
///
/// # Errors
/// A folder on the way cannot be looked at.
pub(super) fn is_public(root: &Root, path: &HostPath, found: &Found) -> Result<bool, HostError> {
    Ok(found.mode & 0o004 != 0 && root.everybody_reaches(path)?)
}

/// Returns what stands for a text that is not shown. It never equals the declared one: a difference
/// must not be spelled away by who writes the spec.
pub(super) fn note(text: String, declared: Option<&Value>) -> Value {
    match declared.and_then(Value::as_str) == Some(text.as_str()) {
        true => Value::String(text + " "),
        false => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_kept_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let path = HostPath::parse("/etc/motd").unwrap();
        let place = folder.path().join(".reconciled/originals/etc/motd");
        for (text, kept) in [("one", 1), ("two", 2), ("one", 2)] {
            std::fs::create_dir_all(folder.path().join("etc")).unwrap();
            std::fs::write(folder.path().join("etc/motd"), text).unwrap();
            let found = root.read(&path).unwrap().unwrap();
            let marks = Marks::open(&root).unwrap();
            keep(&root, &marks, &path, &found).unwrap();
            assert_eq!(std::fs::read_dir(&place).unwrap().count(), kept);
        }
        let read = |name: &str| std::fs::read_to_string(place.join(name)).unwrap();
        assert_eq!(
            (read("original.1"), read("original.2")),
            ("one".to_owned(), "two".to_owned())
        );
        use std::os::unix::fs::PermissionsExt as _;
        let originals = folder.path().join(".reconciled/originals");
        let mode = std::fs::metadata(originals).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_note_is_never_what_is_declared() {
        let declared = Value::from("(not shown)");
        let noted = |declared| note("(not shown)".to_owned(), declared);
        assert_ne!(noted(Some(&declared)), declared);
        assert_eq!(noted(None), declared);
    }
}
