//! A merge that was taken back: its pull request says to which revision, why, and how to go on.

use super::approved::{branch, request};
use super::scene::Scene;
use super::unwell;
use crate::daemon::{Daemon, environment, file};
use crate::peers::digitalocean::Fault;
use crate::peers::kubernetes::cluster;
use serde_json::json;

/// Waits until the newest status of a commit is that it failed.
#[track_caller]
fn commit_is_bad(scene: &Scene, daemon: &mut Daemon<'_>, commit: &str) {
    daemon.until("the commit says so", |_| {
        let statuses = scene.github.statuses().into_iter().rev();
        let mut of_it = statuses.filter(|one| one["sha"] == commit);
        (of_it.next()?["state"] == "failure").then_some(())
    });
}

#[test]
fn a_pull_request_is_told_that_its_merge_was_taken_back_and_how_to_go_on() {
    let shop = |text: &str| environment("shop", "", &file("page", "page", text));
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let good = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &good);
    let bad = scene.open("bad", None, &[("shop.yaml", &shop("bad\n"))]);
    let merge = scene.merge(bad, "bad");
    scene.comment_with(&mut daemon, bad, "Applied in shop");
    let said = scene
        .world
        .command(&["rollback", "shop", "--yes", "--why", "checkout is <down>"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let (comment, body) = scene.comment_with(&mut daemon, bad, "Rolled back in shop");
    for part in [
        &good[..10],
        "checkout is &#60;down&#62;",
        "reconciled rollback shop --end",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    commit_is_bad(&scene, &mut daemon, &merge);
    let title = format!("✅ shop: rolled back to {}: 1 changed", &good[..10]);
    daemon.until("Slack says so first of all", |_| {
        let said = scene.said("infra").into_iter();
        let mut back = said.filter(|one| one.starts_with(&title));
        let back = back.next()?;
        (back.contains("Rolled back by ") && back.contains("checkout is &lt;down&gt;"))
            .then_some(())
    });
    // Looked at again there is nothing new to say of it.
    let before = scene.github.server.requests().len();
    daemon.looked_again("shop");
    let requests = scene.github.server.requests().split_off(before);
    assert!(
        requests
            .iter()
            .all(|one| !one.body.contains("reconciled:result:")),
        "{requests:?}"
    );
    // What is merged next is a result of its own, and puts this one right.
    let fix = scene.open("fix", None, &[("shop.yaml", &shop("better\n"))]);
    scene.merge(fix, "fix");
    scene.comment_with(&mut daemon, fix, "Applied in shop");
    let (again, _) = scene.comment_with(&mut daemon, bad, "Put right in shop");
    assert_eq!(again, comment);
    scene.assert_accepted();
}

#[test]
fn a_rollback_that_is_ended_says_how_the_merge_fares_now() {
    let shop = |text: &str| environment("shop", "", &file("page", "page", text));
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let good = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &good);
    let bad = scene.open("bad", None, &[("shop.yaml", &shop("bad\n"))]);
    scene.merge(bad, "bad");
    scene.comment_with(&mut daemon, bad, "Applied in shop");
    scene.world.command(&["rollback", "shop", "--yes"]);
    scene.comment_with(&mut daemon, bad, "Rolled back in shop");
    scene.world.command(&["rollback", "shop", "--end"]);
    scene.comment_with(&mut daemon, bad, "Applied in shop");
    assert_eq!(scene.world.live("page").unwrap(), "bad\n");
    scene.assert_accepted();
}

#[test]
fn a_rollback_that_a_later_run_carries_out_is_told_as_one_and_once() {
    let shop = |page: &str, more: &str| {
        let resources = format!(
            "{}{}",
            file("page", "page", page),
            file("more", "more", more)
        );
        environment("shop", "", &resources)
    };
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n", "x\n"))]);
    let good = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &good);
    let bad = scene.world.commit(&[("shop.yaml", &shop("bad\n", "x\n"))]);
    daemon.run_of("shop", &bad);
    // Nothing can be looked at when it is ordered.
    let page = scene.world.host().join("page");
    std::fs::remove_file(&page).unwrap();
    std::fs::create_dir(&page).unwrap();
    let said = scene.world.command(&["rollback", "shop", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    daemon.until("it is tried in vain", |_| {
        let runs = scene.world.runs("shop");
        let mut of_it = runs.iter().filter(|run| run.revision.as_str() == good);
        of_it.find(|run| run.trigger == "rollback").map(|_| ())
    });
    std::fs::remove_dir(&page).unwrap();
    let title = format!("shop: rolled back to {}: 1 changed", &good[..10]);
    let told = || {
        let said = scene.said("infra").into_iter();
        said.filter(|one| one.contains(&title)).count()
    };
    daemon.until("the run that could says what it is", |_| {
        (told() > 0).then_some(())
    });
    scene.world.write_live("more", "by hand\n");
    daemon.until("drift is put back", |_| {
        (scene.world.live("more")? == "x\n").then_some(())
    });
    daemon.looked_again("shop");
    assert_eq!(told(), 1, "{:?}", scene.said("infra"));
    scene.assert_accepted();
}

#[test]
fn what_was_merged_in_between_and_never_went_well_is_named_and_its_people_hear_of_it() {
    let shop = |text: &str, record: &str| {
        let more = "    do: { provider: digitalocean, token: \"${secrets.cloud}\" }\n  secrets: { cloud: { env: CLOUD } }\n  reconcile: { interval: 1s }\n";
        environment("shop", more, &(file("page", "page", text) + record))
    };
    let record = "    record: { kind: digitalocean/domain-record, connection: do, spec: { domain: example.com, type: TXT, name: shop, data: words } }\n";
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n", ""))]);
    let cloud = scene.with_cloud();
    let good = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &good);
    for _ in 0..1000 {
        cloud.fail("POST", "records", Fault::Status(422, None));
    }
    let first = scene.open("first", None, &[("shop.yaml", &shop("welcome\n", record))]);
    let between = scene.merge(first, "first");
    scene.comment_with(&mut daemon, first, "🔴 Failed in shop");
    let second = scene.open("second", None, &[("shop.yaml", &shop("goodbye\n", record))]);
    scene.merge(second, "second");
    scene.comment_with(&mut daemon, second, "🔴 Failed in shop");
    let said = scene.world.command(&["rollback", "shop", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = format!(
        "{} goes back with it, which was merged in between and never went well",
        &between[..10]
    );
    assert!(said.stderr.contains(&told), "{said:?}");
    for number in [first, second] {
        let (_, body) = scene.comment_with(&mut daemon, number, "Rolled back in shop");
        assert!(body.contains(&told), "{body}");
    }
    let status = scene.world.command(&["status"]).stdout;
    assert!(status.contains(&told), "{status}");
    assert_eq!(scene.world.live("page").unwrap(), "hello\n");
    scene.assert_accepted();
}

#[test]
fn a_rollout_that_fails_its_gate_goes_from_the_merge_to_its_revert_by_itself() {
    let cluster = cluster();
    let namespace = cluster.namespace("chain");
    let shop = |image: &str| {
        let shop = unwell::shop(&namespace, &[("api", image)]);
        let shop = shop.replace("interval: 1s", "interval: 1s, onFailure: rollback");
        shop.replace("30s", "15s")
    };
    let scene = Scene::new(&[("shop.yaml", &shop("shop/api:1"))]);
    let kubeconfig = cluster.kubeconfig();
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig });
    });
    let live = || {
        let api = format!("/apis/apps/v1/namespaces/{namespace}/deployments/api");
        let live = cluster.get(&api)?;
        let image = &live["spec"]["template"]["spec"]["containers"][0]["image"];
        Some(image.as_str()?.to_owned())
    };
    let good = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &good);
    assert_eq!(live().as_deref(), Some("shop/api:1"));
    let bad = scene.open("bad", None, &[("shop.yaml", &shop("shop/api:missing"))]);
    scene.comment_with(&mut daemon, bad, "1 to update in shop");
    let merge = scene.merge(bad, "bad");

    // Put back, asked to be taken back in Git, and told wherever people look.
    let revert = request(&scene, &mut daemon, bad + 1);
    daemon.until("it is put back", |_| {
        (live()? == "shop/api:1").then_some(())
    });
    assert_eq!(
        branch(&revert),
        format!("reconciled/shop/revert-{}", &merge[..10])
    );
    let link = format!("[pull request #{}]", bad + 1);
    let (comment, body) = scene.comment_with(&mut daemon, bad, &link);
    for part in ["Rolled back in shop", &good[..10], "ImagePullBackOff"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    commit_is_bad(&scene, &mut daemon, &merge);
    let title = format!("✅ shop: rolled back to {}: 1 changed", &good[..10]);
    let told = daemon.until("Slack says so", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.starts_with(&title))
    });
    assert!(
        told.contains(&format!("|pull request #{}>", bad + 1)),
        "{told}"
    );

    // The bad one is not tried again: not by the next poll, not by the next start, not beside another merge.
    let tried = || {
        let runs = scene.world.runs("shop").into_iter();
        runs.filter(|run| run.revision.as_str() == merge).count()
    };
    let before = tried();
    daemon.looked_again("shop");
    daemon.kill();
    let mut daemon = scene.world.start();
    scene.world.commit(&[("README.md", "unrelated\n")]);
    daemon.looked_again("shop");
    assert_eq!((tried(), live().as_deref()), (before, Some("shop/api:1")));

    // Merged, Git says what is live, and all of it is over.
    let merged = scene.merge(bad + 1, &branch(&revert));
    daemon.run_of("shop", &merged);
    daemon.until("nothing is rolled back any more", |_| {
        let status = scene.world.command(&["status"]);
        (status.code == Some(0) && !status.stdout.contains("rolled back")).then_some(())
    });
    assert_eq!((tried(), live().as_deref()), (before, Some("shop/api:1")));
    let (again, _) = scene.comment_with(&mut daemon, bad, "Put right in shop");
    assert_eq!(again, comment);
    scene.no_branch_is_left(&mut daemon);
    scene.assert_accepted();
}
