//! `onMerge: propose`, and what is more dangerous than its pull request showed: nothing is carried out before people
//! merged an approval of just that plan.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, file};
use crate::peers::github::GitHub;
use serde_json::Value;

pub(super) fn shop(reconcile: &str, resources: &str) -> String {
    let more = format!("  reconcile: {{ interval: 1s, {reconcile} }}\n");
    environment("shop", &more, resources)
}

pub(super) fn proposing(text: &str) -> String {
    let reconcile = "onMerge: propose, onDrift: correct";
    shop(reconcile, &file("page", "page", text))
}

/// Waits for an open pull request of the daemon's with this number.
#[track_caller]
pub(super) fn request(scene: &Scene, daemon: &mut Daemon<'_>, number: u64) -> Value {
    daemon.until(format!("#{number} is open"), |_| {
        let pulls = scene.github.pulls().into_iter();
        let mut open = pulls.filter(|one| one["state"] == "open" && one["number"] == number);
        open.find(|one| one["user"]["login"] == GitHub::LOGIN)
    })
}

pub(super) fn branch(pull: &Value) -> String {
    pull["head"]["ref"].as_str().unwrap().to_owned()
}

fn body(pull: &Value) -> &str {
    pull["body"].as_str().unwrap()
}

/// The numbers of the daemon's pull requests that are open.
fn open(scene: &Scene) -> Vec<u64> {
    let pulls = scene.github.pulls().into_iter();
    let open = pulls.filter(|one| one["state"] == "open" && one["user"]["login"] == GitHub::LOGIN);
    open.map(|one| one["number"].as_u64().unwrap()).collect()
}

#[track_caller]
pub(super) fn live(daemon: &mut Daemon<'_>, scene: &Scene, text: &str) {
    daemon.until(format!("live is {text:?}"), |_| {
        (scene.world.live("page")? == text).then_some(())
    });
}

#[test]
fn merging_an_approval_applies_exactly_its_plan_and_once() {
    let scene = Scene::new(&[("shop.yaml", &proposing("one\n"))]);
    let mut daemon = scene.world.start();
    let first = request(&scene, &mut daemon, 1);
    assert!(branch(&first).starts_with("reconciled/shop/"), "{first}");
    for part in [
        "applies exactly the plan below",
        "1 to create in shop",
        "declines the plan",
    ] {
        assert!(body(&first).contains(part), "{part}: {first}");
    }
    let record = scene
        .world
        .git(&["show", &format!("{}:approvals/shop.yaml", branch(&first))]);
    assert!(
        record.contains("kind: Approval") && record.contains("environment: shop"),
        "{record}"
    );
    // Asked once, whatever else is merged and however often it is looked at.
    scene.world.commit(&[("README.md", "unrelated")]);
    daemon.looked_again("shop");
    assert_eq!((open(&scene), scene.world.live("page")), (vec![1], None));
    assert_eq!(body(&request(&scene, &mut daemon, 1)), body(&first));
    daemon.until("Slack says where to approve it", |_| {
        let said = scene.said("infra").into_iter();
        said.filter(|one| one.contains("|pull request #1>"))
            .count()
            .eq(&1)
            .then_some(())
    });
    scene.merge(1, &branch(&first));
    live(&mut daemon, &scene, "one\n");
    // Whoever approved it sees there what became of it.
    scene.comment_with(&mut daemon, 1, "🟢 Applied in shop: 1 done");

    // Drift has its own rule, and the record that stands in Git lets nothing go again.
    scene.world.write_live("page", "hacked\n");
    live(&mut daemon, &scene, "one\n");
    scene.world.commit(&[("shop.yaml", &proposing("two\n"))]);
    let second = request(&scene, &mut daemon, 2);
    scene.merge(2, &branch(&second));
    live(&mut daemon, &scene, "two\n");
    scene.world.commit(&[("shop.yaml", &proposing("one\n"))]);
    let third = request(&scene, &mut daemon, 3);
    scene.merge(3, &branch(&third));
    live(&mut daemon, &scene, "one\n");
    // Byte for byte the plan of #2: it is asked for again, as another request.
    scene.world.commit(&[("shop.yaml", &proposing("two\n"))]);
    let fourth = request(&scene, &mut daemon, 4);
    daemon.looked_again("shop");
    assert_eq!(scene.world.live("page").unwrap(), "one\n");
    assert_ne!(branch(&fourth), branch(&second));
    // A person at the terminal needs nobody else; nothing is left to ask for then.
    let path = scene.world.repository().join("shop.yaml");
    let said = scene
        .world
        .command(&["apply", path.to_str().unwrap(), "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    daemon.until("the request is withdrawn", |_| {
        open(&scene).is_empty().then_some(())
    });
    scene.comment_with(&mut daemon, 4, "needs an approval");
    scene.no_branch_is_left(&mut daemon);
    scene.world.verify_ledger();
    scene.assert_accepted();
}

