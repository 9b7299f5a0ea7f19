//! Open pull requests: one comment each that is kept up to date, and a commit status.

use super::scene::Scene;
use crate::daemon::{environment, file, files};
use crate::peers::github::GitHub;
use serde_json::json;

const MARKER: &str = "<!-- reconciled:plan:infra -->";
const CONTEXT: &str = "reconciled/plan";

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page)]))
}

#[test]
fn a_pull_request_has_one_comment_that_follows_it_and_outlives_the_ledger() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    // Whoever copies our marker does not get our comment's place.
    scene.github.comment(number, &format!("{MARKER}\nmine"));
    let (id, body) = scene.comment_with(&mut daemon, number, "welcome");
    assert!(
        body.starts_with(&format!("{MARKER}\n### 🟡 Plan: 1 to update")),
        "{body}"
    );
    assert!(
        body.contains("hello") && body.contains("against live state"),
        "{body}"
    );
    let status = scene.status(&mut daemon, &scene.head(number), CONTEXT);
    assert_eq!(status["state"], "success", "{status}");
    assert_eq!(status["description"], "1 change planned in 1 environment");
    let page = format!("/acme/infra/pull/{number}#issuecomment-{id}");
    assert!(
        status["target_url"].as_str().unwrap().ends_with(&page),
        "{status}"
    );

    let head = scene.push(number, "greet", &[("shop.yaml", &shop("goodbye\n"))]);
    let (same, body) = scene.comment_with(&mut daemon, number, "goodbye");
    assert_eq!(same, id);
    assert!(
        !body.contains("welcome") && body.contains(&head[..8]),
        "{body}"
    );
    scene.status(&mut daemon, &head, CONTEXT);

    // Live state moves, the base moves: neither makes a second comment.
    let base = scene.world.commit(&[(
        "other.yaml",
        &environment("other", "", &file("x", "x", "x")),
    )]);
    daemon.run_of("other", &base);
    daemon.terminate();
    let state = scene.world.folder().join("state");
    std::fs::remove_dir_all(state).unwrap();
    let edits = || {
        let requests = scene.github.server.requests();
        requests.iter().filter(|one| one.method == "PATCH").count()
    };
    let before = edits();
    let mut daemon = scene.world.start();
    daemon.until("the comment is found and written anew", |_| {
        (edits() > before).then_some(())
    });
    let comments = scene.comments(number);
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert_eq!(comments[0].0, id);
    assert_eq!(scene.github.comments(number).len(), 2);
    scene.assert_accepted();
}

