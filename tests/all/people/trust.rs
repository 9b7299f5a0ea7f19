//! What a pull request may make the daemon read before anybody has looked at it.

use super::scene::Scene;
use crate::daemon::{World, environment, file};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;

/// Tells whether a file was opened.
struct Opened(OwnedFd);

impl Opened {
    fn watch(path: &std::path::Path) -> Self {
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&watch, path, WatchFlags::OPEN).unwrap();
        Self(watch)
    }

    fn yet(&self) -> bool {
        let mut buffer = [const { std::mem::MaybeUninit::uninit() }; 512];
        inotify::Reader::new(&self.0, &mut buffer).next().is_ok()
    }
}

/// A shop with a record at a cloud, looked at once an hour: what is asked in between is a review's doing.
fn shop(more: &str, data: &str) -> String {
    environment(
        "shop",
        &format!(
            "    do: {{ provider: digitalocean, token: \"${{secrets.cloud}}\" }}\n{more}  secrets:\n    cloud: {{ env: CLOUD }}\n  reconcile: {{ interval: 1h }}\n"
        ),
        &format!(
            "    record: {{ kind: digitalocean/domain-record, connection: do, spec: {{ domain: example.com, type: TXT, name: shop, data: \"{data}\" }} }}\n"
        ),
    )
}

#[test]
fn nothing_live_is_read_for_a_fork() {
    let scene = Scene::new(&[("shop.yaml", &shop("", "first-value"))]);
    let cloud = scene.with_cloud();
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.rest_after("shop", &first);
    let before = cloud.requests().len();
    let fork = scene.open(
        "fork",
        Some("mallory/infra"),
        &[("shop.yaml", &shop("", "second-value"))],
    );
    let (id, body) = scene.comment_with(&mut daemon, fork, "comes from a fork");
    assert!(
        body.contains("🟢 The specs are valid") && body.contains("`shop`"),
        "{body}"
    );
    assert!(
        !body.contains("first-value") && !body.contains("second-value"),
        "{body}"
    );
    let status = scene.status(&mut daemon, &scene.head(fork), "reconciled/plan");
    assert_eq!(status["state"], "success");
    assert_eq!(cloud.requests().len(), before, "{:?}", cloud.requests());

    let wrong = shop("", "second-value").replace("name: shop,", "nam: shop,");
    scene.push(fork, "fork", &[("shop.yaml", &wrong)]);
    let (same, body) = scene.comment_with(&mut daemon, fork, "To be put right");
    assert_eq!(same, id);
    assert!(body.contains("`shop.yaml:"), "{body}");
    assert_eq!(cloud.requests().len(), before, "{:?}", cloud.requests());

    // One of us who asks for a plan of it gets no more than that: the commits are a stranger's still.
    scene.push(fork, "fork", &[("shop.yaml", &shop("", "third-value"))]);
    scene.comment_with(&mut daemon, fork, "🟢 The specs are valid");
    let asked = scene.github.comment(fork, "/reconciled plan");
    daemon.until("it is heard", |_| {
        let mut nods = scene.github.reactions().into_iter();
        nods.find(|one| one["comment"] == asked).map(drop)
    });
    let (same, body) = scene.comment_with(&mut daemon, fork, "🟢 The specs are valid");
    assert!(same == id && !body.contains("third-value"), "{body}");
    assert_eq!(cloud.requests().len(), before, "{:?}", cloud.requests());

    // The same of one of us does ask: the count above would have shown it.
    let ours = scene.open("ours", None, &[("shop.yaml", &shop("", "second-value"))]);
    scene.comment_with(&mut daemon, ours, "second-value");
    assert!(cloud.requests().len() > before);
    scene.assert_accepted();
}

#[test]
fn a_fork_with_a_commit_of_ours_changes_no_verdict_on_it() {
    let page = |text: &str| environment("shop", "", &file("page", "page", text));
    let scene = Scene::new(&[("shop.yaml", &page("one\n"))]);
    let mut daemon = scene.started();
    let ours = scene.open("ours", None, &[("shop.yaml", &page("two\n"))]);
    let head = scene.head(ours);
    let said = scene.status(&mut daemon, &head, "reconciled/plan");
    assert_eq!(said["description"], "1 change planned in 1 environment");
    scene.world.git(&["branch", "copy", &head]);
    let copy = ours + 1;
    scene.point(copy, &head);
    scene.github.is_of(copy, "mallory/infra");
    let base = scene.world.git(&["rev-parse", "main"]);
    assert_eq!(scene.github.open_pull("copy", "copy", &head, &base), copy);
    scene.comment_with(&mut daemon, copy, "comes from a fork");
    // All of what came before is written once a later one has its comment.
    let later = scene.open("later", None, &[("shop.yaml", &page("three\n"))]);
    scene.comment_with(&mut daemon, later, "three");
    let statuses = scene.github.statuses().into_iter();
    let on_it: Vec<_> = statuses.filter(|one| one["sha"] == head).collect();
    let planned = |one: &serde_json::Value| one["description"] == said["description"];
    assert!(on_it.iter().all(planned), "{on_it:#?}");
    scene.assert_accepted();
}

