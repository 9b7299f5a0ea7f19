//! Hints and silence: what makes us look now, and how little is asked while nothing happens.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, files};
use crate::peers::checked::{Request, packages};
use crate::peers::github::{self, Delivery, GitHub};
use serde_json::{Value, json};

const SECRET: &str = "a secret of webhooks";

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page)]))
}

/// Delivers an event as GitHub does. Returns the status.
pub(super) fn deliver(
    daemon: &mut Daemon<'_>,
    event: &str,
    id: &str,
    body: &str,
    secret: &str,
) -> u16 {
    let delivery = (event.to_owned(), id.to_owned(), body.to_owned());
    deliver_all(daemon, &[delivery], secret)[0].0
}

/// Delivers events one after the other. Returns each answer's status and what it says.
fn deliver_all(
    daemon: &mut Daemon<'_>,
    deliveries: &[Delivery],
    secret: &str,
) -> Vec<(u16, String)> {
    let served = daemon.logged("Pages are served", |_| true);
    github::deliver(served["address"].as_str().unwrap(), secret, deliveries)
}

/// The payloads that GitHub publishes, of github.com and of its Enterprise server, by event.
fn published() -> Vec<(String, Value)> {
    let examples = packages().join("node_modules/@octokit/webhooks-examples");
    let mut all = Vec::new();
    for server in std::fs::read_dir(examples).unwrap() {
        let file = server.unwrap().path().join("index.json");
        let Ok(text) = std::fs::read_to_string(file) else {
            continue;
        };
        let events: Value = serde_json::from_str(&text).unwrap();
        for event in events.as_array().unwrap() {
            let name = event["name"].as_str().unwrap();
            let examples = event["examples"].as_array().unwrap().iter();
            all.extend(examples.map(|one| (name.to_owned(), one.clone())));
        }
    }
    all
}

#[test]
fn every_payload_that_github_publishes_is_understood() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene.world.variable("HOOK", SECRET);
    scene.world.settings(|settings| {
        settings["github"]["webhookSecret"] = json!({ "env": "HOOK" });
    });
    let mut daemon = scene.world.start();
    let published = published();
    assert!(published.len() > 700, "only {} payloads", published.len());
    let expected = |(event, payload): &(String, Value)| match event.as_str() {
        "ping" => "heard\n",
        _ if payload["repository"].is_null() => "nobody follows this repository here\n",
        "push" | "pull_request" | "issue_comment" | "check_run" | "check_suite" => "looking\n",
        _ => "nobody listens to this event\n",
    };
    // One that is there twice, word for word, is signed the same, and so it was here before.
    let mut bodies = std::collections::BTreeSet::new();
    let mut looked = std::collections::BTreeSet::new();
    let (mut deliveries, mut answers) = (Vec::new(), Vec::new());
    for (nth, one) in published.iter().enumerate() {
        let theirs = one.1["repository"]["full_name"].as_str();
        let ours = one.1.to_string();
        let ours = ours.replace(theirs.unwrap_or("of nobody"), GitHub::REPOSITORY);
        let answer = match bodies.insert(ours.clone()) {
            true => (202, expected(one)),
            false => (200, "it was here before\n"),
        };
        if answer.1 == "looking\n" {
            looked.insert(one.0.clone());
        }
        answers.push(answer);
        deliveries.push((one.0.clone(), format!("delivery-{nth}"), ours));
    }
    let said = deliver_all(&mut daemon, &deliveries, SECRET);
    for (nth, (status, said)) in said.iter().enumerate() {
        let (event, payload) = &published[nth];
        assert_eq!((*status, said.as_str()), answers[nth], "{event}: {payload}");
    }
    assert_eq!(looked.len(), 5, "{looked:?}");
    daemon.looked_again("shop");
    scene.assert_accepted();
}

/// A world with this environment that is looked at when a webhook comes, and else once an hour.
fn hooked(shop: &str) -> Scene {
    let scene = Scene::new(&[("shop.yaml", shop)]);
    scene.world.variable("HOOK", SECRET);
    scene.world.settings(|settings| {
        settings["repositories"][0]["interval"] = "1h".into();
        settings["github"]["webhookSecret"] = json!({ "env": "HOOK" });
    });
    scene
}

#[test]
fn a_webhook_makes_it_instant_and_only_a_signed_one() {
    let hourly = "  reconcile: { interval: 1h, onDrift: report }\n";
    let shop = |page: &str| environment("shop", hourly, &files(&[("page", page)]));
    let scene = hooked(&shop("hello\n"));
    let mut daemon = scene.started();
    let payload =
        |nth: u32| json!({ "nth": nth, "repository": { "full_name": "acme/infra" } }).to_string();
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    assert_eq!(deliver(&mut daemon, "push", "a", &payload(1), "wrong"), 403);
    let long = "x".repeat(1024 * 1024 + 1);
    assert_eq!(deliver(&mut daemon, "push", "b", &long, SECRET), 413);
    let whole = "x".repeat(1024 * 1024);
    assert_eq!(deliver(&mut daemon, "push", "c", &whole, SECRET), 400);
    assert_eq!(deliver(&mut daemon, "push", "d", &payload(1), SECRET), 202);
    daemon.run_of("shop", &second);
    assert_eq!(deliver(&mut daemon, "push", "d", &payload(1), SECRET), 200);

    let number = scene.open("greet", None, &[("shop.yaml", &shop("goodbye\n"))]);
    assert_eq!(
        deliver(&mut daemon, "pull_request", "e", &payload(2), SECRET),
        202
    );
    scene.comment_with(&mut daemon, number, "goodbye");
    // Live state moves, and nobody looks for an hour.
    scene.world.write_live("page", "hacked\n");
    scene.github.comment(number, "/reconciled plan");
    assert_eq!(
        deliver(&mut daemon, "issue_comment", "f", &payload(3), SECRET),
        202
    );
    scene.comment_with(&mut daemon, number, "hacked");
    scene.assert_accepted();
}

