//! After a merge: the result on the same pull request, in a comment of its own that follows the retries.

use super::approved::{branch, live, proposing, request};
use super::scene::{How, Scene};
use crate::daemon::{environment, file};
use crate::peers::digitalocean::Fault;

fn shop(resources: &str) -> String {
    let more = "    do: { provider: digitalocean, token: \"${secrets.cloud}\" }\n  secrets: { cloud: { env: CLOUD } }\n  reconcile: { interval: 1s, onDrift: correct }\n  notify: { slack: \"#random\" }\n";
    environment("shop", more, resources)
}

const RECORD: &str = "    record: { kind: digitalocean/domain-record, connection: do, spec: { domain: example.com, type: TXT, name: shop, data: words } }\n";

#[test]
fn a_failed_apply_is_told_once_and_rewritten_when_it_succeeds() {
    let page = file("page", "page", "hello\n");
    let scene = Scene::new(&[("shop.yaml", &shop(&page))]);
    let cloud = scene.with_cloud();
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    for _ in 0..3 {
        cloud.fail("POST", "records", Fault::Status(422, None));
    }
    let number = scene.open("grow", None, &[("shop.yaml", &shop(&(page + RECORD)))]);
    let (plan, _) = scene.comment_with(&mut daemon, number, "reconciled:plan");
    let merge = scene.merge(number, "grow");
    let (result, body) = scene.comment_with(&mut daemon, number, "🟢 Applied in shop: 1 done");
    assert_ne!(result, plan);
    assert!(body.starts_with("<!-- reconciled:result:shop:"), "{body}");
    // How long it took stands where it ended.
    let print = body.lines().last().unwrap();
    assert!(
        print.starts_with("<sub>Ended ") && print.contains(", after "),
        "{body}"
    );
    daemon.until("the status follows the comment", |_| {
        let statuses = scene.github.statuses();
        let newest = statuses.iter().rfind(|one| one["sha"] == merge.as_str())?;
        (newest["context"] == "reconciled/shop" && newest["state"] == "success").then_some(())
    });

    // It failed first, said so once in that comment, and was rewritten once.
    let requests = scene.github.server.requests();
    let results: Vec<_> = requests
        .iter()
        .filter(|one| one.body.contains("reconciled:result:"))
        .collect();
    let methods: Vec<_> = results.iter().map(|one| one.method.as_str()).collect();
    assert_eq!(methods, ["POST", "PATCH"], "{results:#?}");
    assert!(
        results[0].body.contains("🔴 Failed in shop: 1 failed"),
        "{results:#?}"
    );
    assert!(results[0].body.contains("shop/record"), "{results:#?}");
    let states: Vec<_> = scene
        .github
        .statuses()
        .into_iter()
        .filter(|one| one["sha"] == merge.as_str())
        .map(|one| one["state"].clone())
        .collect();
    assert_eq!(states, ["failure", "success"]);
    let runs = scene.world.runs("shop").into_iter();
    let tried = runs.filter(|run| run.revision.as_str() == merge).count();
    assert!(tried >= 4, "{tried}");

    let told = |what: &str| {
        let said = scene.said("random");
        said.iter().filter(|one| one.starts_with(what)).count()
    };
    daemon.until("the success is told", |_| {
        (told("✅ shop: 1 changed") == 2).then_some(())
    });
    assert_eq!(told("❌ shop: 1 failed"), 1, "{:#?}", scene.said("random"));
    assert_eq!(
        scene.said("infra"),
        Vec::<String>::new(),
        "the environment names its channel"
    );

    // Drift that is put back later is not this pull request's news.
    scene.world.write_live("page", "hacked\n");
    daemon.until("the drift is told", |_| {
        (told("✅ shop: page is as Git has it again") > 0).then_some(())
    });
    let after = scene.comments(number);
    assert_eq!(after.len(), 2);
    assert_eq!(after.iter().find(|(id, _)| *id == result).unwrap().1, body);
    scene.assert_accepted();
}

