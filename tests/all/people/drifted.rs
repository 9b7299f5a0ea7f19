//! `onDrift: propose`: what was changed by hand is asked about once; merged it is kept, closed it is put back, and
//! nobody else's commits are touched.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, file};
use crate::peers::github::GitHub;
use crate::peers::kubernetes::cluster;
use serde_json::{Value, json};

const PROPOSING: &str = "  reconcile: { interval: 1s, onDrift: propose } # ask\n";

/// The shop, whose page is written as people write.
fn shop() -> String {
    let page = "    # what customers see\n    page:\n      kind: host/file\n      spec:\n        path: /page\n        content: 'one'   # a greeting\n";
    environment(
        "shop",
        PROPOSING,
        &format!("{page}{}", file("other", "other", "one\n")),
    )
}

/// A daemon that keeps the shop, as it is declared.
fn kept<'s>(scene: &'s Scene) -> Daemon<'s> {
    let mut daemon = scene.world.start();
    live(&mut daemon, scene, "page", "one");
    live(&mut daemon, scene, "other", "one\n");
    daemon
}

/// Waits for an open pull request of the daemon's with this number whose text holds all of these.
#[track_caller]
fn request(scene: &Scene, daemon: &mut Daemon<'_>, number: u64, parts: &[&str]) -> Value {
    daemon.until(format!("#{number} is open and says {parts:?}"), |_| {
        let pulls = scene.github.pulls().into_iter();
        let mut open = pulls.filter(|one| one["state"] == "open" && one["number"] == number);
        open.find(|one| {
            let body = one["body"].as_str().unwrap();
            one["user"]["login"] == GitHub::LOGIN && parts.iter().all(|part| body.contains(part))
        })
    })
}

fn branch(pull: &Value) -> String {
    pull["head"]["ref"].as_str().unwrap().to_owned()
}

fn open(scene: &Scene) -> usize {
    let pulls = scene.github.pulls().into_iter();
    pulls.filter(|one| one["state"] == "open").count()
}

#[track_caller]
fn live(daemon: &mut Daemon<'_>, scene: &Scene, path: &str, text: &str) {
    daemon.until(format!("{path} is {text:?}"), |_| {
        (scene.world.live(path)? == text).then_some(())
    });
}

/// What a branch changes, line by line.
fn changed(scene: &Scene, branch: &str) -> Vec<String> {
    let diff = scene.world.git(&["diff", "--unified=0", "main", branch]);
    let lines = diff.lines().filter(|line| line.starts_with(['+', '-']));
    let lines = lines.filter(|line| !line.starts_with("---") && !line.starts_with("+++ b"));
    lines.map(str::to_owned).collect()
}

/// Waits until the newest message in chat about a drift says so.
#[track_caller]
fn slack_says(scene: &Scene, daemon: &mut Daemon<'_>, text: &str) {
    daemon.until(format!("Slack says {text:?}"), |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.contains(text)).map(drop)
    });
}

#[test]
fn merging_keeps_what_is_live_in_the_file_that_declares_it_and_applies_nothing() {
    let scene = Scene::new(&[("shop.yaml", &shop())]);
    let mut daemon = kept(&scene);
    scene.world.write_live("page", "mine");
    let first = request(&scene, &mut daemon, 1, &["`page`", "`\"mine\"`"]);
    assert!(
        branch(&first).starts_with("reconciled/shop/drift-"),
        "{first}"
    );
    slack_says(&scene, &mut daemon, "|pull request #1>; to put it back");
    // It grows, and stays one.
    scene.world.write_live("other", "two\n");
    let first = request(&scene, &mut daemon, 1, &["`page`", "`other`"]);
    daemon.looked_again("shop");
    assert_eq!(open(&scene), 1);
    assert_eq!(scene.world.live("page").unwrap(), "mine");
    let lines = changed(&scene, &branch(&first));
    assert_eq!(lines[0], "-        content: 'one'   # a greeting");
    assert!(
        lines.contains(&"+        content: 'mine'   # a greeting".to_owned()),
        "{lines:#?}"
    );
    assert_eq!(lines.len(), 4, "{lines:#?}");
    let merged = scene.merge(1, &branch(&first));
    let run = daemon.run_of("shop", &merged);
    assert_eq!(run.summary.unwrap().counts.len(), 0);
    slack_says(&scene, &mut daemon, "is as it was changed: Git has it now");
    scene.comment_with(&mut daemon, 1, "Merged: Git declares what is live");
    scene.no_branch_is_left(&mut daemon);
    daemon.looked_again("shop");
    assert_eq!(open(&scene), 0);
    assert_eq!(scene.world.live("page").unwrap(), "mine");
    assert_eq!(scene.world.live("other").unwrap(), "two\n");
    scene.world.verify_ledger();
    scene.assert_accepted();
}

