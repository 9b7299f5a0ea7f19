//! What stood on the host before us: shown where everybody may read it, and kept when it is overwritten.

use crate::conformance::host::{OnHost, env_file, file, nginx_site, with};
use crate::conformance::world::World;
use crate::conformance::{CANARY, Subject as _};
use reconciled::deliver::render::{Screen, plan_terminal};
use reconciled::model::{Action, Secret, Value};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

pub(super) fn stands(subject: &OnHost, text: &[u8], mode: u32) {
    let path = subject.path();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Sets who may enter the folder that the root stands in.
fn above(subject: &OnHost, mode: u32) {
    let above = subject.root().parent().unwrap().to_owned();
    std::fs::set_permissions(above, std::fs::Permissions::from_mode(mode)).unwrap();
}

async fn told(subject: &OnHost, declared: &Value) -> String {
    let screen = Screen {
        colour: false,
        width: 200,
    };
    plan_terminal(&World::new(subject).plan(Some(declared)).await, screen)
}

#[tokio::test]
async fn the_difference_is_shown_where_everybody_may_read_the_file() {
    let subject = file().await;
    stands(&subject, b"precious\nhand-written\n", 0o644);
    above(&subject, 0o700);
    let hidden = told(&subject, &subject.declared()).await;
    assert!(
        hidden.contains("content = (sensitive), changed") && !hidden.contains("precious"),
        "{hidden}"
    );
    above(&subject, 0o755);
    let shown = told(&subject, &subject.declared()).await;
    assert!(
        shown.contains("- precious") && shown.contains("+ hello"),
        "{shown}"
    );
    stands(&subject, b"precious\n", 0o640);
    let hidden = told(&subject, &subject.declared()).await;
    assert!(!hidden.contains("precious"), "{hidden}");
    // Where Git's side is a secret, neither side is shown.
    stands(&subject, b"precious\n", 0o644);
    let secret = Value::Secret(Secret::new(format!("token {CANARY}")));
    let sealed = told(&subject, &with(&subject.declared(), &["content"], secret)).await;
    assert!(
        sealed.contains("(sensitive)") && !sealed.contains("precious"),
        "{sealed}"
    );
}

fn originals(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(below) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(originals(&path)),
            false => found.push(path),
        }
    }
    found
}

#[tokio::test]
async fn what_is_overwritten_is_kept_with_its_bytes_mode_and_owner() {
    for subject in [file().await, env_file().await, nginx_site().await] {
        stands(&subject, b"precious \xff bytes\n", 0o604);
        let before = std::fs::metadata(subject.path()).unwrap();
        let mut world = World::new(&subject);
        world.adopts = true;
        let step = world.step(&world.plan(Some(&subject.declared())).await);
        assert!(step.overwrites(), "{step:#?}");
        let why = step.reason.unwrap();
        assert!(
            why.contains("the original is kept under `originals`"),
            "{why}"
        );
        world.converge(&subject.declared()).await;
        let folder = subject.root().join(".reconciled/originals");
        let kept = originals(&folder);
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert!(
            kept[0]
                .to_str()
                .unwrap()
                .contains(subject.path().file_name().unwrap().to_str().unwrap())
        );
        assert_eq!(std::fs::read(&kept[0]).unwrap(), b"precious \xff bytes\n");
        let after = std::fs::metadata(&kept[0]).unwrap();
        assert_eq!(
            (after.mode() & 0o7777, after.uid(), after.gid()),
            (0o604, before.uid(), before.gid())
        );
        // What we wrote ourselves is not kept again when it drifts.
        subject.edit_by_hand().await;
        world.converge(&subject.declared()).await;
        assert_eq!(originals(&folder).len(), 1);
    }
}

#[tokio::test]
async fn what_is_too_large_to_keep_is_not_overwritten() {
    for subject in [file().await, env_file().await, nginx_site().await] {
        stands(&subject, &vec![b'x'; 8 * 1024 * 1024 + 1], 0o644);
        let mut world = World::new(&subject);
        world.adopts = true;
        let step = world.step(&world.plan(Some(&subject.declared())).await);
        assert_eq!(step.action, Action::Wait, "{step:#?}");
        let why = step.reason.unwrap();
        assert!(why.contains("Move the file away yourself"), "{why}");
    }
}