#[test]
fn a_request_goes_with_its_plan_and_an_approval_of_another_does_nothing() {
    let scene = Scene::new(&[("shop.yaml", &proposing("one\n"))]);
    let mut daemon = scene.world.start();
    let first = request(&scene, &mut daemon, 1);
    scene.merge(1, &branch(&first));
    live(&mut daemon, &scene, "one\n");
    scene.world.commit(&[("shop.yaml", &proposing("two\n"))]);
    request(&scene, &mut daemon, 2);
    scene.world.commit(&[("shop.yaml", &proposing("three\n"))]);
    let third = request(&scene, &mut daemon, 3);
    assert!(
        body(&third).contains("Git says something else since"),
        "{third}"
    );
    scene.comment_with(&mut daemon, 2, "does not hold any more");
    assert_eq!(open(&scene), [3]);
    // Somebody changes it while the daemon is away, and the approval is merged all the same.
    drop(daemon.terminate());
    scene.merge(3, &branch(&third));
    scene.world.write_live("page", "somebody's\n");
    let mut daemon = scene.world.start();
    let fourth = request(&scene, &mut daemon, 4);
    assert!(
        body(&fourth).contains("The approval that was merged is of the plan"),
        "{fourth}"
    );
    assert_eq!(scene.world.live("page").unwrap(), "somebody's\n");
    daemon.logged(
        "Approval is of another plan, nothing is done for it",
        |_| true,
    );

    // Closing declines: just that plan, also after a restart.
    scene.github.close(4);
    scene.comment_with(&mut daemon, 4, "Declined");
    daemon.kill();
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    assert_eq!(open(&scene), Vec::<u64>::new());
    scene.world.commit(&[("shop.yaml", &proposing("four\n"))]);
    request(&scene, &mut daemon, 5);
    scene.assert_accepted();
}

#[test]
fn a_forge_that_fails_and_a_kill_ask_nobody_twice() {
    let scene = Scene::new(&[("shop.yaml", &proposing("one\n"))]);
    let none = serde_json::json!({});
    scene.github.server.fail("POST", "git/trees", 502, &none, 2);
    scene.github.server.lose_answer("POST", "git/refs");
    scene.github.server.lose_answer("POST", "/pulls");
    let mut daemon = scene.world.start();
    request(&scene, &mut daemon, 1);
    daemon.kill();
    // What is remembered goes with the ledger: the request is found by its branch.
    for end in ["", "-wal", "-shm"] {
        let file = format!("{}{end}", scene.world.ledger_file().display());
        let _some_are_there = std::fs::remove_file(file);
    }
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    assert_eq!(scene.github.pulls().len(), 1);
    // A record nobody can read approves nothing, and is told.
    scene.world.commit(&[(
        "approvals/shop.yaml",
        "apiVersion: reconciled.dev/v1alpha1\nkind: Approval\nspec: { plan: 1 }\n",
    )]);
    daemon.logged("File cannot be used", |line| {
        line["place"]
            .as_str()
            .unwrap()
            .starts_with("approvals/shop.yaml")
    });
    assert_eq!(scene.world.live("page"), None);
    let said = scene
        .world
        .command(&["validate", scene.world.repository().to_str().unwrap()]);
    assert_eq!(said.code, Some(1), "{said:?}");
    scene.assert_accepted();
}

