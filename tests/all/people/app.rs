//! Signed in as a GitHub App: tokens of an installation, a check run for each environment, mistakes in their place.

use super::hints::deliver;
use super::scene::Scene;
use crate::daemon::{Daemon, environment, files};
use crate::peers::github::GitHub;
use serde_json::{Value, json};

const STABLE: &str = "reconciled/plan";

fn shop(page: &str) -> String {
    let more = "  reconcile: { interval: 1s, onDrift: report }\n";
    environment("shop", more, &files(&[("page", page), ("other", "o")]))
}

fn scene() -> Scene {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let key = scene.world.folder().join("app.pem");
    std::fs::write(&key, scene.github.app_key()).unwrap();
    scene.world.settings(|settings| {
        settings["github"] = json!({
            "app": { "id": GitHub::APP, "key": { "file": key } },
            "apiUrl": scene.github.server.url(),
        });
    });
    scene
}

/// Waits for a check run on a commit whose title holds a text. Returns the newest.
#[track_caller]
fn check(scene: &Scene, daemon: &mut Daemon<'_>, on: (&str, &str), title: &str) -> Value {
    let (commit, name) = on;
    daemon.until(format!("{name} on {commit} says {title}"), |_| {
        let checks = scene.github.checks().into_iter().rev();
        let mut those = checks.filter(|one| one["head_sha"] == commit && one["name"] == name);
        let one = those.next()?;
        one["output"]["title"]
            .as_str()?
            .contains(title)
            .then_some(one)
    })
}

fn signed_in(scene: &Scene) -> usize {
    let requests = scene.github.server.requests().into_iter();
    let minted = requests.filter(|one| one.path.ends_with("/access_tokens"));
    minted.count()
}

#[test]
fn each_environment_has_a_check_run_that_is_updated_and_never_piles_up() {
    let scene = scene();
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    let head = scene.head(number);
    let mine = check(
        &scene,
        &mut daemon,
        (&head, "reconciled/shop"),
        "1 to update",
    );
    assert_eq!(mine["conclusion"], "success", "{mine}");
    let summary = mine["output"]["summary"].as_str().unwrap();
    assert!(
        summary.contains("welcome") && summary.contains("against live state"),
        "{summary}"
    );
    let all = check(&scene, &mut daemon, (&head, STABLE), "1 change planned");
    assert_eq!(all["conclusion"], "success", "{all}");
    // The comment is the App's.
    let comments = daemon.until("the comment is written", |_| {
        let comments = scene.github.comments(number);
        (!comments.is_empty()).then_some(comments)
    });
    assert_eq!(comments[0]["user"]["login"], GitHub::BOT, "{comments:#?}");
    assert_eq!(scene.github.statuses(), Vec::<Value>::new());
    assert_eq!(signed_in(&scene), 1, "one token for everything");

    // The same commit, another live state: the same run says something else.
    scene.world.write_live("other", "hacked");
    let same = daemon.until("the check run shows the drift", |_| {
        let mut checks = scene.github.checks().into_iter();
        checks.find(|one| one["output"]["summary"].to_string().contains("hacked"))
    });
    assert_eq!(same["id"], mine["id"]);
    assert_eq!(
        scene.github.checks().len(),
        2,
        "{:#?}",
        scene.github.checks()
    );

    // A lost ledger finds them again. A token that is refused is renewed once.
    daemon.terminate();
    std::fs::remove_dir_all(scene.world.folder().join("state")).unwrap();
    let mut daemon = scene.world.start();
    let neither = scene.open("docs", None, &[("README.md", "words\n")]);
    let quiet = scene.head(neither);
    let said = check(
        &scene,
        &mut daemon,
        (&quiet, STABLE),
        "Touches no environment",
    );
    assert_eq!(said["conclusion"], "success", "it can be required: {said}");
    // What it asks meanwhile signs in anew, too.
    let before = signed_in(&scene);
    scene.github.server.tell("revoked", &Value::Null);
    let pushed = scene.push(number, "greet", &[("shop.yaml", &shop("goodbye\n"))]);
    check(
        &scene,
        &mut daemon,
        (&pushed, "reconciled/shop"),
        "1 to update",
    );
    assert_eq!(signed_in(&scene), before + 1);
    let on_head = scene.github.checks().into_iter();
    let on_head = on_head.filter(|one| one["head_sha"] == head.as_str());
    assert_eq!(on_head.count(), 2);
    scene.assert_accepted();
}

#[test]
fn a_token_that_ends_soon_is_used_no_more() {
    let scene = scene();
    // Fewer minutes than a pass may take: it is good for the request that it was asked for, and for no other.
    let soon = json!({ "seconds": 240 });
    scene.github.server.tell("lifetime", &soon);
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    let head = scene.head(number);
    check(&scene, &mut daemon, (&head, STABLE), "1 change planned");
    assert_eq!(signed_in(&scene), 2);
    scene.assert_accepted();
}