#[test]
fn what_is_merged_meanwhile_is_applied_and_the_request_goes_along() {
    let scene = Scene::new(&[("shop.yaml", &shop())]);
    let mut daemon = kept(&scene);
    scene.world.write_live("page", "mine");
    let asked = request(&scene, &mut daemon, 1, &["`page`"]);
    let more = shop().replace(r#""one\n""#, r#""two\n""#);
    let number = scene.open("more", None, &[("shop.yaml", &more)]);
    scene.comment_with(&mut daemon, number, "1 to update, 1 drifted in shop");
    let merged = scene.merge(number, "more");
    live(&mut daemon, &scene, "other", "two\n");
    scene.comment_with(&mut daemon, number, "🟢 Applied in shop: 1 done, 1 drifted");
    let status = scene.status(&mut daemon, &merged, "reconciled/shop");
    assert_eq!(status["state"], "success", "{status}");
    daemon.until("the request is of what was merged", |_| {
        let lines = changed(&scene, &branch(&asked));
        (lines.len() == 2 && lines[1].contains("'mine'")).then_some(())
    });
    assert_eq!(
        (open(&scene), scene.world.live("page").unwrap()),
        (1, "mine".to_owned())
    );
    scene.assert_accepted();
}

#[test]
fn closing_puts_it_back_and_what_ends_by_itself_is_closed() {
    let scene = Scene::new(&[("shop.yaml", &shop())]);
    let mut daemon = kept(&scene);
    scene.world.write_live("page", "hacked");
    scene.world.write_live("other", "two\n");
    request(&scene, &mut daemon, 1, &["`page`", "`other`"]);
    // What is no more goes from it.
    scene.world.write_live("other", "one\n");
    daemon.until("it speaks of the page alone", |_| {
        let pull = scene.github.pulls().remove(0);
        (!pull["body"].as_str().unwrap().contains("`other`")).then_some(())
    });
    scene.github.close(1);
    live(&mut daemon, &scene, "page", "one");
    scene.comment_with(&mut daemon, 1, "Closed: what Git declares is put back.");
    slack_says(&scene, &mut daemon, "page is as Git has it again");
    daemon.looked_again("shop");
    assert_eq!(scene.github.pulls().len(), 1);
    // The same again is another episode, and nobody has said yet what becomes of it.
    scene.world.write_live("page", "hacked");
    request(&scene, &mut daemon, 2, &["`page`"]);
    daemon.looked_again("shop");
    assert_eq!(scene.world.live("page").unwrap(), "hacked");
    scene.world.write_live("page", "one");
    scene.comment_with(&mut daemon, 2, "live is as Git declares it");
    daemon.until("it is closed", |_| (open(&scene) == 0).then_some(()));
    scene.no_branch_is_left(&mut daemon);
    scene.world.verify_ledger();
    scene.assert_accepted();
}

#[test]
fn what_is_changed_after_it_was_closed_is_asked_about_by_itself() {
    let scene = Scene::new(&[("shop.yaml", &shop())]);
    let mut daemon = kept(&scene);
    scene.world.write_live("page", "hacked");
    request(&scene, &mut daemon, 1, &["`page`"]);
    scene.github.close(1);
    scene.world.write_live("other", "two\n");
    live(&mut daemon, &scene, "page", "one");
    request(&scene, &mut daemon, 2, &["`other`"]);
    assert_eq!(scene.world.live("other").unwrap(), "two\n");
    scene.assert_accepted();
}

#[test]
fn a_kill_and_a_stranger_on_our_branch_ask_nobody_twice() {
    let scene = Scene::new(&[("shop.yaml", &shop())]);
    let mut daemon = kept(&scene);
    scene.github.server.lose_answer("POST", "git/refs");
    scene.github.server.lose_answer("POST", "/pulls");
    scene.world.write_live("page", "mine");
    daemon.until("it is open", |_| (open(&scene) == 1).then_some(()));
    daemon.kill();
    let mut daemon = scene.world.start();
    let first = request(&scene, &mut daemon, 1, &["`page`"]);
    daemon.looked_again("shop");
    assert_eq!(scene.github.pulls().len(), 1);
    let theirs = scene.push(1, &branch(&first), &[("README.md", "theirs")]);
    scene.world.write_live("page", "else");
    daemon.logged("Pull request of ours not written, trying again", |_| true);
    assert_eq!(
        scene.world.git(&["rev-parse", &branch(&first)]),
        theirs,
        "{}",
        daemon.log()
    );
    assert_eq!(scene.world.live("page").unwrap(), "else");
    // Closed while nobody looks, it counts with the next start, for what it said last.
    scene.world.write_live("page", "mine");
    daemon.looked_again("shop");
    daemon.kill();
    scene.github.close(1);
    let mut daemon = scene.world.start();
    live(&mut daemon, &scene, "page", "one");
    assert_eq!(scene.github.pulls().len(), 1);
    scene.assert_accepted();
}

#[test]
fn each_environment_has_one_that_holds_no_secret_and_names_what_it_cannot_keep() {
    let base = "apiVersion: reconciled.dev/v1alpha1\nkind: Layer\nspec:\n  resources:\n    page:\n      kind: host/file\n      spec: { path: \"/${vars.at}\", content: 'one' } # for all\n";
    let one = |name: &str, resources: &str| {
        let more = format!(
            "{PROPOSING}  extends: [base.yaml]\n  vars: {{ at: {name} }}\n  secrets: {{ key: {{ env: SHOP_KEY }} }}\n"
        );
        environment(name, &more, resources)
    };
    let secret = "    key: { kind: host/file, spec: { path: /key, content: \"${secrets.key}\" } }\n    gone: { kind: host/file, spec: { path: /gone, content: x } }\n";
    let files = [
        ("base.yaml", base),
        ("shop.yaml", &one("shop", secret)),
        ("blog.yaml", &one("blog", "    {}\n")),
    ];
    let scene = Scene::new(&files);
    scene.world.variable("SHOP_KEY", "canary-declared");
    let mut daemon = scene.world.start();
    for (path, text) in [
        ("shop", "one"),
        ("blog", "one"),
        ("key", "canary-declared"),
        ("gone", "x"),
    ] {
        live(&mut daemon, &scene, path, text);
    }
    scene.world.write_live("key", "canary-live");
    std::fs::remove_file(scene.world.host().join("gone")).unwrap();
    let only = "it is sensitive, and no secret is ever written into Git";
    slack_says(&scene, &mut daemon, "it was deleted by hand");
    daemon.looked_again("shop");
    assert_eq!(scene.github.pulls().len(), 0, "there is nothing to merge");
    scene.world.write_live("shop", "mine");
    scene.world.write_live("blog", "theirs");
    let shared = "base.yaml declares it for other environments too";
    let parts = [
        "shop was changed",
        shared,
        only,
        "`gone` – it was deleted by hand",
    ];
    let find = |daemon: &mut Daemon<'_>, parts: &[&str]| {
        daemon.until(format!("a pull request says {parts:?}"), |_| {
            let mut pulls = scene.github.pulls().into_iter();
            pulls.find(|one| {
                parts
                    .iter()
                    .all(|part| one["body"].as_str().unwrap().contains(part))
            })
        })
    };
    let shops = find(&mut daemon, &parts);
    let blogs = find(&mut daemon, &["blog was changed", shared]);
    assert_eq!(scene.github.pulls().len(), 2);
    for (pull, file) in [(&shops, "shop.yaml"), (&blogs, "blog.yaml")] {
        let changed = scene
            .world
            .git(&["diff", "--name-only", "main", &branch(pull)]);
        assert_eq!(changed, file);
    }
    for request in scene.github.server.requests() {
        assert!(!request.body.contains("canary"), "{request:?}");
    }
    // Closed, all of it is put back, also what could not be kept.
    scene.github.close(shops["number"].as_u64().unwrap());
    live(&mut daemon, &scene, "shop", "one");
    live(&mut daemon, &scene, "key", "canary-declared");
    live(&mut daemon, &scene, "gone", "x");
    daemon.looked_again("blog");
    assert_eq!(scene.world.live("blog").unwrap(), "theirs");
    scene.assert_accepted();
}

