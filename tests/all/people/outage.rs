//! GitHub and Slack are down, limited or refuse us: the daemon goes on, says so once, and catches up.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, files};
use crate::peers::process::free_port;
use serde_json::json;
use std::time::{Duration, Instant};

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page)]))
}

#[test]
fn github_away_holds_nothing_up_and_is_caught_up_with() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let github = &scene.github.server;
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    github.fail("GET", "infra/pulls", 401, &json!({}), 4);
    github.fail("GET", "infra/pulls", 429, &json!({ "retry-after": "1" }), 4);
    github.fail("GET", "infra/pulls", 500, &json!({}), 4);
    let listing = "Pull requests cannot be listed";
    for code in ["forge-unauthorised", "forge-limited", "forge-answered"] {
        daemon.logged(listing, |line| line["code"] == code);
    }
    daemon.logged("Pull requests can be listed again", |_| true);
    assert_eq!(
        daemon.lines(listing).len(),
        3,
        "{:#?}",
        daemon.lines(listing)
    );

    github.fail("POST", "/comments", 502, &json!({}), 3);
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    scene.comment_with(&mut daemon, number, "welcome");
    let not = "Pull request not reviewed, trying again until it is";
    assert_eq!(daemon.lines(not).len(), 1, "{:#?}", daemon.lines(not));

    github.fail("GET", "/commits/", 503, &json!({}), 3);
    let merge = scene.merge(number, "greet");
    daemon.run_of("shop", &merge);
    assert_eq!(scene.world.live("page").unwrap(), "welcome\n");
    scene.comment_with(&mut daemon, number, "🟢 Applied in shop: 1 done");
    let not = "Messages cannot be delivered, keeping them until they can";
    assert_eq!(daemon.lines(not).len(), 1, "{:#?}", daemon.lines(not));
    assert_eq!(scene.comments(number).len(), 2);
    scene.github.server.assert_contract_kept();

    // Whoever asks how it goes is told, as long as it goes on.
    let listed = |daemon: &Daemon<'_>| {
        let (_, ready) = daemon.try_page("/readyz").unwrap();
        !ready.contains("pull requests of infra")
    };
    assert!(listed(&daemon));
    github.fail("GET", "infra/pulls", 401, &json!({}), 1_000);
    daemon.until("what is in the way is named", |daemon| {
        (!listed(daemon)).then_some(())
    });
    let (_, ready) = daemon.page("/readyz");
    assert!(ready.contains("Give a token that may read"), "{ready}");
    github.mend();
    daemon.until("it is over", |daemon| listed(daemon).then_some(()));
}

#[test]
fn slack_away_holds_nothing_up_and_is_caught_up_with() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene
        .slack
        .server
        .fail("POST", "chat.postMessage", 503, &json!({}), 3);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    daemon.logged(
        "Messages cannot be delivered, keeping them until they can",
        |_| true,
    );
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &second);
    daemon.logged("Messages can be delivered again", |_| true);
    daemon.until("both runs are told, in order", |_| {
        (scene.said("infra").len() == 2).then_some(())
    });
    let said = scene.said("infra");
    assert!(
        said[0].contains(&first[..8]) && said[1].contains(&second[..8]),
        "{said:#?}"
    );
    let down = daemon.lines("Messages cannot be delivered, keeping them until they can");
    assert_eq!(down.len(), 1);
    scene.slack.assert_messages_accepted();
}

#[test]
fn slack_is_left_alone_for_as_long_as_it_asks() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let server = &scene.slack.server;
    let wait = json!({ "retry-after": "3" });
    server.fail("POST", "chat.postMessage", 429, &wait, 1);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let posts = || {
        let requests = server.requests().into_iter();
        requests.filter(|one| one.path.ends_with("chat.postMessage"))
    };
    daemon.until("it is asked to wait", |_| {
        posts().any(|one| one.status == Some(429)).then_some(())
    });
    let asked = Instant::now();
    daemon.until("it is told", |_| {
        (scene.said("infra").len() == 1).then_some(())
    });
    assert!(
        asked.elapsed() > Duration::from_millis(1500),
        "{:?}",
        asked.elapsed()
    );
    daemon.looked_again("shop");
    assert_eq!((posts().count(), scene.said("infra").len()), (2, 1));
    scene.slack.assert_messages_accepted();
}