#[test]
fn one_comment_holds_every_touched_environment_and_none_is_no_comment() {
    let blog = |page: &str| environment("blog", "", &file("page", "blog-page", page));
    let scene = Scene::new(&[
        ("shop.yaml", &shop("hello\n")),
        ("blog.yaml", &blog("one\n")),
    ]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    daemon.run_of("blog", &first);

    let neither = scene.open("docs", None, &[("README.md", "words\n")]);
    let status = scene.status(&mut daemon, &scene.head(neither), CONTEXT);
    assert_eq!(status["state"], "success");
    assert_eq!(status["description"], "Touches no environment");

    let both = [
        ("shop.yaml", shop("welcome\n")),
        ("blog.yaml", blog("two\n")),
    ];
    let both = both.each_ref().map(|(path, text)| (*path, text.as_str()));
    let number = scene.open("both", None, &both);
    let (_, body) = scene.comment_with(&mut daemon, number, "welcome");
    for part in ["#### blog – ", "#### shop – ", "two"] {
        assert!(body.contains(part), "{part} in {body}");
    }
    let status = scene.status(&mut daemon, &scene.head(number), CONTEXT);
    assert_eq!(status["description"], "2 changes planned in 2 environments");

    // It was fine when it was opened; what was merged meanwhile is in its way.
    let other = scene.open("other", None, &[("shop.yaml", &shop("mine\n"))]);
    let (planned, _) = scene.comment_with(&mut daemon, other, "mine");
    let main = scene.world.commit(&[("shop.yaml", &shop("theirs\n"))]);
    daemon.run_of("shop", &main);
    daemon.until("the conflict is a failure", |_| {
        let statuses = scene.github.statuses();
        let mut of = statuses
            .iter()
            .filter(|one| one["sha"] == scene.head(other).as_str());
        of.any(|one| {
            one["state"] == "failure" && one["description"] == "In conflict with main: shop.yaml"
        })
        .then_some(())
    });
    // What its comment says of a plan is void, and it says so in its place.
    let (same, body) = scene.comment_with(&mut daemon, other, "🔴 Conflicts with `main`");
    assert_eq!(same, planned);
    assert!(
        body.contains("void since") && body.contains("- `shop.yaml`"),
        "{body}"
    );
    assert!(!body.contains("mine"), "{body}");
    scene.world.git(&["checkout", "--quiet", "other"]);
    scene
        .world
        .git(&["merge", "--quiet", "-X", "ours", "-m", "settled", "main"]);
    scene.push(other, "other", &[]);
    let (same, body) = scene.comment_with(&mut daemon, other, "mine");
    assert!(same == planned && !body.contains("void since"), "{body}");
    assert_eq!(scene.comments(neither), []);
    assert_eq!(scene.comments(number).len(), 1);
    scene.assert_accepted();
}

#[test]
fn mistakes_are_located_and_fail_the_status() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    let unknown_key = shop("hello\n").replace("resources:", "resorces:");
    let number = scene.open("typo", None, &[("shop.yaml", &unknown_key)]);
    let (id, body) = scene.comment_with(&mut daemon, number, "in the specs");
    assert!(body.contains("`shop.yaml:8:3`"), "{body}");
    assert!(body.contains("Did you mean"), "{body}");
    let status = scene.status(&mut daemon, &scene.head(number), CONTEXT);
    assert_eq!(status["state"], "failure", "{status}");

    // One that shows only when expressions are resolved.
    let reference = shop("${resources.nothing.path}");
    scene.push(number, "typo", &[("shop.yaml", &reference)]);
    let (same, body) = scene.comment_with(&mut daemon, number, "nothing");
    assert_eq!(same, id);
    assert!(body.contains("`shop.yaml:9:"), "{body}");
    let status = scene.status(&mut daemon, &scene.head(number), CONTEXT);
    assert_eq!(status["state"], "failure", "{status}");

    let head = scene.push(number, "typo", &[("shop.yaml", &shop("fine\n"))]);
    scene.comment_with(&mut daemon, number, "fine");
    assert_eq!(
        scene.status(&mut daemon, &head, CONTEXT)["state"],
        "success"
    );
    assert_eq!(scene.comments(number).len(), 1);
    scene.assert_accepted();
}

#[test]
fn nothing_from_outside_is_markup_for_github_or_slack() {
    let nasty =
        "```\n</details> @everyone <!channel> [a](http://evil.example) <img src=x>\n*b* `c`\n";
    let more = "  reconcile: { interval: 1s, onDrift: report }\n";
    let text = |page: &str| environment("shop", more, &files(&[("page", page)]));
    let scene = Scene::new(&[("shop.yaml", &text("hello\n"))]);
    let mut daemon = scene.started();
    let number = scene.open("nasty", None, &[("shop.yaml", &text(nasty))]);
    let (_, body) = scene.comment_with(&mut daemon, number, "everyone");
    // What the fence holds is only text, and nothing inside ends the fence.
    let fence = "````";
    assert_eq!(body.matches(fence).count(), 2, "{body}");
    let outside = body.split(fence).step_by(2).collect::<String>();
    for bad in ["@everyone", "<!channel>", "<img", "http://evil"] {
        assert!(!outside.contains(bad), "{bad} in {body}");
    }

    scene.world.write_live("page", nasty);
    daemon.until("the drift is told", |_| {
        let said = scene.said("infra");
        said.iter()
            .any(|one| one.contains("changed outside of Git"))
            .then_some(())
    });
    let said = scene.said("infra").join("\n");
    assert!(said.contains("everyone"), "{said}");
    for bad in ["<!channel>", "<img", "*b*"] {
        assert!(!said.contains(bad), "{bad} in {said}");
    }
    scene.assert_accepted();
}

