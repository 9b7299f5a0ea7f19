//! The `host` provider where it is unlike others: what it hides, what it refuses, nginx, and kills.

mod crash;
mod foreign;
mod nginx;
mod original;
mod quickstart;

use crate::conformance::host::{OnHost, env_file, file, nginx_site, with};
use crate::conformance::world::World;
use crate::conformance::{CANARY, Subject as _};
use reconciled::config::Settings;
use reconciled::engine;
use reconciled::model::{Action, Depth, DigestKey, Observation, Secret, Value};
use reconciled::net::{Client, HttpSettings, Limiters};
use reconciled::provider::Host;
use reconciled::telemetry::Readiness;
use std::os::unix::fs::PermissionsExt as _;

async fn waits_for(subject: &OnHost, declared: &Value) -> String {
    let world = World::new(subject);
    let step = world.step(&world.plan(Some(declared)).await);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    step.reason.unwrap()
}

#[tokio::test]
async fn a_secret_s_file_is_for_its_owner_and_shows_nothing_ever() {
    let mut subject = file().await;
    let secret = Value::Secret(Secret::new(format!("token = {CANARY}\n")));
    let plain = subject.declared.clone();
    let mut fields = with(&plain, &["content"], secret).as_map().unwrap().clone();
    fields.shift_remove("mode");
    subject.declared = Value::Map(fields);
    let mut world = World::new(&subject);
    world.converge(&subject.declared()).await;
    let mode = |subject: &OnHost| {
        std::fs::metadata(subject.path())
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&subject), 0o600);
    std::fs::set_permissions(subject.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    subject.edit_by_hand().await;
    world.converge(&subject.declared()).await;
    assert_eq!(mode(&subject), 0o600);
    // The world itself asserts that no plan shows the canary: also where Git no longer calls it a
    // secret, and where the ledger is lost and only our record knows.
    world.plan(Some(&plain)).await;
    let mut lost = World::new(&subject);
    lost.plan(Some(&plain)).await;
    lost.converge(&plain).await;
    assert_eq!(std::fs::read_to_string(subject.path()).unwrap(), "hello\n");
}

#[tokio::test]
async fn a_variable_added_by_hand_is_drift() {
    let subject = env_file().await;
    let mut world = World::new(&subject);
    world.converge(&subject.declared()).await;
    let text = std::fs::read_to_string(subject.path()).unwrap();
    std::fs::write(subject.path(), format!("{text}DEBUG=1\nnot a variable\n")).unwrap();
    let step = world.step(&world.plan(Some(&subject.declared())).await);
    let paths: Vec<String> = step
        .changes
        .iter()
        .map(|change| change.path.to_string())
        .collect();
    assert_eq!(paths, ["values.DEBUG", "values[\"line 6\"]"]);
    assert!(step.is_only_drift(), "{:#?}", step.changes);
    world.converge(&subject.declared()).await;
    assert_eq!(std::fs::read_to_string(subject.path()).unwrap(), text);
}

#[tokio::test]
async fn a_lost_ledger_and_lost_records_are_made_good() {
    let subject = file().await;
    World::new(&subject).converge(&subject.declared()).await;
    // Without a ledger the record on the host says that it is ours: nothing is written.
    let before = subject.fingerprint().await;
    let mut world = World::new(&subject);
    world.settled(Some(&subject.declared())).await;
    assert_eq!(world.owned.len(), 1, "the ledger knows it again");
    assert_eq!(subject.fingerprint().await, before);
    // Without records it is nobody's: adopted, not deleted.
    std::fs::remove_dir_all(subject.root().join(".reconciled")).unwrap();
    let plan = world.plan(None).await;
    assert!(
        plan.steps.iter().all(|step| step.action != Action::Delete),
        "{:#?}",
        plan.steps
    );
    let step = world.step(&world.plan(Some(&subject.declared())).await);
    assert_eq!(step.action, Action::Adopt, "{step:#?}");
    world.converge(&subject.declared()).await;
    assert_eq!(subject.fingerprint().await, before);
}

#[tokio::test]
async fn the_daemon_s_settings_bound_what_a_repository_reaches() {
    let mut subject = file().await;
    let declared = subject.declared();
    subject.host = Host::new().bounded(false, "/".into());
    let told = waits_for(&subject, &declared).await;
    assert!(
        told.contains("settings do not let environments write here"),
        "{told}"
    );
    let elsewhere = tempfile::tempdir().unwrap();
    subject.host = Host::new().bounded(true, elsewhere.path().to_owned());
    let told = waits_for(&subject, &declared).await;
    assert!(told.contains("outside"), "{told}");
    let real = subject.root();
    subject.host = Host::new().bounded(true, real.parent().unwrap().to_owned());
    World::new(&subject).converge(&declared).await;
    // A link to the outside is no way around it.
    let inside = elsewhere.path().join("inside");
    std::os::unix::fs::symlink(real, &inside).unwrap();
    subject.stand_in(inside);
    subject.host = Host::new().bounded(true, elsewhere.path().to_owned());
    let told = waits_for(&subject, &declared).await;
    assert!(told.contains("outside"), "{told}");
}

