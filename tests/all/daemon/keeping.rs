//! The main job on a host: what is merged is applied, what is changed by hand is found and put back,
//! and nothing is deleted but what Git once declared and no longer does.

use super::{World, environment, file, files};
use reconciled::ledger::RunOutcome;
use std::os::unix::fs::MetadataExt as _;

const TWO: [(&str, &str); 2] = [("page", "hello\n"), ("robots", "none\n")];

fn shop(resources: &str) -> String {
    environment("shop", "", resources)
}

/// Resources `f1` to `fN`.
fn many(count: usize) -> String {
    let ids: Vec<String> = (1..=count).map(|nth| format!("f{nth}")).collect();
    ids.iter().map(|id| file(id, id, "same\n")).collect()
}

fn inode(world: &World, path: &str) -> u64 {
    std::fs::metadata(world.host().join(path)).unwrap().ino()
}

#[test]
fn what_is_merged_is_applied_and_what_is_changed_by_hand_is_put_back() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop(&files(&TWO)))]);
    let mut daemon = world.start();
    let run = daemon.run_of("shop", &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Done);
    assert_eq!(world.live("page").unwrap(), "hello\n");
    assert_eq!(world.owned(), ["shop/page", "shop/robots"]);
    daemon.ready();

    world.write_live("page", "hacked\n");
    let drift = daemon.episode("drift", |drift| drift.ended_at.is_some());
    assert_eq!(world.live("page").unwrap(), "hello\n");
    assert_eq!(drift.address.unwrap().to_string(), "shop/page");
    assert_eq!(drift.how.as_deref(), Some("corrected"));
    let details = drift.details.to_string();
    assert!(
        details.contains("hacked") && details.contains("owner of the file"),
        "{details}"
    );

    std::fs::remove_file(world.host().join("robots")).unwrap();
    daemon.until("the deleted file is back", |_| world.live("robots"));
    let drift = daemon.episode("drift", |drift| {
        drift
            .address
            .as_ref()
            .is_some_and(|address| address.to_string() == "shop/robots")
            && drift.ended_at.is_some()
    });
    assert_eq!(drift.how.as_deref(), Some("corrected"));
    daemon.looked_again("shop");
    let runs = world.runs("shop").len();
    daemon.looked_again("shop");
    assert_eq!(world.runs("shop").len(), runs, "a quiet look leaves no run");
    assert!(daemon.terminate().0.success());
    world.verify_ledger();
}

#[test]
fn nobody_is_blamed_for_a_fight_who_may_be_anybody() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop(&files(&TWO)))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    for text in ["one\n", "two\n", "three\n"] {
        world.write_live("page", text);
        let is_over = |drift: &reconciled::ledger::Episode| {
            drift.ended_at.is_some() && drift.details.to_string().contains(text.trim())
        };
        daemon.episode("drift", is_over);
    }
    daemon.looked_again("shop");
    let episodes = world.episodes();
    let fight = episodes.iter().find(|one| one.condition == "fought-over");
    assert!(fight.is_none(), "{fight:?}");
}