#[test]
fn a_quiet_repository_costs_one_request_a_look_and_that_one_nothing() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    scene.comment_with(&mut daemon, number, "welcome");
    // An open pull request about which nothing is said any more. The default interval is a minute: 60 requests
    // an hour, of the hundred that a quiet repository may cost; 304 is not even counted by GitHub.
    let is_quiet = |one: &Request| {
        one.path.ends_with("/pulls")
            && one.status == Some(304)
            && one.headers.contains_key("if-none-match")
    };
    daemon.until("five looks in a row ask for the list only", |_| {
        let requests = scene.github.server.requests();
        let last = requests.len().checked_sub(5)?;
        requests[last..].iter().all(is_quiet).then_some(())
    });
    scene.assert_accepted();
}

#[test]
fn a_quiet_approval_costs_what_the_list_of_pull_requests_says_anyway() {
    let quiet = |name: &str| {
        let more = "  reconcile: { interval: 1s, onMerge: propose }\n";
        environment(name, more, &files(&[(name, "hello\n")]))
    };
    let (shop, blog) = (quiet("shop"), quiet("blog"));
    let scene = Scene::new(&[("shop.yaml", &shop), ("blog.yaml", &blog)]);
    let mut daemon = scene.world.start();
    daemon.until("both are asked for", |_| {
        (scene.github.pulls().len() == 2).then_some(())
    });
    let is_quiet = |one: &Request| one.path.ends_with("/pulls") && one.status == Some(304);
    // Each look at a request of ours, and each at those of others.
    let quiet = |daemon: &mut Daemon<'_>| {
        daemon.until("only the list is asked for, again and again", |_| {
            let requests = scene.github.server.requests();
            let last = requests.len().checked_sub(12)?;
            requests[last..].iter().all(is_quiet).then_some(())
        });
    };
    quiet(&mut daemon);
    // What a person writes into one is seen all the same, and put right.
    let pull = scene.github.pulls().remove(0);
    let number = pull["number"].as_u64().unwrap();
    scene
        .github
        .edit_pull(number, &json!({ "title": "mine now" }));
    daemon.until("it is called as before", |_| {
        let pulls = scene.github.pulls().into_iter();
        let mut those = pulls.filter(|one| one["number"] == number);
        those.find(|one| one["title"] == pull["title"]).map(|_| ())
    });
    quiet(&mut daemon);
    // After a start all of it is looked at once.
    daemon.kill();
    let mut daemon = scene.world.start();
    quiet(&mut daemon);
    assert_eq!(scene.github.pulls().len(), 2);
    scene.assert_accepted();
}

#[test]
fn a_limit_is_obeyed_and_holds_up_no_run() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let headers = json!({
        "x-ratelimit-remaining": "0", "x-ratelimit-reset": (now + 1800).to_string(),
    });
    scene
        .github
        .server
        .fail("GET", "infra/pulls", 403, &headers, 1);
    daemon.logged("Pull requests cannot be listed", |line| {
        line["code"] == "forge-limited"
    });
    let before = scene.github.server.requests().len();
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &second);
    assert_eq!(scene.world.live("page").unwrap(), "welcome\n");
    daemon.looked_again("shop");
    assert_eq!(
        scene.github.server.requests().len(),
        before,
        "nothing is sent until then"
    );
}

#[test]
fn a_plan_follows_live_state_when_a_run_finds_that_it_moved() {
    let more = "  reconcile: { interval: 1s, onDrift: report }\n";
    let text = |page: &str| environment("shop", more, &files(&[("page", page), ("other", "o")]));
    let scene = Scene::new(&[("shop.yaml", &text("hello\n"))]);
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &text("welcome\n"))]);
    let (id, _) = scene.comment_with(&mut daemon, number, "welcome");
    scene.world.write_live("other", "hacked");
    let (same, _) = scene.comment_with(&mut daemon, number, "Not from this pull request");
    assert_eq!(same, id);
    scene.assert_accepted();
}

#[test]
fn a_commit_that_git_does_not_show_yet_is_not_judged_by_the_one_before_it() {
    let hourly = "  reconcile: { interval: 1h }\n";
    let shop = |page: &str| environment("shop", hourly, &files(&[("page", page)]));
    let scene = hooked(&shop("hello\n"));
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let payload =
        |nth: u32| json!({ "nth": nth, "repository": { "full_name": "acme/infra" } }).to_string();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    deliver(&mut daemon, "pull_request", "a", &payload(1), SECRET);
    let (id, seen) = scene.comment_with(&mut daemon, number, "welcome");

    // GitHub tells of the push first, and moves `refs/pull/N/head` in a job of its own.
    let head = scene.commit_on("greet", &[("shop.yaml", &shop("goodbye\n"))]);
    scene.github.push(number, &head);
    deliver(&mut daemon, "push", "b", &payload(2), SECRET);
    daemon.logged(
        "Pull request not reviewed, trying again until it is",
        |line| line["error"].to_string().contains(&head),
    );
    assert_eq!(scene.comments(number), [(id, seen)]);
    let statuses = scene.github.statuses();
    assert!(statuses.iter().all(|one| one["sha"] != head.as_str()));
    // Nobody says anything further.
    scene.point(number, &head);
    let (same, body) = scene.comment_with(&mut daemon, number, "goodbye");
    assert!(same == id && body.contains(&head[..10]), "{body}");
    scene.status(&mut daemon, &head, "reconciled/plan");
    scene.assert_accepted();
}