#[test]
fn without_credentials_it_is_logged_once_what_would_be_asked() {
    let scene = Scene::new(&[("shop.yaml", &proposing("one\n"))]);
    scene.world.settings(|settings| {
        settings.as_object_mut().unwrap().remove("github");
    });
    let mut daemon = scene.world.start();
    let line = daemon.logged("Pull request not opened, no GitHub credentials", |_| true);
    assert!(
        line["body"]
            .as_str()
            .unwrap()
            .contains("1 to create in shop"),
        "{line}"
    );
    daemon.looked_again("shop");
    assert_eq!(
        daemon
            .lines("Pull request not opened, no GitHub credentials")
            .len(),
        1
    );
    assert_eq!(scene.world.live("page"), None);
}

#[test]
fn what_became_more_dangerous_than_its_pull_request_showed_is_held_and_asked_for() {
    let page = file("page", "page", "one\n");
    let adopted = "    extra: { kind: host/file, spec: { path: /extra, content: \"ours\\n\" }, lifecycle: { adopt: true } }\n";
    let applied = |resources: &str| shop("onMerge: apply", resources);
    let scene = Scene::new(&[("shop.yaml", &applied(&page))]);
    let mut daemon = scene.world.start();
    live(&mut daemon, &scene, "one\n");
    // As it was shown it is applied, and so is what became safer.
    let safe = scene.open(
        "safe",
        None,
        &[("shop.yaml", &applied(&file("page", "page", "two\n")))],
    );
    scene.comment_with(&mut daemon, safe, "1 to update in shop");
    scene.merge(safe, "safe");
    live(&mut daemon, &scene, "two\n");

    let page = file("page", "page", "two\n");
    let grow = scene.open(
        "grow",
        None,
        &[("shop.yaml", &applied(&format!("{page}{adopted}")))],
    );
    scene.comment_with(&mut daemon, grow, "1 to create in shop");
    // Nobody is shown that: no daemon looks in between.
    daemon.terminate();
    scene.world.write_live("extra", "somebody's\n");
    scene.merge(grow, "grow");
    let mut daemon = scene.world.start();
    let asked = request(&scene, &mut daemon, grow + 1);
    assert!(
        body(&asked).contains("more dangerous now than its pull request showed"),
        "{asked}"
    );
    assert!(body(&asked).contains("overwrites shop/extra"), "{asked}");
    assert_eq!(scene.world.live("extra").unwrap(), "somebody's\n");
    let link = format!(
        "[pull request #{}]({})",
        grow + 1,
        asked["html_url"].as_str().unwrap()
    );
    scene.comment_with(&mut daemon, grow, &link);
    scene.merge(grow + 1, &branch(&asked));
    daemon.until("it is applied", |_| {
        (scene.world.live("extra")? == "ours\n").then_some(())
    });
    scene.comment_with(&mut daemon, grow, "🟢 Applied in shop");
    // Pushed without a pull request, nobody was shown anything: it is applied.
    scene
        .world
        .commit(&[("shop.yaml", &applied(&file("page", "page", "three\n")))]);
    live(&mut daemon, &scene, "three\n");
    scene.assert_accepted();
}

