//! How drift and outages end in Slack: by whom, and only where they were told before.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, files};
use serde_json::json;

fn shop(page: &str) -> String {
    let more = "  reconcile: { interval: 1s, onDrift: report }\n";
    environment("shop", more, &files(&[("page", page)]))
}

/// Begins with a good state and an edit by hand that is told and left alone.
fn hacked(scene: &Scene) -> Daemon<'_> {
    let commit = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &commit);
    scene.world.write_live("page", "hacked\n");
    said(
        scene,
        &mut daemon,
        "🔶 shop: page was changed outside of Git",
    );
    daemon
}

/// Waits until a message begins with these words.
#[track_caller]
fn said(scene: &Scene, daemon: &mut Daemon<'_>, title: &str) -> String {
    daemon.until(format!("{title:?} is said"), |_| {
        let said = [scene.said("infra"), scene.said("general")].concat();
        said.into_iter().find(|one| one.starts_with(title))
    })
}

#[track_caller]
fn ended(daemon: &mut Daemon<'_>) -> String {
    let drift = daemon.episode("drift", |drift| drift.ended_at.is_some());
    drift.how.unwrap()
}

#[test]
fn drift_that_a_merge_overwrites_did_not_go_without_us() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = hacked(&scene);
    let merge = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    assert_eq!(ended(&mut daemon), "overwritten by a run");
    let by = format!(
        "✅ shop: page was overwritten by the run of {}",
        &merge[..10]
    );
    let told = said(&scene, &mut daemon, &by);
    assert!(told.contains("owner of the file"), "{told}");
    scene.assert_accepted();
}

#[test]
fn drift_that_a_rollback_overwrites_did_not_go_without_us() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    scene.world.start().run_of("shop", &first);
    scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    let mut daemon = hacked(&scene);
    let back = scene
        .world
        .command(&["rollback", "shop", "--to", &first, "--yes"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert_eq!(ended(&mut daemon), "overwritten by a run");
    let by = format!(
        "✅ shop: page was overwritten by the run of {}",
        &first[..10]
    );
    said(&scene, &mut daemon, &by);
    assert_eq!(scene.world.live("page").unwrap(), "hello\n");
    scene.assert_accepted();
}

#[test]
fn drift_that_git_takes_over_is_what_git_has_now() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = hacked(&scene);
    scene.world.commit(&[("shop.yaml", &shop("hacked\n"))]);
    assert_eq!(ended(&mut daemon), "Git has it now");
    said(
        &scene,
        &mut daemon,
        "✅ shop: page is as it was changed: Git has it now",
    );
    scene.assert_accepted();
}

#[test]
fn an_outage_that_was_never_told_has_no_end_either() {
    let names: Vec<String> = (0..6).map(|nth| format!("f{nth}")).collect();
    let all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let more = "  reconcile: { interval: 1s }\n";
    let scene = Scene::new(&[("shop.yaml", &environment("shop", more, &files(&all)))]);
    let mut daemon = scene.started();
    let (live, away) = (scene.world.host(), scene.world.folder().join("away"));
    std::fs::rename(&live, &away).unwrap();
    daemon.logged("Live state cannot be told, leaving it alone", |_| true);
    std::fs::rename(&away, &live).unwrap();
    daemon.until("all of it can be told again", |_| {
        let outage = scene.world.episodes().into_iter();
        let outage: Vec<_> = outage.filter(|one| one.address.is_some()).collect();
        (!outage.is_empty() && outage.iter().all(|one| one.ended_at.is_some())).then_some(())
    });
    scene.world.write_live("f0", "by hand");
    said(
        &scene,
        &mut daemon,
        "🔶 shop: f0 was changed outside of Git",
    );
    let said = scene.said("infra");
    let about = said.iter().filter(|one| one.contains("live state"));
    assert_eq!(about.count(), 0, "{said:#?}");
    scene.assert_accepted();
}

#[test]
fn what_cannot_be_edited_is_not_posted_anew_for_another_revision() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene.world.variable("SLACK", scene.slack.webhook_url());
    scene
        .world
        .settings(|settings| settings["slack"] = json!({ "webhook": { "env": "SLACK" } }));
    let mut daemon = hacked(&scene);
    for nth in 0..2 {
        let commit = scene.world.commit(&[("README.md", &format!("{nth}"))]);
        daemon.episode("drift", |drift| {
            drift.details["revision"] == commit.as_str()
        });
    }
    scene.world.write_live("page", "hello\n");
    said(
        &scene,
        &mut daemon,
        "✅ shop: page is as Git has it again, without us",
    );
    let said = scene.said("general");
    let open = said.iter().filter(|one| one.starts_with("🔶 "));
    assert_eq!(open.count(), 1, "{said:#?}");
    scene.assert_accepted();
}

#[test]
fn what_cannot_be_edited_is_not_posted_anew_because_its_words_change() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene.world.variable("SLACK", scene.slack.webhook_url());
    scene
        .world
        .settings(|settings| settings["slack"] = json!({ "webhook": { "env": "SLACK" } }));
    let mut daemon = hacked(&scene);
    for nth in 0..3 {
        scene
            .world
            .write_live("page", &format!("hacked {nth} times\n"));
        daemon.episode("drift", |drift| {
            drift
                .details
                .to_string()
                .contains(&format!("hacked {nth} times"))
        });
    }
    daemon.looked_again("shop");
    scene.world.write_live("page", "hello\n");
    said(
        &scene,
        &mut daemon,
        "✅ shop: page is as Git has it again, without us",
    );
    let said = scene.said("general");
    let open = said.iter().filter(|one| one.starts_with("🔶 "));
    assert_eq!(open.count(), 1, "{said:#?}");
    scene.assert_accepted();
}

#[test]
fn what_was_deleted_by_hand_is_gone() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\nand\nwelcome\n"))]);
    let mut daemon = scene.started();
    std::fs::remove_file(scene.world.host().join("page")).unwrap();
    let told = said(
        &scene,
        &mut daemon,
        "🔶 shop: page was changed outside of Git",
    );
    assert!(told.contains("It is gone from the live side."), "{told}");
    assert!(!told.contains("nothing"), "{told}");
    scene.assert_accepted();
}

#[test]
fn without_credentials_the_log_has_whole_messages_and_results() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene.world.settings(|settings| {
        settings.as_object_mut().unwrap().remove("slack");
        settings["github"].as_object_mut().unwrap().remove("token");
    });
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    let nothing = "Nothing will be said on pull requests, no GitHub credentials";
    daemon.logged(nothing, |_| true);
    daemon.run_of("shop", &first);
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    scene.merge(number, "greet");
    let says = |line: &serde_json::Value, what: &str| line["body"].as_str().unwrap().contains(what);
    daemon.logged(
        "Result of a merge not sent, no GitHub credentials",
        |line| says(line, "Applied in shop"),
    );
    daemon.logged("Message that goes nowhere", |line| says(line, "`page`"));
    assert_eq!(daemon.lines(nothing).len(), 1);
}