#[test]
fn nothing_is_rendered_for_a_fork() {
    let shop = |more: &str| {
        let connection =
            "    cluster: { provider: kubernetes, context: none }\n  reconcile: { interval: 1h }\n";
        environment("shop", connection, &(file("motd", "motd", "hello") + more))
    };
    let scene = Scene::new(&[("shop.yaml", &shop(""))]);
    let note = scene.world.folder().join("rendered");
    let program = scene.world.folder().join("kustomize.sh");
    let object = "{\\\"apiVersion\\\": \\\"v1\\\", \\\"kind\\\": \\\"ConfigMap\\\", \\\"metadata\\\": {\\\"name\\\": \\\"of-kustomize\\\"}}";
    let script = format!(
        "#!/bin/sh\necho run >> {}\necho \"{object}\"\n",
        note.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"] = serde_json::json!({ "kustomize": program });
    });
    let mut daemon = scene.started();
    let web = "    web: { kind: kubernetes/kustomization, spec: { path: web } }\n";
    let change = [
        ("shop.yaml", shop(web)),
        ("web/kustomization.yaml", "namePrefix: a\n".to_owned()),
    ];
    let change = change.each_ref().map(|(path, text)| (*path, text.as_str()));
    let fork = scene.open("fork", Some("mallory/infra"), &change);
    scene.comment_with(&mut daemon, fork, "comes from a fork");
    let status = scene.status(&mut daemon, &scene.head(fork), "reconciled/plan");
    assert_eq!(status["state"], "success");
    assert!(!note.exists());

    // The same of one of us is rendered: it would have shown.
    let ours = scene.open("ours", None, &change);
    scene.comment_with(&mut daemon, ours, "of-kustomize");
    assert!(note.exists());
}

const CANARY: &str = "canary-of-the-machine";

fn world_with_a_secret_file(world: &World) -> Opened {
    let path = world.folder().join("machine.key");
    std::fs::write(&path, CANARY).unwrap();
    Opened::watch(&path)
}

#[test]
fn a_secret_that_a_pull_request_adds_is_read_only_after_the_merge() {
    let plain = environment("shop", "", &file("page", "page", "hello\n"));
    let with = environment(
        "shop",
        "  secrets: { key: { file: machine.key } }\n",
        &file("page", "page", "hello ${secrets.key}\n"),
    );
    let scene = Scene::new(&[("shop.yaml", &plain)]);
    let opened = world_with_a_secret_file(&scene.world);
    let mut daemon = scene.started();
    let number = scene.open("key", None, &[("shop.yaml", &with)]);
    let (_, body) = scene.comment_with(&mut daemon, number, "Plan");
    assert!(body.contains("page"), "{body}");
    assert!(!opened.yet(), "the secret was read for {body}");
    assert!(!body.contains(CANARY));

    let merge = scene.merge(number, "key");
    daemon.run_of("shop", &merge);
    assert_eq!(
        scene.world.live("page").unwrap(),
        format!("hello {CANARY}\n")
    );
    assert!(opened.yet());
    for (_, body) in scene.comments(number) {
        assert!(!body.contains(CANARY), "{body}");
    }
    scene.assert_accepted();
}

#[test]
fn no_secret_is_read_for_a_fork_that_uses_what_is_merged() {
    let with = |text: &str| {
        environment(
            "shop",
            "  secrets: { key: { file: machine.key } }\n  reconcile: { interval: 1h }\n",
            &file("page", "page", &format!("{text} ${{secrets.key}}\n")),
        )
    };
    let scene = Scene::new(&[("shop.yaml", &with("hello"))]);
    std::fs::write(scene.world.folder().join("machine.key"), CANARY).unwrap();
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.rest_after("shop", &first);
    let opened = Opened::watch(&scene.world.folder().join("machine.key"));
    let change = with("welcome");
    let fork = scene.open("fork", Some("mallory/infra"), &[("shop.yaml", &change)]);
    let (_, body) = scene.comment_with(&mut daemon, fork, "🟢 The specs are valid");
    assert!(!opened.yet(), "the secret was read for {body}");
    assert!(!body.contains(CANARY), "{body}");

    // The same of one of us does have it read: that would have shown.
    let ours = scene.open("ours", None, &[("shop.yaml", &change)]);
    let (_, body) = scene.comment_with(&mut daemon, ours, "1 to update");
    assert!(opened.yet() && !body.contains(CANARY), "{body}");
    scene.assert_accepted();
}

#[test]
fn a_connection_that_a_pull_request_changes_is_used_only_after_the_merge() {
    let scene = Scene::new(&[("shop.yaml", &shop("", "first-value"))]);
    let cloud = scene.with_cloud();
    let opened = world_with_a_secret_file(&scene.world);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.rest_after("shop", &first);
    let before = cloud.requests().len();
    let other = shop("", "first-value").replace("{ env: CLOUD }", "{ file: machine.key }");
    let number = scene.open("other", None, &[("shop.yaml", &other)]);
    let (_, body) = scene.comment_with(&mut daemon, number, "only after the merge");
    assert!(body.contains("record"), "{body}");
    assert!(!opened.yet(), "the secret was read for {body}");
    assert_eq!(cloud.requests().len(), before, "{:?}", cloud.requests());

    // One that needs no secret: the folder that a host connection is about.
    let elsewhere = shop("", "first-value").replace("root: HOST", "root: HOST/elsewhere");
    let elsewhere = elsewhere + &file("page", "page", "hello\n");
    let number = scene.open("elsewhere", None, &[("shop.yaml", &elsewhere)]);
    let (_, body) = scene.comment_with(&mut daemon, number, "is used only after the merge");
    assert!(body.contains("shop/page"), "{body}");
    scene.assert_accepted();
}
