//! Files of somebody else that not everybody may read: compared with what Git declares, never shown. Otherwise whoever may open a
//! pull request could read in its plan what only the daemon may read.

use super::waits_for;
use crate::conformance::host::{OnHost, env_file, file, nginx_site, with};
use crate::conformance::world::World;
use crate::conformance::{CANARY, Subject as _};
use reconciled::deliver::render::{Merging, Page, Screen, plan_json, plan_markdown, plan_terminal};
use reconciled::model::Action;
use reconciled::plan::Plan;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Everything that people and programs get to see of a plan.
fn shown(plan: &Plan) -> String {
    let screen = Screen {
        colour: false,
        width: 200,
    };
    let page = Page {
        marker: "",
        revision: &plan.revision,
        at: jiff::Timestamp::UNIX_EPOCH,
    };
    [
        plan_terminal(plan, screen),
        plan_markdown(std::slice::from_ref(plan), &[], &Merging::default(), &page),
        plan_json(plan).to_string(),
    ]
    .join("\n")
}

fn only_the_owner(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

async fn holding(subject: &OnHost, text: &str) -> String {
    let path = subject.path();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    only_the_owner(&path);
    // The world itself asserts that no look shows the canary.
    let plan = World::new(subject).plan(Some(&subject.declared())).await;
    shown(&plan)
}

#[tokio::test]
async fn the_text_of_another_s_file_is_in_no_plan() {
    let env = format!("PORT={CANARY}\nHOME_{}=1\nMIIE{CANARY}\n", "canary_name");
    let subjects = [
        (file().await, format!("key {CANARY}\n")),
        (nginx_site().await, format!("# {CANARY}\n")),
        (env_file().await, env),
    ];
    for (subject, text) in subjects {
        let told = holding(&subject, &text).await;
        assert!(told.contains("(sensitive)"), "{told}");
        assert!(!told.contains(CANARY), "{told}");
        assert!(!told.contains("canary_name"), "{told}");
    }
}

#[tokio::test]
async fn the_text_of_a_file_that_is_ours_under_another_name_is_in_no_plan() {
    let subject = file().await;
    World::named(&subject, "theirs")
        .converge(&subject.declared())
        .await;
    let told = holding(&subject, &format!("key {CANARY}\n")).await;
    assert!(!told.contains(CANARY), "{told}");
}

#[tokio::test]
async fn a_file_of_ours_shows_what_was_changed_by_hand() {
    let subject = file().await;
    let mut world = World::new(&subject);
    world.converge(&subject.declared()).await;
    subject.edit_by_hand().await;
    let told = shown(&world.plan(Some(&subject.declared())).await);
    assert!(told.contains("by hand"), "{told}");
    // Another path is another file, whatever the ledger knows of this address.
    let there = subject.root().join("id_rsa");
    std::fs::write(&there, format!("key {CANARY}\n")).unwrap();
    only_the_owner(&there);
    let moved = with(&subject.declared(), &["path"], "/id_rsa".into());
    let told = shown(&world.plan(Some(&moved)).await);
    assert!(!told.contains(CANARY), "{told}");
}

#[tokio::test]
async fn an_equal_file_is_adopted_without_a_change() {
    for subject in [file().await, env_file().await, nginx_site().await] {
        subject.make_by_hand().await;
        let step =
            World::new(&subject).step(&World::new(&subject).plan(Some(&subject.declared())).await);
        assert_eq!(step.action, Action::Adopt, "{step:#?}");
        assert!(step.changes.is_empty(), "{step:#?}");
    }
}

#[tokio::test]
async fn what_the_system_shows_as_files_is_refused() {
    let mut subject = file().await;
    subject.stand_in("/".into());
    for path in [
        "/proc/self/environ",
        "/sys/kernel/uevent_seqnum",
        "/dev/null",
    ] {
        let declared = with(&subject.declared(), &["path"], path.into());
        let told = waits_for(&subject, &declared).await;
        assert!(
            told.contains("the system's, not a file to manage"),
            "{told}"
        );
        assert!(told.contains(path), "{told}");
    }
    subject.stand_in("/proc/self".into());
    let declared = with(&subject.declared(), &["path"], "/environ".into());
    let told = waits_for(&subject, &declared).await;
    assert!(told.contains("the system's"), "{told}");
}
