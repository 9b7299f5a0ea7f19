//! Whose result it is, and that it arrives: whatever way was merged, however GitHub fares.

use super::scene::{How, Scene};
use crate::daemon::{Daemon, environment, file};
use crate::peers::checked::Request;

const LAYER: &str = "apiVersion: reconciled.dev/v1alpha1\nkind: Layer\nspec:\n  resources:\n";

fn one(name: &str, page: &str) -> String {
    environment(name, "", &file("page", name, page))
}

/// Waits until a pull request has a result for just these environments, in this order.
#[track_caller]
fn told(scene: &Scene, daemon: &mut Daemon<'_>, number: u64, environments: &[&str]) {
    daemon.until(format!("#{number} is told of {environments:?}"), |_| {
        let mut names: Vec<_> = scene.results(number).into_iter().map(|one| one.0).collect();
        names.sort();
        (names == environments).then_some(())
    });
}

/// The requests to GitHub that wrote a result.
fn written(scene: &Scene) -> Vec<Request> {
    let requests = scene.github.server.requests().into_iter();
    requests
        .filter(|one| one.body.contains("reconciled:result:"))
        .collect()
}

#[test]
fn each_of_many_merges_at_once_is_told_of_what_it_changed() {
    let shop = |page: &str| {
        let extends = "  extends: [more.yaml]\n";
        environment("shop", extends, &file("page", "page", page))
    };
    let more = |page: &str| format!("{LAYER}{}", file("more", "more", page));
    let scene = Scene::new(&[
        ("shop.yaml", &shop("hello\n")),
        ("more.yaml", &more("hello\n")),
        ("blog.yaml", &one("blog", "hello\n")),
    ]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    daemon.run_of("blog", &first);
    let page = scene.open("page", None, &[("shop.yaml", &shop("squashed\n"))]);
    let blog = scene.open("blog", None, &[("blog.yaml", &one("blog", "merged\n"))]);
    let layer = scene.open("layer", None, &[("more.yaml", &more("merged\n"))]);
    // Two commits, and only the first says anything of an environment, a new one.
    let news = scene.open("news", None, &[("news.yaml", &one("news", "rebased\n"))]);
    scene.push(news, "news", &[("README.md", "words\n")]);
    let docs = scene.open("docs", None, &[("DOCS.md", "words\n")]);
    let stood = scene.merge_all(&[
        (page, "page", How::Squash),
        (blog, "blog", How::Commit),
        (layer, "layer", How::Commit),
        (news, "news", How::Rebase),
        (docs, "docs", How::Squash),
    ]);
    for (number, environment) in [
        (page, "shop"),
        (blog, "blog"),
        (layer, "shop"),
        (news, "news"),
    ] {
        told(&scene, &mut daemon, number, &[environment]);
        let (_, body) = scene.results(number).remove(0);
        let done = if environment == "shop" {
            "2 done"
        } else {
            "1 done"
        };
        let verdict = format!("🟢 Applied in {environment}: {done}");
        assert!(body.contains(&verdict), "{body}");
        assert!(body.contains(&stood[4][..8]), "{body}");
    }
    for name in ["shop", "blog", "news"] {
        let status = scene.status(&mut daemon, &stood[4], &format!("reconciled/{name}"));
        assert_eq!(status["state"], "success");
        daemon.looked_again(name);
    }
    assert_eq!(scene.results(docs), []);
    assert_eq!(written(&scene).len(), 4);
    scene.assert_accepted();
}

#[test]
fn what_was_merged_before_the_first_start_is_nobodys_news_and_while_it_was_down_is() {
    let scene = Scene::new(&[
        ("shop.yaml", &one("shop", "hello\n")),
        ("blog.yaml", &one("blog", "hello\n")),
    ]);
    let old = scene.open("old", None, &[("shop.yaml", &one("shop", "old\n"))]);
    let merge = scene.merge(old, "old");
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &merge);
    daemon.looked_again("shop");
    daemon.run_of("blog", &merge);
    daemon.kill();

    let new = scene.open("new", None, &[("shop.yaml", &one("shop", "new\n"))]);
    let added = scene.open("added", None, &[("news.yaml", &one("news", "new\n"))]);
    let merges = [(new, "new", How::Squash), (added, "added", How::Commit)];
    let stood = scene.merge_all(&merges);
    let mut daemon = scene.world.start();
    told(&scene, &mut daemon, new, &["shop"]);
    told(&scene, &mut daemon, added, &["news"]);
    // Killed before a comment is remembered, the next start writes it once more; a status comes after that.
    for name in ["shop", "news"] {
        scene.status(&mut daemon, &stood[1], &format!("reconciled/{name}"));
    }
    // The next start finds another commit, and nothing new in any environment.
    daemon.kill();
    let docs = scene.open("docs", None, &[("DOCS.md", "words\n")]);
    let merge = scene.merge(docs, "docs");
    scene.world.write_live("shop", "hacked\n");
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &merge);
    daemon.looked_again("shop");
    assert_eq!(scene.world.live("shop").unwrap(), "new\n");
    for number in [old, docs] {
        assert_eq!(scene.results(number), []);
    }
    assert_eq!(written(&scene).len(), 2);
    scene.assert_accepted();
}