#[tokio::test]
async fn the_daemon_s_own_registry_is_bounded_by_its_settings() {
    let subject = file().await;
    let root = subject.root();
    let client = Client::new(&HttpSettings::default()).unwrap();
    let key = DigestKey::new([7; 32]);
    for (allowed, code) in [("false", Some("not-allowed")), ("true", None)] {
        let variables = [
            ("RECONCILED_PROVIDERS__HOST__ALLOWED", allowed),
            ("RECONCILED_PROVIDERS__HOST__ROOT", root.to_str().unwrap()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::load(None, &variables.into()).unwrap();
        let registry = engine::registry(
            &settings,
            &client,
            &Limiters::default(),
            &key,
            (None, &Readiness::new()),
        );
        let seen = World::new(&subject)
            .observe_by(&registry, Some(&subject.declared()), Depth::Read)
            .await;
        match seen {
            Observation::Unknown { code: told, .. } => assert_eq!(Some(told), code),
            other => assert!(code.is_none(), "{other:#?}"),
        }
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_root() {
    let subject = file().await;
    let outside = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(subject.root().join("etc")).unwrap();
    std::os::unix::fs::symlink(outside.path(), subject.root().join("etc/app")).unwrap();
    let told = waits_for(&subject, &subject.declared()).await;
    assert!(told.contains("/etc/app is a symbolic link"), "{told}");
    for path in ["/etc/../../x", "/.reconciled/key"] {
        let declared = with(&subject.declared(), &["path"], path.into());
        waits_for(&subject, &declared).await;
    }
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_owner_this_host_does_not_know_is_told_before_anything_is_written() {
    let subject = file().await;
    let mut world = World::new(&subject);
    world.converge(&subject.declared()).await;
    let declared = with(&subject.declared(), &["owner"], "no-such-user".into());
    let told = waits_owned(&world, &declared).await;
    assert!(told.contains("knows no owner \"no-such-user\""), "{told}");
}

async fn waits_owned(world: &World<'_>, declared: &Value) -> String {
    let step = world.step(&world.plan(Some(declared)).await);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    step.reason.unwrap()
}

#[tokio::test]
async fn the_mode_a_file_was_left_with_counts_as_declared() {
    let mut subject = file().await;
    let mut fields = subject.declared().as_map().unwrap().clone();
    fields.shift_remove("mode");
    let declared = Value::Map(fields);
    subject.declared = declared.clone();
    let set = |mode: u32| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(subject.path(), mode).unwrap();
    };
    let mode = || {
        let about = std::fs::metadata(subject.path()).unwrap();
        about.permissions().mode() & 0o7777
    };
    // One that we made, and one that was there.
    for (there, left) in [(None, 0o644), (Some(0o604), 0o604)] {
        let mut world = World::new(&subject);
        if let Some(there) = there {
            std::fs::remove_dir_all(subject.root().join(".reconciled")).unwrap();
            set(there);
        }
        world.converge(&declared).await;
        assert_eq!(mode(), left);
        set(0o777);
        let step = world.step(&world.plan(Some(&declared)).await);
        let paths: Vec<String> = step
            .changes
            .iter()
            .map(|one| one.path.to_string())
            .collect();
        assert_eq!(paths, ["mode"]);
        assert!(step.is_only_drift(), "{:#?}", step.changes);
        // Nor does a lost ledger forget it.
        World::new(&subject).converge(&declared).await;
        assert_eq!(mode(), left);
    }
}

#[tokio::test]
async fn a_root_that_is_not_mounted_has_nothing_made_in_it() {
    for subject in [file().await, env_file().await, nginx_site().await] {
        subject.make_by_hand().await;
        let mut world = World::new(&subject);
        world.converge(&subject.declared()).await;
        let (root, away) = (subject.root(), subject.root().with_file_name("disk"));
        std::fs::rename(&root, &away).unwrap();
        std::fs::create_dir(&root).unwrap();
        let told = waits_owned(&world, &subject.declared()).await;
        assert!(told.contains("not mounted"), "{told}");
        std::fs::remove_dir(&root).unwrap();
        let told = waits_owned(&world, &subject.declared()).await;
        assert!(told.contains("open the root folder"), "{told}");
        std::fs::rename(&away, &root).unwrap();
        world.settled(Some(&subject.declared())).await;
    }
}