#[test]
fn a_list_that_begins_while_a_review_signs_in_holds_neither_up() {
    let scene = scene();
    // Each request signs in, for longer than from one list to the next.
    let soon = json!({ "seconds": 240, "tokens": 10_000 });
    scene.github.server.tell("lifetime", &soon);
    let github = &scene.github.server;
    github.take_long("POST", "/access_tokens", 400, 10_000);
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    let head = scene.head(number);
    check(&scene, &mut daemon, (&head, STABLE), "1 change planned");
    scene.assert_accepted();
}

#[test]
fn mistakes_stand_in_their_place() {
    let scene = scene();
    let mut daemon = scene.started();
    let wrong = shop("hello\n").replace("resources:", "resorces:");
    let number = scene.open("typo", None, &[("shop.yaml", &wrong)]);
    let head = scene.head(number);
    let all = check(&scene, &mut daemon, (&head, STABLE), "in the specs");
    assert_eq!(all["conclusion"], "failure", "{all}");
    let requests = scene.github.server.requests().into_iter();
    let bodies = requests.filter(|one| one.method == "POST" && one.path.ends_with("/check-runs"));
    let bodies = bodies.map(|one| serde_json::from_str::<Value>(&one.body).unwrap());
    let told: Vec<Value> = bodies
        .filter(|body| body["name"] == STABLE)
        .map(|body| body["output"]["annotations"][0].clone())
        .collect();
    let [told] = told.as_slice() else {
        panic!("it is made once: {told:#?}");
    };
    assert_eq!(told["path"], "shop.yaml");
    assert_eq!(
        (&told["start_line"], &told["start_column"]),
        (&json!(8), &json!(3))
    );
    assert_eq!(
        (&told["end_line"], &told["annotation_level"]),
        (&json!(8), &json!("failure"))
    );
    assert!(
        told["message"].as_str().unwrap().contains("Did you mean"),
        "{told}"
    );
    scene.assert_accepted();
}

#[test]
fn more_mistakes_than_one_request_takes_are_all_told_and_none_twice() {
    let scene = scene();
    let mut daemon = scene.started();
    let wrong: String = (0..120)
        .map(|nth| format!("    r{nth}: {{ kind: host/fil, spec: {{ path: /r{nth} }} }}\n"))
        .collect();
    let many = format!("{}{wrong}", shop("hello\n"));
    let number = scene.open("typos", None, &[("shop.yaml", &many)]);
    let head = scene.head(number);
    check(&scene, &mut daemon, (&head, STABLE), "120 mistakes");
    let told = || {
        let requests = scene.github.server.requests().into_iter();
        let written =
            requests.filter(|one| one.path.contains("/check-runs") && !one.body.is_empty());
        let bodies = written.map(|one| serde_json::from_str::<Value>(&one.body).unwrap());
        let told = bodies.map(|body| {
            let told = body["output"]["annotations"].as_array().cloned();
            told.unwrap_or_default()
        });
        told.filter(|told| !told.is_empty()).collect::<Vec<_>>()
    };
    let all = daemon.until("all of them are told", |_| {
        let told = told();
        (told.iter().map(Vec::len).sum::<usize>() >= 120).then_some(told)
    });
    // GitHub's limit, which keeps what it was told before.
    assert!(all.iter().all(|told| told.len() <= 50), "{all:#?}");
    let mut lines: Vec<u64> = all
        .iter()
        .flatten()
        .map(|one| one["start_line"].as_u64().unwrap())
        .collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!((lines.len(), all.iter().flatten().count()), (120, 120));
    scene.assert_accepted();
}

#[test]
fn what_stops_a_part_of_a_plan_stands_on_its_line() {
    let scene = scene();
    let mut daemon = scene.started();
    let strange = "    strange: { kind: host/file, spec: { path: /strange, content: \"ours\" } }\n";
    scene.world.write_live("strange", "somebody's\n");
    let file = format!("{}{strange}", shop("hello\n"));
    let number = scene.open("strange", None, &[("shop.yaml", &file)]);
    let head = scene.head(number);
    check(&scene, &mut daemon, (&head, "reconciled/shop"), "1 waits");
    let requests = scene.github.server.requests().into_iter();
    let bodies = requests.filter(|one| one.path.ends_with("/check-runs") && !one.body.is_empty());
    let mut bodies = bodies.map(|one| serde_json::from_str::<Value>(&one.body).unwrap());
    let told = bodies.find_map(|body| {
        let told = &body["output"]["annotations"][0];
        (body["name"] == "reconciled/shop" && told.is_object()).then(|| told.clone())
    });
    let told = told.unwrap();
    let line = file
        .lines()
        .position(|line| line.contains("strange:"))
        .unwrap()
        + 1;
    assert_eq!(
        (&told["path"], &told["start_line"]),
        (&json!("shop.yaml"), &json!(line))
    );
    assert_eq!(told["annotation_level"], "warning");
    assert!(
        told["message"].to_string().contains("adopt: true"),
        "{told}"
    );
    scene.assert_accepted();
}