#[test]
fn a_result_github_did_not_take_outlives_the_daemon_and_is_written_once() {
    let scene = Scene::new(&[("shop.yaml", &one("shop", "hello\n"))]);
    let mut daemon = scene.started();
    // It is killed with the question under way, then while it waits to ask again.
    scene.github.server.hang("GET", "/commits/");
    let number = scene.open("greet", None, &[("shop.yaml", &one("shop", "welcome\n"))]);
    let merge = scene.merge(number, "greet");
    daemon.run_of("shop", &merge);
    asked(&scene, &mut daemon);
    daemon.kill();
    let none = serde_json::json!({});
    scene
        .github
        .server
        .fail("GET", "/commits/", 503, &none, 1_000_000);
    let mut daemon = scene.world.start();
    daemon.logged(
        "Messages cannot be delivered, keeping them until they can",
        |_| true,
    );
    // A newer revision does not take the place of what is owed.
    let later = scene.open("later", None, &[("shop.yaml", &one("shop", "later\n"))]);
    let newest = scene.merge(later, "later");
    daemon.run_of("shop", &newest);
    daemon.looked_again("shop");
    daemon.kill();
    assert_eq!(written(&scene).len(), 0);

    scene.github.server.mend();
    let mut daemon = scene.world.start();
    told(&scene, &mut daemon, number, &["shop"]);
    told(&scene, &mut daemon, later, &["shop"]);
    let body = |number| scene.results(number).remove(0).1;
    assert!(body(number).contains(&merge[..8]), "{}", body(number));
    assert!(body(later).contains(&newest[..8]), "{}", body(later));
    daemon.terminate();
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    let written = written(&scene);
    let paths: Vec<_> = written.iter().map(|one| one.path.clone()).collect();
    let comments = |number| format!("/repos/acme/infra/issues/{number}/comments");
    assert_eq!(paths, [comments(number), comments(later)], "in order, once");
    scene.assert_accepted();
}

/// Waits until GitHub was asked for the pull request of a commit and did not answer.
fn asked(scene: &Scene, daemon: &mut Daemon<'_>) {
    daemon.until("GitHub is asked and hangs", |_| {
        let requests = scene.github.server.requests();
        let mut those = requests.iter().filter(|one| one.path.contains("/commits/"));
        those.any(|one| one.status.is_none()).then_some(())
    });
}

#[test]
fn a_github_that_hangs_delays_no_run_and_no_stop() {
    let scene = Scene::new(&[("shop.yaml", &one("shop", "hello\n"))]);
    let mut daemon = scene.started();
    scene.github.server.hang("GET", "/commits/");
    let number = scene.open("greet", None, &[("shop.yaml", &one("shop", "welcome\n"))]);
    scene.merge(number, "greet");
    asked(&scene, &mut daemon);
    let next = scene.world.commit(&[("shop.yaml", &one("shop", "next\n"))]);
    daemon.run_of("shop", &next);
    let gave_up = "Messages cannot be delivered, keeping them until they can";
    assert!(daemon.lines(gave_up).is_empty(), "it hangs no more");
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
    assert!(!log.contains("Stop deadline is over"), "{log}");
    let mut daemon = scene.world.start();
    told(&scene, &mut daemon, number, &["shop"]);
    scene.assert_accepted();
}

