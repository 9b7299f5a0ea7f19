//! The walk below a root: what it reads, what it refuses, what a crash leaves.

use super::*;
use std::os::unix::fs::symlink;

fn at(text: &str) -> HostPath {
    HostPath::parse(text).unwrap()
}

fn new(bytes: &[u8], mode: u32) -> NewFile<'_> {
    NewFile {
        bytes,
        mode,
        uid: None,
        gid: None,
    }
}

#[test]
fn a_file_is_written_whole_with_its_mode_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    let path = at("/etc/app/motd");
    assert_eq!(root.read(&path).unwrap(), None);
    root.write(&path, &new(b"one", 0o640)).unwrap();
    root.write(&path, &new(b"two", 0o604)).unwrap();
    let found = root.read(&path).unwrap().unwrap();
    assert_eq!(
        (found.bytes.as_deref(), found.mode),
        (Some(&b"two"[..]), 0o604)
    );
    let left: Vec<_> = std::fs::read_dir(folder.path().join("etc/app"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 1, "nothing is left beside it");
    assert!(root.remove(&path).unwrap());
    assert!(!root.remove(&path).unwrap());
}

#[test]
fn what_a_crash_left_beside_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    std::fs::write(folder.path().join(".motd.reconciled-new"), "half").unwrap();
    root.write(&at("/motd"), &new(b"whole", 0o644)).unwrap();
    assert_eq!(
        root.read(&at("/motd")).unwrap().unwrap().bytes.unwrap(),
        b"whole"
    );
    assert!(!folder.path().join(".motd.reconciled-new").exists());
}

#[test]
fn no_link_is_followed_to_outside() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(outside.path().join("secret"), "canary").unwrap();
    symlink(outside.path(), folder.path().join("etc")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("leaf")).unwrap();
    symlink(
        outside.path().join("secret"),
        folder.path().join(".gone.reconciled-new"),
    )
    .unwrap();
    let root = Root::open(folder.path()).unwrap();
    let told = root.read(&at("/etc/secret")).unwrap_err().to_string();
    assert_eq!(told, "reach /etc/secret: /etc is a symbolic link");
    root.write(&at("/etc/new"), &new(b"x", 0o644)).unwrap_err();
    root.remove(&at("/etc/secret")).unwrap_err();
    root.read(&at("/leaf")).unwrap_err();
    root.write(&at("/gone"), &new(b"x", 0o644)).unwrap();
    root.write(&at("/leaf"), &new(b"x", 0o644)).unwrap();
    assert_eq!(
        std::fs::read_to_string(outside.path().join("secret")).unwrap(),
        "canary"
    );
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn an_error_is_never_an_absence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("dir")).unwrap();
    std::fs::write(folder.path().join("plain"), "x").unwrap();
    let root = Root::open(folder.path()).unwrap();
    root.read(&at("/dir")).unwrap_err();
    root.read(&at("/plain/below")).unwrap_err();
    assert!(Root::open(&folder.path().join("nowhere")).is_err());
}

#[test]
fn what_cannot_be_swapped_leaves_nothing_beside() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("site")).unwrap();
    let root = Root::open(folder.path()).unwrap();
    root.link(&at("/site"), "elsewhere").unwrap_err();
    root.write(&at("/site"), &new(b"x", 0o644)).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