#[test]
fn what_went_well_once_is_judged_by_what_its_pull_request_showed_today() {
    let adopted = "    extra: { kind: host/file, spec: { path: /extra, content: \"ours\\n\" }, lifecycle: { adopt: true } }\n";
    let page = file("page", "page", "one\n");
    let applied = |resources: &str| shop("onMerge: apply", resources);
    let (with, without) = (applied(&format!("{page}{adopted}")), applied(&page));
    let scene = Scene::new(&[("shop.yaml", &with)]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let second = scene.world.commit(&[("shop.yaml", &without)]);
    daemon.run_of("shop", &second);
    daemon.until("it is gone", |_| {
        scene.world.live("extra").is_none().then_some(())
    });
    // Git is to say again what went well at first; meanwhile somebody makes the file by hand.
    let back = scene.open("back", None, &[("shop.yaml", &with)]);
    scene.comment_with(&mut daemon, back, "1 to create in shop");
    // Nobody is shown that: no daemon looks in between.
    daemon.terminate();
    scene.world.write_live("extra", "somebody's\n");
    let merge = scene.merge(back, "back");
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &merge);
    assert_eq!(scene.world.live("extra").unwrap(), "somebody's\n");
    let asked = request(&scene, &mut daemon, back + 1);
    assert!(body(&asked).contains("overwrites shop/extra"), "{asked}");
    let (_, said) = scene.comment_with(&mut daemon, back, "reconciled:result:");
    assert!(said.contains("### 🟡 Waits in shop: 1 held back"), "{said}");
    scene.assert_accepted();
}

#[test]
fn what_was_put_back_gets_a_revert_once() {
    let shop = |text: &str| shop("onFailure: rollback", &file("page", "page", text));
    let scene = Scene::new(&[("shop.yaml", &shop("good\n"))]);
    // Who orders it at a terminal is told by the environment; this one is the daemon itself.
    scene.world.variable("USER", "reconciled");
    let mut daemon = scene.world.start();
    live(&mut daemon, &scene, "good\n");
    let bad = scene.open(
        "bad",
        None,
        &[("shop.yaml", &shop("bad\n")), ("other.txt", "stays")],
    );
    let merge = scene.merge(bad, "bad");
    scene.comment_with(&mut daemon, bad, "Applied in shop");
    let said = scene
        .world
        .command(&["rollback", "shop", "--yes", "--why", "it is down"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let revert = request(&scene, &mut daemon, bad + 1);
    assert_eq!(
        branch(&revert),
        format!("reconciled/shop/revert-{}", &merge[..10])
    );
    for part in ["did not become ready", "it is down", "`shop.yaml`"] {
        assert!(body(&revert).contains(part), "{part}: {revert}");
    }
    let changed = scene
        .world
        .git(&["diff", "--name-only", &merge, &branch(&revert)]);
    assert_eq!(changed, "shop.yaml");
    let link = format!("[pull request #{}]", bad + 1);
    scene.comment_with(&mut daemon, bad, &link);
    // Closed, it is not asked for again; merged, Git says what is live.
    daemon.looked_again("shop");
    assert_eq!(open(&scene), [bad + 1]);
    let merged = scene.merge(bad + 1, &branch(&revert));
    daemon.run_of("shop", &merged);
    assert_eq!(scene.world.live("page").unwrap(), "good\n");
    let status = scene.world.command(&["status"]);
    assert!(!status.stdout.contains("rolled back"), "{status:?}");
    scene.no_branch_is_left(&mut daemon);
    scene.assert_accepted();
}

#[test]
fn a_revert_that_cannot_be_made_is_said_where_people_look() {
    let shop = |text: &str| shop("onFailure: rollback", &file("page", "page", text));
    let scene = Scene::new(&[("shop.yaml", &shop("good\n"))]);
    scene.world.variable("USER", "reconciled");
    let mut daemon = scene.world.start();
    live(&mut daemon, &scene, "good\n");
    let bad = scene.open("bad", None, &[("shop.yaml", &shop("bad\n"))]);
    scene.merge(bad, "bad");
    scene.comment_with(&mut daemon, bad, "Applied in shop");
    let none = serde_json::json!({});
    let server = &scene.github.server;
    server.fail("POST", "git/trees", 403, &none, 1_000);
    let said = scene.world.command(&["rollback", "shop", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let why = "No pull request could be made that takes it back in Git";
    let (comment, _) = scene.comment_with(&mut daemon, bad, why);
    daemon.until("Slack says so", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.contains(why)).map(drop)
    });
    server.mend();
    request(&scene, &mut daemon, bad + 1);
    let link = format!("[pull request #{}]", bad + 1);
    let (again, body) = scene.comment_with(&mut daemon, bad, &link);
    assert!(again == comment && !body.contains(why), "{body}");
    scene.assert_accepted();
}