#[test]
fn a_failed_result_is_put_right_where_it_stands_by_a_later_revision() {
    let page = file("page", "page", "hello\n");
    let scene = Scene::new(&[("shop.yaml", &shop(&page))]);
    let cloud = scene.with_cloud();
    let mut daemon = scene.started();
    for _ in 0..20 {
        cloud.fail("POST", "records", Fault::Status(422, None));
    }
    let with_record = format!("{page}{RECORD}");
    let number = scene.open("grow", None, &[("shop.yaml", &shop(&with_record))]);
    let (plan, _) = scene.comment_with(&mut daemon, number, "reconciled:plan");
    let merge = scene.merge(number, "grow");
    let (result, _) = scene.comment_with(&mut daemon, number, "🔴 Failed in shop: 1 failed");

    // Nobody fixes the record: the next change takes it out again.
    let page = file("page", "page", "welcome\n");
    let later = scene.world.commit(&[("shop.yaml", &shop(&page))]);
    daemon.run_of("shop", &later);
    let right = "🟢 Put right in shop by a later revision";
    let (id, body) = scene.comment_with(&mut daemon, number, right);
    assert!(body.contains(&later[..10]), "{body}");
    daemon.until("the status follows the comment", |_| {
        let statuses = scene.github.statuses();
        let newest = statuses.iter().rfind(|one| one["sha"] == merge.as_str())?;
        (newest["state"] == "success").then_some(())
    });
    daemon.looked_again("shop");
    let ids: Vec<u64> = scene.comments(number).iter().map(|one| one.0).collect();
    assert_eq!((id, ids), (result, vec![plan, result]));
    let requests = scene.github.server.requests().into_iter();
    let right = requests.filter(|one| one.body.contains("Put right in shop"));
    assert_eq!(right.count(), 1, "one update");
    scene.assert_accepted();
}

#[test]
fn a_retry_tells_all_that_the_merge_did_and_nothing_that_was_done_by_hand_meanwhile() {
    let pages = |text: &str| file("page", "page", "hello\n") + &file("more", "more", text);
    let scene = Scene::new(&[("shop.yaml", &shop(&pages("one\n")))]);
    let cloud = scene.with_cloud();
    let mut daemon = scene.started();
    for _ in 0..50 {
        cloud.fail("POST", "records", Fault::Status(422, None));
    }
    let merged = shop(&(pages("two\n") + RECORD));
    let number = scene.open("grow", None, &[("shop.yaml", &merged)]);
    scene.comment_with(&mut daemon, number, "reconciled:plan");
    scene.merge(number, "grow");
    scene.comment_with(&mut daemon, number, "🔴 Failed in shop: 1 done, 1 failed");

    // Somebody changes what the merge has no part in, while it is tried again.
    scene.world.write_live("page", "hacked\n");
    daemon.until("that is put back", |_| {
        (scene.world.live("page")? == "hello\n").then_some(())
    });
    scene.comment_with(&mut daemon, number, "Done by an earlier run of it");
    cloud.mend();
    let (_, body) = scene.comment_with(&mut daemon, number, "🟢 Applied in shop: 2 done");
    let (own, earlier) = body.split_once("Done by an earlier run of it").unwrap();
    assert!(
        own.contains("shop/record") || own.contains("create record"),
        "{body}"
    );
    assert!(earlier.contains("`shop/more`: updated"), "{body}");
    assert!(
        !body.contains("update page") && !body.contains("`shop/page`: "),
        "{body}"
    );
    scene.assert_accepted();
}

#[test]
fn who_merges_an_approval_and_who_merges_beside_it_are_both_told() {
    let scene = Scene::new(&[("shop.yaml", &proposing("one\n"))]);
    let mut daemon = scene.world.start();
    let asked = request(&scene, &mut daemon, 1);
    daemon.terminate();
    // One look finds both, and the plan is the one that was approved.
    let remark = proposing("one\n") + "# A remark.\n";
    let remarked = scene.open("remark", None, &[("shop.yaml", &remark)]);
    let merges = [
        (1, &*branch(&asked), How::Commit),
        (remarked, "remark", How::Commit),
    ];
    scene.merge_all(&merges);
    let mut daemon = scene.world.start();
    live(&mut daemon, &scene, "one\n");
    for number in [1, remarked] {
        scene.comment_with(&mut daemon, number, "🟢 Applied in shop: 1 done");
    }
    scene.assert_accepted();
}