#[test]
fn without_credentials_the_log_says_what_would_be_sent() {
    let world = crate::daemon::World::new();
    world.settings(|settings| {
        settings["repositories"][0]["github"] = json!(GitHub::REPOSITORY);
    });
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    let told = daemon.lines("Nobody is told what happens but who reads this log");
    assert_eq!(told.len(), 1);
    let line = daemon.logged("Message that goes nowhere", |_| true);
    assert_eq!(line["text"], "✅ shop: 1 changed", "{line}");

    let said = world.command(&["status", "--output", "json"]);
    let status: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let repository = &status["repositories"][0];
    assert_eq!(
        (
            &repository["name"],
            &repository["state"],
            &repository["revision"]
        ),
        (&json!("infra"), &json!("read"), &json!(commit)),
        "{status}"
    );
}

#[test]
fn an_environment_that_would_be_declared_nowhere_is_named() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    let number = scene.open("drop", None, &[("shop.yaml", "# nothing any more\n")]);
    let (_, body) = scene.comment_with(&mut daemon, number, "would be declared nowhere");
    assert!(
        body.starts_with(&format!(
            "{MARKER}\n### 🟡 Plan: 1 environment declared nowhere"
        )),
        "{body}"
    );
}

#[test]
fn a_stranger_s_comment_is_not_ours_while_we_do_not_know_who_we_are() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    // A token that may not ask, as an App's.
    scene.github.server.fail("GET", "/user", 403, &json!({}), 1);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    scene.github.comment(number, &format!("{MARKER}\nmine"));
    scene.comment_with(&mut daemon, number, "welcome");
    let comments = scene.github.comments(number);
    assert_eq!(comments.len(), 2, "{comments:#?}");
}

#[test]
fn what_nobody_could_look_at_is_not_green() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    let (host, away) = (scene.world.host(), scene.world.folder().join("away"));
    std::fs::rename(&host, &away).unwrap();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    scene.comment_with(
        &mut daemon,
        number,
        "nothing known to change, 1 could not be looked at",
    );
    let status = scene.status(&mut daemon, &scene.head(number), CONTEXT);
    assert_eq!(status["state"], "error", "{status}");
    assert_eq!(
        status["description"],
        "Nothing known to change in 1 environment, 1 could not be looked at"
    );
    std::fs::rename(&away, &host).unwrap();
    let head = scene.push(number, "greet", &[("shop.yaml", &shop("goodbye\n"))]);
    let status = scene.status(&mut daemon, &head, CONTEXT);
    assert_eq!(status["state"], "success", "{status}");
    assert_eq!(status["description"], "1 change planned in 1 environment");
    scene.assert_accepted();
}

#[test]
fn what_the_live_side_would_refuse_fails_the_check_of_the_request_that_brings_it_and_of_no_other() {
    let owned_by = |owner: &str| {
        format!(
            "    page: {{ kind: host/file, spec: {{ path: /page, content: hello, owner: {owner} }} }}\n"
        )
    };
    let shop = |resources: &str| environment("shop", "", resources);
    let scene = Scene::new(&[("shop.yaml", &shop(&owned_by("root")))]);
    let mut daemon = scene.started();

    let refused = shop(&owned_by("nobody-of-that-name"));
    let number = scene.open("owner", None, &[("shop.yaml", &refused)]);
    let (_, body) = scene.comment_with(&mut daemon, number, "nobody-of-that-name");
    assert!(
        body.starts_with(&format!("{MARKER}\n### 🔴 Plan: 1 refused in shop\n")),
        "{body}"
    );
    assert!(body.contains("Refused"), "{body}");
    let status = scene.status(&mut daemon, &scene.head(number), CONTEXT);
    assert_eq!(status["state"], "failure", "{status}");
    assert_eq!(status["description"], "1 resource would be refused");

    // Merged all the same, it is not what the next one brings.
    let main = scene.world.commit(&[("shop.yaml", &refused)]);
    daemon.run_of("shop", &main);
    let more = format!(
        "{}{}",
        owned_by("nobody-of-that-name"),
        file("more", "more", "x")
    );
    let number = scene.open("more", None, &[("shop.yaml", &shop(&more))]);
    let (_, body) = scene.comment_with(&mut daemon, number, "1 to create");
    assert!(
        body.contains("### 🟡 Plan: 1 to create, 1 waiting"),
        "{body}"
    );
    let status = scene.status(&mut daemon, &scene.head(number), CONTEXT);
    assert_eq!(status["state"], "success", "{status}");
}