#[test]
fn drift_is_only_told_where_that_is_asked() {
    let world = World::new();
    let report = "  reconcile: { interval: 1s, onDrift: report }\n";
    let commit = world.commit(&[("shop.yaml", &environment("shop", report, &files(&TWO)))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    world.write_live("page", "hacked\n");
    daemon.episode("drift", |drift| drift.ended_at.is_none());
    daemon.looked_again("shop");
    assert_eq!(world.live("page").unwrap(), "hacked\n");
    world.write_live("page", "hello\n");
    let drift = daemon.episode("drift", |drift| drift.ended_at.is_some());
    assert_eq!(drift.how.as_deref(), Some("live equals Git again"));
}

#[test]
fn what_git_no_longer_declares_goes_and_nothing_else() {
    let world = World::new();
    world.commit(&[("shop.yaml", &shop(&many(6)))]);
    world.write_live("stranger", "not ours\n");
    let mut daemon = world.start();
    daemon.until("six files are ours", |_| {
        (world.owned().len() == 6).then_some(())
    });
    let commit = world.commit(&[("shop.yaml", &shop(&many(5)))]);
    let run = daemon.run_of("shop", &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Done);
    assert_eq!((world.live("f6"), world.owned().len()), (None, 5));
    assert_eq!(world.live("stranger").unwrap(), "not ours\n");
}

#[test]
fn more_deletes_than_the_budget_wait_and_the_rest_goes_on() {
    let world = World::new();
    world.commit(&[("shop.yaml", &shop(&many(6)))]);
    let mut daemon = world.start();
    daemon.until("six files are ours", |_| {
        (world.owned().len() == 6).then_some(())
    });
    let one = shop(&format!("{}{}", many(1), file("new", "new", "new\n")));
    let commit = world.commit(&[("shop.yaml", &one)]);
    let run = daemon.run_of("shop", &commit);
    let summary = run.summary.unwrap();
    assert_eq!(summary.outcome, RunOutcome::Held);
    assert!(
        summary
            .note
            .clone()
            .unwrap()
            .contains("5 deletes, more than the 2"),
        "{summary:?}"
    );
    assert_eq!(
        (world.live("f6").unwrap(), world.live("new").unwrap()),
        ("same\n".into(), "new\n".into())
    );

    let wide = "  reconcile: { interval: 1s, deletionBudget: { count: 9, percent: 100 } }\n";
    let commit = world.commit(&[("shop.yaml", &environment("shop", wide, &many(1)))]);
    daemon.run_of("shop", &commit);
    assert_eq!(world.owned(), ["shop/f1"]);
    assert_eq!((world.live("f6"), world.live("new")), (None, None));
}

#[test]
fn what_is_protected_stays_until_git_says_otherwise() {
    let protected = |protect| {
        let keep = format!(
            "    keep: {{ kind: host/file, spec: {{ path: /keep, content: \"1\" }}, lifecycle: {{ protect: {protect} }} }}\n"
        );
        shop(&format!("{}{keep}", files(&TWO)))
    };
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &protected(true))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    let commit = world.commit(&[("shop.yaml", &shop(&files(&TWO)))]);
    let run = daemon.run_of("shop", &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Held);
    assert_eq!(world.live("keep").unwrap(), "1");
    let commit = world.commit(&[("shop.yaml", &protected(false))]);
    daemon.run_of("shop", &commit);
    let commit = world.commit(&[("shop.yaml", &shop(&files(&TWO)))]);
    daemon.run_of("shop", &commit);
    assert_eq!(world.live("keep"), None);
}

#[test]
fn a_vanished_file_deletes_nothing_and_is_told_also_over_a_restart() {
    let world = World::new();
    let text = shop(&files(&TWO));
    let commit = world.commit(&[
        ("shop.yaml", &text),
        (
            "other.yaml",
            &environment("other", "", &file("x", "x", "x\n")),
        ),
    ]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    let commit = world.commit(&[("shop.yaml", "")]);
    let told = daemon.episode("orphaned", |_| true);
    assert!(
        told.details.to_string().contains("2 of its resources"),
        "{told:?}"
    );
    daemon.looked_again("other");
    daemon.terminate();
    let mut daemon = world.start();
    daemon.looked_again("other");
    assert_eq!(world.owned().len(), 3);
    assert_eq!(world.live("page").unwrap(), "hello\n");
    assert!(
        world
            .runs("shop")
            .iter()
            .all(|run| run.revision.as_str() != commit)
    );
    let status = world.command(&["status", "shop"]);
    assert!(status.stdout.contains("orphaned"), "{status:?}");

    world.commit(&[("shop.yaml", &text)]);
    daemon.episode("orphaned", |told| told.ended_at.is_some());
}

#[test]
fn an_environment_is_taken_down_only_when_git_says_so() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop(&files(&TWO)))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    let down = "  reconcile: { interval: 1s, destroy: true }\n";
    let commit = world.commit(&[("shop.yaml", &environment("shop", down, &files(&TWO)))]);
    daemon.run_of("shop", &commit);
    assert_eq!(
        (
            world.live("page"),
            world.live("robots"),
            world.owned().len()
        ),
        (None, None, 0)
    );
}

#[test]
fn a_lost_ledger_is_rebuilt_from_the_marks_without_a_write() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop(&files(&TWO)))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    daemon.kill();
    let before = (inode(&world, "page"), inode(&world, "robots"));
    std::fs::remove_dir_all(world.folder().join("state")).unwrap();

    let mut daemon = world.start();
    daemon.looked_again("shop");
    daemon.until("both are ours again", |_| {
        (world.owned() == ["shop/page", "shop/robots"]).then_some(())
    });
    assert_eq!((inode(&world, "page"), inode(&world, "robots")), before);
    // And they go when Git no longer declares one of them.
    let commit = world.commit(&[("shop.yaml", &shop(&files(&TWO[..1])))]);
    daemon.run_of("shop", &commit);
    assert_eq!(world.live("robots"), None);
}