#[test]
fn a_pull_request_that_takes_nothing_is_left_alone_and_the_next_is_told() {
    let scene = Scene::new(&[("shop.yaml", &one("shop", "hello\n"))]);
    let mut daemon = scene.started();
    let locked = scene.open("locked", None, &[("shop.yaml", &one("shop", "locked\n"))]);
    scene.comment_with(&mut daemon, locked, "reconciled:plan");
    let path = format!("issues/{locked}/comments");
    let why = "Unable to create comment because issue is locked.";
    scene.github.server.refuse("POST", &path, 403, why, 1);
    scene.merge(locked, "locked");
    let not = "Pull request takes no result";
    let line = daemon.logged(not, |line| line["number"] == locked);
    assert_eq!(line["environment"], "shop");
    let next = scene.open("next", None, &[("shop.yaml", &one("shop", "next\n"))]);
    scene.merge(next, "next");
    told(&scene, &mut daemon, next, &["shop"]);
    daemon.looked_again("shop");
    assert_eq!(scene.results(locked), []);
    assert_eq!(daemon.lines(not).len(), 1);
    assert_eq!(written(&scene).len(), 2);
    scene.assert_accepted();
}

#[test]
fn a_result_that_we_may_not_write_is_kept_until_we_may() {
    let scene = Scene::new(&[("shop.yaml", &one("shop", "hello\n"))]);
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &one("shop", "welcome\n"))]);
    scene.comment_with(&mut daemon, number, "reconciled:plan");
    let path = format!("issues/{number}/comments");
    let why = "Resource not accessible by integration";
    scene.github.server.refuse("POST", &path, 403, why, 1_000);
    scene.merge(number, "greet");
    let refused = "Messages are refused, keeping them until they are not";
    let line = daemon.logged(refused, |_| true);
    assert!(line["error"].as_str().unwrap().contains(why), "{line}");
    let (_, ready) = daemon.page("/readyz");
    assert!(ready.contains(why), "{ready}");
    // Somebody gives the right. A refusal rests for minutes, but not over a start.
    scene.github.server.mend();
    daemon.terminate();
    let mut daemon = scene.world.start();
    told(&scene, &mut daemon, number, &["shop"]);
    assert!(daemon.lines("Pull request takes no result").is_empty());
    scene.assert_accepted();
}

#[test]
fn a_proxy_that_answers_for_github_ends_no_delivery() {
    let page = "<html><body>Access denied</body></html>";
    let scene = Scene::new(&[("shop.yaml", &one("shop", "hello\n"))]);
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &one("shop", "welcome\n"))]);
    scene.comment_with(&mut daemon, number, "reconciled:plan");
    let github = &scene.github.server;
    github.intercept("GET", "/commits/", 404, page, 2);
    let path = format!("issues/{number}/comments");
    github.intercept("POST", &path, 403, page, 1);
    github.intercept("POST", "/statuses/", 407, page, 1);
    scene.merge(number, "greet");
    let kept = "Messages cannot be delivered, keeping them until they can";
    let line = daemon.logged(kept, |_| true);
    assert_eq!(line["code"], "forge-foreign", "{line}");
    daemon.until("the status says so", |_| {
        let text = scene.world.command(&["status"]).stdout;
        text.contains("results of infra (unreachable)")
            .then_some(())
    });
    told(&scene, &mut daemon, number, &["shop"]);
    daemon.logged("Messages can be delivered again", |_| true);
    daemon.until("the status says no more of it", |_| {
        let text = scene.world.command(&["status"]).stdout;
        (!text.contains("results of infra")).then_some(())
    });
    assert!(daemon.lines("Pull request takes no result").is_empty());
    assert!(daemon.lines("Message not delivered").is_empty());
}