#[test]
fn without_credentials_it_is_only_told_and_another_rule_takes_the_request_away() {
    let scene = Scene::new(&[("shop.yaml", &shop())]);
    let mut github = Value::Null;
    scene.world.settings(|settings| {
        github = settings.as_object_mut().unwrap().remove("github").unwrap();
    });
    let mut daemon = kept(&scene);
    scene.world.write_live("page", "mine");
    daemon.logged("Pull request not opened, no GitHub credentials", |_| true);
    daemon.looked_again("shop");
    let said = daemon.lines("Pull request not opened, no GitHub credentials");
    assert_eq!(said.len(), 1);
    slack_says(&scene, &mut daemon, "without GitHub credentials");
    daemon.terminate();
    scene.world.settings(|settings| settings["github"] = github);
    let mut daemon = scene.world.start();
    request(&scene, &mut daemon, 1, &["`page`"]);
    assert_eq!(scene.world.live("page").unwrap(), "mine");
    daemon.until("the thread says that it is asked about now", |_| {
        let found = |one: &Value| {
            one["text"]
                .as_str()
                .unwrap()
                .contains("was changed outside")
        };
        let root = scene.slack.messages("infra").into_iter().find(found)?;
        let replies = scene.slack.replies("infra", root["ts"].as_str()?);
        let mut said = replies.iter().map(|one| one["blocks"].to_string());
        said.find(|one| one.contains("is left as it is until pull request #1"))
    });
    let correcting = shop().replace("onDrift: propose", "onDrift: correct");
    scene.world.commit(&[("shop.yaml", &correcting)]);
    live(&mut daemon, &scene, "page", "one");
    scene.comment_with(&mut daemon, 1, "does not say `onDrift: propose` any more");
    scene.assert_accepted();
}