#[test]
fn whoever_has_a_check_run_again_gets_it_anew() {
    const SECRET: &str = "a secret of webhooks";
    let scene = scene();
    scene.world.variable("HOOK", SECRET);
    scene.world.settings(|settings| {
        settings["github"]["webhookSecret"] = json!({ "env": "HOOK" });
    });
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    let head = scene.head(number);
    check(&scene, &mut daemon, (&head, STABLE), "1 change planned");
    let written = |scene: &Scene| {
        let requests = scene.github.server.requests().into_iter();
        let patched =
            requests.filter(|one| one.method == "PATCH" && one.path.contains("/check-runs/"));
        patched.count()
    };
    daemon.looked_again("shop");
    let before = written(&scene);
    // Somebody says something at the same time, and what it is cannot be read at first.
    let comments = format!("issues/{number}/comments");
    scene
        .github
        .server
        .fail("GET", &comments, 502, &json!({}), 2);
    scene.github.comment(number, "Looks good.");
    let body =
        json!({ "action": "rerequested", "repository": { "full_name": GitHub::REPOSITORY } });
    let status = deliver(
        &mut daemon,
        "check_suite",
        "again",
        &body.to_string(),
        SECRET,
    );
    assert_eq!(status, 202);
    // GitHub has taken back what both said.
    daemon.until("both are written anew", |_| {
        (written(&scene) >= before + 2).then_some(())
    });
    assert_eq!(
        scene.github.checks().len(),
        2,
        "{:#?}",
        scene.github.checks()
    );
    scene.assert_accepted();
}

#[test]
fn what_nobody_could_look_at_lets_no_merge_pass() {
    let scene = scene();
    // Each through a connection of its own: that one can be seen is no word on the other.
    let two = |page: &str| {
        let second = "root: HOST }\n    beside: { provider: host, root: HOST/beside }\n";
        let spec = shop(page).replace("root: HOST }\n", second);
        let through = |id: &str| format!("{id}: {{ kind: host/file,");
        let spec = spec.replace(
            &through("page"),
            &format!("{} connection: here,", through("page")),
        );
        spec.replace(
            &through("other"),
            &format!("{} connection: beside,", through("other")),
        )
    };
    let host = scene.world.host().join("beside");
    std::fs::create_dir_all(&host).unwrap();
    scene.world.commit(&[("shop.yaml", &two("hello\n"))]);
    let mut daemon = scene.started();
    let away = scene.world.folder().join("away");
    std::fs::rename(&host, &away).unwrap();
    let number = scene.open("greet", None, &[("shop.yaml", &two("welcome\n"))]);
    let head = scene.head(number);
    for (name, title) in [(STABLE, "could not be looked at"), ("reconciled/shop", "")] {
        let blind = check(&scene, &mut daemon, (&head, name), title);
        // GitHub takes `neutral` and `skipped` for passed.
        assert_eq!(blind["conclusion"], "action_required", "{blind}");
    }
    // Neither is what goes there one with what goes elsewhere.
    let spec = two("welcome\n");
    let lines = spec.lines().filter(|line| !line.starts_with("    other:"));
    let dropped: String = lines.map(|line| format!("{line}\n")).collect();
    let head = scene.push(number, "greet", &[("shop.yaml", &dropped)]);
    let blind = check(
        &scene,
        &mut daemon,
        (&head, STABLE),
        "could not be looked at",
    );
    assert_eq!(blind["conclusion"], "action_required", "{blind}");
    std::fs::rename(&away, &host).unwrap();
    let head = scene.push(number, "greet", &[("shop.yaml", &two("goodbye\n"))]);
    let seen = check(&scene, &mut daemon, (&head, STABLE), "1 change planned");
    assert_eq!(seen["conclusion"], "success", "{seen}");
    scene.assert_accepted();
}

#[test]
fn no_verdict_on_an_environment_is_good_while_the_branch_conflicts() {
    let scene = scene();
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    let head = scene.head(number);
    let of = (head.as_str(), "reconciled/shop");
    let good = check(&scene, &mut daemon, of, "1 to update");
    assert_eq!(good["conclusion"], "success", "{good}");
    scene.world.commit(&[("shop.yaml", &shop("theirs\n"))]);
    let all = check(&scene, &mut daemon, (&head, STABLE), "conflict");
    assert_eq!(all["conclusion"], "failure", "{all}");
    let bad = check(&scene, &mut daemon, of, "There is no plan for it any more");
    assert_eq!(bad["conclusion"], "failure", "{bad}");
    assert_eq!(bad["id"], good["id"]);
    scene.assert_accepted();
}

#[test]
fn the_result_of_a_merge_is_a_check_run_and_no_commit_status() {
    let scene = scene();
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    let merge = scene.merge(number, "greet");
    let of = (merge.as_str(), "reconciled/shop");
    let mine = check(&scene, &mut daemon, of, "live equals Git");
    assert_eq!(mine["conclusion"], "success", "{mine}");
    let summary = mine["output"]["summary"].as_str().unwrap();
    assert!(summary.contains("Applied in shop"), "{summary}");
    // What is said of it later is said in the same run.
    let said = scene.world.command(&["rollback", "shop", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let back = check(&scene, &mut daemon, of, "Rolled back to");
    assert_eq!(
        (&back["id"], &back["conclusion"]),
        (&mine["id"], &json!("failure"))
    );
    assert_eq!(scene.github.statuses(), Vec::<Value>::new());
    scene.assert_accepted();
}