#[test]
fn what_slack_did_not_take_outlives_the_daemon() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let url = scene.slack.api_url();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    scene
        .world
        .settings(|settings| settings["slack"]["apiUrl"] = nobody.into());
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    daemon.logged(
        "Messages cannot be delivered, keeping them until they can",
        |_| true,
    );
    daemon.kill();

    scene
        .world
        .settings(|settings| settings["slack"]["apiUrl"] = url.into());
    let mut daemon = scene.world.start();
    daemon.logged("Messages can be delivered again", |_| true);
    let said = scene.said("infra");
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains(&first[..8]), "{said:#?}");
    daemon.terminate();
    // It is said once, however often the daemon starts.
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    assert_eq!(scene.said("infra").len(), 1);
}

#[test]
fn a_run_that_ended_and_was_not_told_before_a_kill_is_told_by_the_next_start() {
    told_after_a_kill("shop", &shop("hello\n"));
}

#[test]
fn so_is_the_first_run_of_an_environment() {
    told_after_a_kill("other", &environment("other", "", &files(&[("else", "x")])));
}

/// A run of the shop ends and is told after a kill; before it there was one of this environment.
fn told_after_a_kill(before: &str, spec: &str) {
    let scene = Scene::new(&[(&format!("{before}.yaml"), spec)]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of(before, &first);
    daemon.until("the first run is told", |_| {
        (scene.said("infra").len() == 1).then_some(())
    });
    // It is killed when the run has its end in the ledger, and nothing that was to be said of it is there.
    for trigger in [
        "CREATE TRIGGER told BEFORE INSERT ON deliveries WHEN NEW.name LIKE 'told/%'
         BEGIN SELECT RAISE(ABORT, 'killed here'); END",
        "CREATE TRIGGER said BEFORE INSERT ON facts WHEN NEW.name LIKE 'waiting/%'
         BEGIN SELECT RAISE(ABORT, 'killed here'); END",
    ] {
        scene.world.in_database(trigger);
    }
    scene.slack.server.hang("POST", "chat.postMessage");
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &second);
    daemon.kill();
    scene.world.in_database("DROP TRIGGER told");
    scene.world.in_database("DROP TRIGGER said");
    scene.slack.server.mend();
    let told = || {
        let said = scene.said("infra").into_iter();
        said.filter(|one| one.starts_with("✅ shop: 1 done"))
            .count()
    };
    let mut daemon = scene.world.start();
    daemon.until("it is told", |_| (told() == 1).then_some(()));
    // Once, however often it starts.
    daemon.terminate();
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    assert_eq!((told(), scene.said("infra").len()), (1, 2));
    scene.assert_accepted();
}

#[test]
fn what_a_kill_cut_short_is_told_though_nothing_is_left_to_do() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    scene.comment_with(&mut daemon, number, "1 to update in shop");
    // It is killed when live is as it is to be, and the ledger does not know that yet.
    for trigger in [
        "CREATE TRIGGER ended BEFORE UPDATE OF outcome ON steps
         BEGIN SELECT RAISE(ABORT, 'killed here'); END",
        "CREATE TRIGGER closed BEFORE UPDATE OF ended_at ON runs
         BEGIN SELECT RAISE(ABORT, 'killed here'); END",
    ] {
        scene.world.in_database(trigger);
    }
    scene.merge(number, "greet");
    daemon.until("live is as Git says", |_| {
        (scene.world.live("page")? == "welcome\n").then_some(())
    });
    daemon.kill();
    scene.world.in_database("DROP TRIGGER ended");
    scene.world.in_database("DROP TRIGGER closed");
    let mut daemon = scene.world.start();
    scene.comment_with(&mut daemon, number, "🟢 Applied in shop");
    daemon.until("Slack says that a run was cut off", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.contains("shop: a run was interrupted"))
    });
    scene.assert_accepted();
}