#[test]
fn many_files_at_once_on_a_fresh_host_are_all_made_at_the_first_try() {
    let world = World::new();
    world.settings(|settings| settings["limits"]["concurrency"] = 64.into());
    let commit = world.commit(&[("shop.yaml", &shop(&many(60)))]);
    let mut daemon = world.start();
    let run = daemon.run_of("shop", &commit);
    let (summary, runs) = (run.summary.unwrap(), world.runs("shop"));
    assert_eq!(
        (summary.outcome, runs.len()),
        (RunOutcome::Done, 1),
        "{runs:#?}"
    );
}

#[test]
fn a_root_that_changes_under_its_name_leaves_nothing_behind_unsaid() {
    let world = World::new();
    let rooted = |root: &str, resources: &str| {
        let root = format!("root: HOST/{root}");
        shop(resources).replace("root: HOST", &root)
    };
    for root in ["one", "two"] {
        std::fs::create_dir(world.host().join(root)).unwrap();
    }
    world.write_live("two/page", "by hand\n");
    let commit = world.commit(&[("shop.yaml", &rooted("one", &files(&TWO)))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    assert_eq!(world.live("one/robots").unwrap(), "none\n");

    world.commit(&[("shop.yaml", &rooted("two", &files(&TWO[..1])))]);
    let said = daemon.until("the plan waits", |_| {
        let said = world.command(&["plan", "shop"]).stdout;
        said.contains("would be left behind").then_some(said)
    });
    daemon.looked_again("shop");
    assert!(said.contains("let that lead there again"), "{said}");
    assert_eq!(world.live("two/page").unwrap(), "by hand\n");
    assert_eq!(world.live("one/page").unwrap(), "hello\n");
    assert_eq!(world.owned(), ["shop/page", "shop/robots"]);

    world.commit(&[("shop.yaml", &rooted("one", &files(&TWO[..1])))]);
    daemon.until("what is not declared is deleted where it is", |_| {
        world.live("one/robots").is_none().then_some(())
    });
    assert_eq!(world.live("one/page").unwrap(), "hello\n");
    assert!(daemon.terminate().0.success());
}

#[test]
fn two_environments_that_swap_their_roots_touch_nothing_of_each_other() {
    let world = World::new();
    let rooted = |name: &str, root: &str| {
        let text = environment(name, "", &file("page", "page", &format!("{name}\n")));
        text.replace("root: HOST", &format!("root: HOST/{root}"))
    };
    for root in ["one", "two"] {
        std::fs::create_dir(world.host().join(root)).unwrap();
    }
    let both = |a: &str, b: &str| [("a.yaml", rooted("a", a)), ("b.yaml", rooted("b", b))];
    let commit = |files: [(&str, String); 2]| {
        world.commit(&files.each_ref().map(|(path, text)| (*path, text.as_str())))
    };
    let live = || (world.live("one/page"), world.live("two/page"));
    let before = (Some("a\n".to_owned()), Some("b\n".to_owned()));
    let first = commit(both("one", "two"));
    let mut daemon = world.start();
    daemon.run_of("a", &first);
    daemon.run_of("b", &first);
    assert_eq!(live(), before);

    let swapped = commit(both("two", "one"));
    for name in ["a", "b"] {
        let run = daemon.run_of(name, &swapped);
        assert_eq!(run.summary.unwrap().outcome, RunOutcome::Held, "{name}");
        daemon.looked_again(name);
    }
    assert_eq!(live(), before);
    assert_eq!(world.owned(), ["a/page", "b/page"]);
    let back = commit(both("one", "two"));
    for name in ["a", "b"] {
        daemon.run_of(name, &back);
    }
    assert_eq!(live(), before);
    assert_eq!(world.command(&["status"]).code, Some(0));
}

#[test]
fn a_plan_before_the_first_start_has_the_same_hash_each_time() {
    let world = World::new();
    world.variable("KEY", "canary");
    let secret = "  secrets: { key: { env: KEY } }\n  reconcile: { interval: 1s }\n";
    let text = environment("shop", secret, &file("page", "page", "${secrets.key}"));
    world.commit(&[("shop.yaml", &text)]);
    let hash = || {
        let said = world.command(&["plan", "shop", "--output", "json"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        let plan: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        plan["hash"].clone()
    };
    let planned = hash();
    assert_eq!(hash(), planned);
    // And the daemon that starts then makes that very plan.
    let mut daemon = world.start();
    let run = daemon.until("it ran", |_| {
        let first = world.runs("shop").pop();
        first.filter(|run| run.summary.is_some())
    });
    assert_eq!(Some(run.plan_hash.as_str()), planned.as_str());
    assert_eq!(world.live("page").unwrap(), "canary");
}