#[test]
fn an_edit_on_a_cluster_is_asked_about_at_once_and_kept_in_its_manifest() {
    let cluster = cluster();
    let namespace = cluster.namespace("drifted");
    let shop = "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: { name: shop }\nspec:\n  connections:\n    cluster: { provider: kubernetes, context: peers }\n  reconcile: { interval: 5m, onDrift: propose }\n  resources:\n    web: { kind: kubernetes/manifests, spec: { path: k8s } }\n";
    let page = format!(
        "# what customers see\napiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: page, namespace: {namespace} }}\ndata:\n  text: 'one'   # a greeting\n  more: |\n    as it was\n"
    );
    let scene = Scene::new(&[("shop.yaml", shop), ("k8s/page.yaml", &page)]);
    let kubeconfig = cluster.kubeconfig();
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig });
    });
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.rest_after("shop", &first);
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/page");
    let text = || cluster.get(&path).unwrap()["data"]["text"].clone();
    let edit = |text: &str| {
        let patch = json!({ "data": { "text": text } }).to_string();
        let who = "--field-manager=kubectl-edit";
        let at = ["--namespace", &namespace, "--type=merge"];
        cluster.kubectl([
            "patch",
            "configmap",
            "page",
            at[0],
            at[1],
            at[2],
            who,
            "--patch",
            &patch,
        ]);
    };
    edit("mine");
    let asked = request(&scene, &mut daemon, 1, &["`\"mine\"`", "kubectl-edit"]);
    let said = [
        "-  text: 'one'   # a greeting",
        "+  text: 'mine'   # a greeting",
    ];
    assert_eq!(changed(&scene, &branch(&asked)), said);
    let merged = scene.merge(1, &branch(&asked));
    daemon.run_of("shop", &merged);
    assert_eq!(text(), "mine");
    slack_says(&scene, &mut daemon, "is as it was changed: Git has it now");
    scene.assert_accepted();
}
