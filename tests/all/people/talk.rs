//! Slack: one message a run, one a drift episode, edited when it ends.

use super::scene::Scene;
use crate::daemon::{environment, files};
use serde_json::json;

fn shop(on_drift: &str, page: &str) -> String {
    let more = format!("  reconcile: {{ interval: 1s, onDrift: {on_drift} }}\n");
    environment("shop", &more, &files(&[("page", page)]))
}

#[test]
fn a_drift_episode_is_one_message_edited_and_answered_when_it_ends() {
    let scene = Scene::new(&[("shop.yaml", &shop("report", "hello\n"))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    daemon.until("the first run is told", |_| {
        (scene.said("infra").len() == 1).then_some(())
    });
    scene.world.write_live("page", "hacked\n");
    daemon.until("the drift is told", |_| {
        (scene.said("infra").len() == 2).then_some(())
    });
    let drift = scene.slack.messages("infra").pop().unwrap();
    let root = drift["ts"].as_str().unwrap();
    assert_eq!(drift["text"], "🔶 shop: page was changed outside of Git");
    assert!(drift["blocks"].to_string().contains("hacked"), "{drift}");
    // It goes on, and nobody is told again.
    daemon.looked_again("shop");
    assert_eq!(scene.slack.replies("infra", root).len(), 0);

    scene.world.write_live("page", "hello\n");
    daemon.episode("drift", |drift| drift.ended_at.is_some());
    daemon.until("the end is in the thread", |_| {
        (scene.slack.replies("infra", root).len() == 1).then_some(())
    });
    let messages = scene.slack.messages("infra");
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert_eq!(
        messages[1]["text"],
        "✅ shop: page is as Git has it again, without us"
    );
    scene.assert_accepted();
}

#[test]
fn drift_of_what_is_no_longer_declared_does_not_end_as_if_it_were_put_right() {
    let scene = Scene::new(&[("shop.yaml", &shop("report", "hello\n"))]);
    let mut daemon = scene.started();
    scene.world.write_live("page", "hacked\n");
    daemon.episode("drift", |drift| drift.ended_at.is_none());
    let more = "  reconcile: { interval: 1s, onDrift: report }\n";
    let other = environment("shop", more, &files(&[("other", "x")]));
    scene.world.commit(&[("shop.yaml", &other)]);
    let drift = daemon.episode("drift", |drift| drift.ended_at.is_some());
    assert_eq!(drift.how.as_deref(), Some("no longer declared"));
    daemon.until("that is said", |_| {
        let said = scene.said("infra");
        let told = |one: &String| one.starts_with("✅ shop: page is no longer declared");
        said.iter().any(told).then_some(())
    });
    scene.assert_accepted();
}

#[test]
fn an_incoming_webhook_posts_and_cannot_edit() {
    let scene = Scene::new(&[("shop.yaml", &shop("correct", "hello\n"))]);
    scene.world.variable("SLACK", scene.slack.webhook_url());
    scene
        .world
        .settings(|settings| settings["slack"] = json!({ "webhook": { "env": "SLACK" } }));
    let mut daemon = scene.started();
    daemon.until("the run is told", |_| {
        let said = scene.said("general");
        said.iter()
            .any(|one| one.starts_with("✅ shop: 1 changed"))
            .then_some(())
    });
    scene.world.write_live("page", "hacked\n");
    daemon.until("the drift is told at its end", |_| {
        let said = scene.said("general");
        said.iter()
            .any(|one| one.starts_with("✅ shop: page is as Git has it again"))
            .then_some(())
    });
    let edits = scene.slack.server.requests();
    assert!(
        !edits.iter().any(|one| one.path.contains("chat.")),
        "{edits:?}"
    );
    scene.assert_accepted();
}

#[test]
fn what_many_have_in_common_is_one_message() {
    let ids: Vec<String> = (0..12).map(|nth| format!("d/f{nth}")).collect();
    let all: String = (0..12)
        .map(|nth| crate::daemon::file(&format!("f{nth}"), &ids[nth], "x"))
        .collect();
    let scene = Scene::new(&[("shop.yaml", &environment("shop", "", &all))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    daemon.until("the first run is told", |_| {
        (scene.said("infra").len() == 1).then_some(())
    });
    let (folder, away) = (scene.world.host().join("d"), scene.world.folder().join("d"));
    std::fs::rename(&folder, &away).unwrap();
    std::os::unix::fs::symlink(&away, &folder).unwrap();
    daemon.until("all of it is told", |_| {
        let said = scene.said("infra");
        said.iter()
            .any(|one| one.starts_with("🔶 shop: live state cannot be told"))
            .then_some(())
    });
    daemon.looked_again("shop");
    daemon.looked_again("shop");
    assert_eq!(scene.said("infra").len(), 2, "{:#?}", scene.said("infra"));
    assert_eq!(
        daemon
            .lines("Live state cannot be told, leaving it alone")
            .len(),
        12
    );

    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    daemon.until("its end is told", |_| {
        let said = scene.said("infra");
        said.iter()
            .any(|one| one.starts_with("✅ shop: live state can be told again"))
            .then_some(())
    });
    assert_eq!(scene.said("infra").len(), 2, "{:#?}", scene.said("infra"));
    scene.assert_accepted();
}

#[test]
fn a_drift_leads_to_the_commit_the_pull_request_and_the_plan_it_differs_from() {
    let scene = Scene::new(&[("shop.yaml", &shop("report", "hello\n"))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let number = scene.open(
        "greet",
        None,
        &[("shop.yaml", &shop("report", "welcome\n"))],
    );
    let (plan, _) = scene.comment_with(&mut daemon, number, "welcome");
    let merge = scene.merge(number, "greet");
    daemon.run_of("shop", &merge);
    scene.world.write_live("page", "hacked\n");
    let found = daemon.until("the drift is told", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.starts_with("🔶 shop: page was changed outside of Git"))
    });
    scene.world.write_live("page", "welcome\n");
    let ended = daemon.until("its end is told", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.starts_with("✅ shop: page is as Git has it again"))
    });
    let page = format!("{}/acme/infra", scene.github.server.url());
    for link in [
        format!("<{page}/commit/{merge}|"),
        format!("<{page}/pull/{number}|#{number}>"),
        format!("<{page}/pull/{number}#issuecomment-{plan}|plan>"),
    ] {
        assert!(found.contains(&link), "{link} in {found}");
        assert!(ended.contains(&link), "{link} in {ended}");
    }
    scene.assert_accepted();
}

#[test]
fn a_commit_that_breaks_the_specs_is_named_with_its_author() {
    let scene = Scene::new(&[("shop.yaml", &shop("report", "hello\n"))]);
    let mut daemon = scene.started();
    let broken = shop("report", "hello\n") + "    more: { kind: host/file, spec: 7 }\n";
    let number = scene.open("broken", None, &[("shop.yaml", &broken)]);
    let merge = scene.merge(number, "broken");
    let title = "❌ shop: its newest specs cannot be used";
    let find = |_: &crate::daemon::Daemon<'_>| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.starts_with(title))
    };
    let said = daemon.until("it is told", find);
    let page = format!("{}/acme/infra", scene.github.server.url());
    for part in [
        format!("<{page}/commit/{merge}|`{}`> by Ada", &merge[..10]),
        format!("<{page}/pull/{number}|#{number}>"),
        "`shop.yaml:".to_owned(),
    ] {
        assert!(said.contains(&part), "{part} in {said}");
    }
    assert!(!said.contains('∶'), "{said}");
    // What comes after it and does not mend it is not what broke it.
    let next = scene.world.commit(&[("README.md", "words\n")]);
    daemon.until("the next is read", |daemon| {
        let read = daemon.lines("Repository read").into_iter();
        let mut read = read.filter_map(|line| line["revision"].as_str().map(str::to_owned));
        read.any(|revision| next.starts_with(&revision))
            .then_some(())
    });
    daemon.looked_again("shop");
    assert_eq!(find(&daemon), Some(said));
    scene.assert_accepted();
}
