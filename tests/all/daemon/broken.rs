//! Commits with mistakes: said where, and the last good state stays in force, also over a restart.

use super::{Daemon, World, environment, file, files};
use serde_json::Value;

const GOOD: [(&str, &str); 2] = [("page", "hello\n"), ("robots", "none\n")];

/// A mistake people make: its name, the files that hold it, and what is said of it.
struct Mistake {
    name: &'static str,
    files: Vec<(&'static str, String)>,
    code: &'static str,
    place: &'static str,
}

fn good() -> String {
    environment("shop", "", &files(&GOOD))
}

/// Resources with an expression each that costs a good part of what one may.
fn costly(count: usize) -> String {
    let ten = "[1,2,3,4,5,6,7,8,9,10]";
    let text = format!("${{string({ten}.map(a,{ten}.map(b,{ten}.map(c,c))).size())}}");
    let one = |nth: usize| file(&format!("costly{nth}"), &format!("costly{nth}"), &text);
    (0..count).map(one).collect()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn mistakes() -> Vec<Mistake> {
    let shop = |text: String| vec![("shop.yaml", text)];
    let with = |more: &str| environment("shop", "", &format!("{}{more}", files(&GOOD)));
    let mistake = |name, files, code, place| Mistake {
        name,
        files,
        code,
        place,
    };
    vec![
        mistake(
            "a tab",
            shop(good().replace("  resources:", "\tresources:")),
            "tab",
            "shop.yaml:8:2",
        ),
        mistake(
            "a key twice",
            shop(with(
                "    page: { kind: host/file, spec: { path: /p2, content: x } }\n",
            )),
            "duplicate-key",
            "shop.yaml:11:5",
        ),
        mistake(
            "an unknown key",
            shop(good().replace("reconcile:", "reconsile:")),
            "unknown-key",
            "shop.yaml:7:3",
        ),
        mistake(
            "a missing secret",
            shop(environment(
                "shop",
                "  secrets: { key: { env: NOT_THERE } }\n",
                &format!(
                    "{}    k: {{ kind: host/file, spec: {{ path: /k, content: \"${{secrets.key}}\" }} }}\n",
                    files(&GOOD)
                ),
            )),
            "missing-secret",
            "shop.yaml:8:19",
        ),
        mistake(
            "a reference to nothing",
            shop(with(
                "    r: { kind: host/file, spec: { path: /r, content: \"${resources.nobody.path}\" } }\n",
            )),
            "unknown-resource",
            "shop.yaml:11:",
        ),
        mistake(
            "a cycle",
            shop(with(
                "    a: { kind: host/file, spec: { path: /a, content: \"${resources.b.path}\" } }\n    b: { kind: host/file, spec: { path: /b, content: \"${resources.a.path}\" } }\n",
            )),
            "reference-cycle",
            "shop.yaml:11:",
        ),
        mistake(
            "expressions that cost too much together",
            shop(with(&costly(400))),
            "environment-too-costly",
            "shop.yaml:",
        ),
        mistake(
            "two environments of one name",
            vec![
                ("shop.yaml", good()),
                ("twin.yaml", environment("shop", "", &file("t", "t", "t\n"))),
            ],
            "same-environment-name",
            ".yaml:3:",
        ),
        mistake(
            "one object twice",
            shop(with(
                "    again: { kind: host/file, spec: { path: /page, content: other } }\n",
            )),
            "declared-twice",
            "shop.yaml:11:5",
        ),
    ]
}

/// The state before the mistake is still kept: what is changed by hand is put back to it.
fn still_kept(world: &World, daemon: &mut Daemon<'_>, name: &str) {
    let before = world.owned();
    world.write_live("page", "hacked\n");
    daemon.until(format!("{name}: the last good state is in force"), |_| {
        (world.live("page")? == "hello\n").then_some(())
    });
    assert_eq!(world.owned(), before, "{name}");
    assert_eq!(world.live("robots").unwrap(), "none\n", "{name}");
}

#[test]
fn each_is_told_with_its_place_and_leaves_the_last_good_state_in_force() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &good())]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    for Mistake {
        name,
        files,
        code,
        place,
    } in mistakes()
    {
        let broken: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        let known = world.episodes().len();
        let commit = world.commit(&broken);
        daemon.until(format!("{name} is told"), |daemon| {
            let mut lines = daemon.lines("Spec cannot be used, keeping the last good state");
            let there = |line: &Value| line["place"].as_str().unwrap().contains(place);
            lines.retain(|line| line["code"] == code && there(line));
            lines.pop().filter(|_| world.episodes().len() > known)
        });
        still_kept(&world, &mut daemon, name);
        assert!(
            world
                .runs("shop")
                .iter()
                .all(|run| run.revision.as_str() != commit),
            "{name}"
        );

        let mended: Vec<_> = files.iter().skip(1).map(|(path, _)| (*path, "")).collect();
        let text = good();
        let mended: Vec<_> = [("shop.yaml", text.as_str())]
            .into_iter()
            .chain(mended)
            .collect();
        world.commit(&mended);
        daemon.until(format!("{name} is mended"), |_| {
            world
                .episodes()
                .iter()
                .all(|one| one.condition != "broken-spec" || one.ended_at.is_some())
                .then_some(())
        });
    }
    assert!(daemon.terminate().0.success());
}

#[test]
fn the_last_good_state_is_found_again_after_a_restart() {
    for Mistake { name, files, .. } in mistakes() {
        let world = World::new();
        let commit = world.commit(&[("shop.yaml", &good())]);
        let mut daemon = world.start();
        daemon.run_of("shop", &commit);
        daemon.kill();
        let broken: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        world.commit(&broken);
        let mut daemon = world.start();
        daemon.logged(
            "Newest state cannot be used, keeping the last good one",
            |line| line["environment"] == "shop",
        );
        still_kept(&world, &mut daemon, name);
        let commit = world.commit(&[(
            "shop.yaml",
            &environment("shop", "", &file("page", "page", "new\n")),
        )]);
        if files.len() == 1 {
            daemon.run_of("shop", &commit);
            assert_eq!(world.live("page").unwrap(), "new\n", "{name}");
        }
    }
}

#[test]
fn a_broken_first_commit_is_told_and_a_good_one_goes_on() {
    let world = World::new();
    world.commit(&[("shop.yaml", &good().replace("host/file", "host/fil"))]);
    let mut daemon = world.start();
    let told = daemon.logged(NOTHING_KEPT, |_| true);
    assert!(
        told["place"].as_str().unwrap().starts_with("shop.yaml:"),
        "{told}"
    );
    assert_eq!((world.live("page"), world.runs("shop").len()), (None, 0));
    let commit = world.commit(&[("shop.yaml", &good())]);
    daemon.run_of("shop", &commit);
}

/// What the log says where neither the newest nor an older state can be used.
const NOTHING_KEPT: &str = "Spec cannot be used, and no good state can be kept";

#[test]
fn a_start_without_a_secret_says_that_nothing_is_kept_and_deletes_nothing() {
    let world = World::new();
    let secrets = "  secrets: { key: { env: SHOP_KEY } }\n";
    let shop = environment("shop", secrets, &file("page", "page", "${secrets.key}"));
    let commit = world.commit(&[("shop.yaml", &shop)]);
    let with_key = [("SHOP_KEY", "canary")];
    let mut daemon = world.start_with(&with_key);
    daemon.run_of("shop", &commit);
    daemon.terminate();

    let mut daemon = world.start();
    daemon.logged(NOTHING_KEPT, |line| line["environment"] == "shop");
    let episode = daemon.episode("broken-spec", |open| open.ended_at.is_none());
    let hint = episode.details["hint"].as_str().unwrap();
    assert!(hint.starts_with("No good state can be had"), "{hint}");
    let nothing = "The last good state cannot be used either, keeping nothing";
    let said = daemon.logged(nothing, |line| line["environment"] == "shop");
    let why = said["reason"].as_str().unwrap();
    assert!(
        why.starts_with("shop.yaml:") && why.contains("SHOP_KEY"),
        "{why}"
    );
    let (_, log) = daemon.terminate();
    assert!(!log.contains("keeping the last good"), "{log}");

    world.git(&["branch", "-m", "main", "trunk"]);
    let mut daemon = world.start();
    let nothing = "Repository not read yet, and its last good state cannot be used";
    let said = daemon.logged(nothing, |line| line["environment"] == "shop");
    assert_eq!(said["reason"], why);
    daemon.terminate();
    world.git(&["branch", "-m", "trunk", "main"]);
    assert_eq!(world.live("page").as_deref(), Some("canary"));

    world.write_live("page", "hacked");
    let mut daemon = world.start_with(&with_key);
    daemon.until("it is kept again", |_| {
        (world.live("page")? == "canary").then_some(())
    });
    // Nobody who ran saw it mended, and it is said all the same.
    let over = daemon.episode("broken-spec", |one| one.ended_at.is_some());
    assert_eq!(over.how.as_deref(), Some("mended"));
    let status = world.command(&["status"]);
    assert!(!status.stdout.contains("broken-spec"), "{}", status.stdout);
}

#[test]
fn what_the_ledger_did_not_take_in_is_news_when_it_does() {
    let world = World::new();
    let slow = "  reconcile: { interval: 1h }\n";
    let shop = |text: &str| environment("shop", slow, &files(&[("page", text)]));
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    world.in_database(
        "CREATE TRIGGER full BEFORE INSERT ON deliveries WHEN NEW.name LIKE 'condition/unreadable%'
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    );
    let nameless = shop("x").replace("name: shop", "");
    let commit = world.commit(&[
        ("shop.yaml", &shop("welcome\n")),
        ("nameless.yaml", &nameless),
    ]);
    daemon.logged("State not taken, asking again", |_| true);
    world.in_database("DROP TRIGGER full");
    assert_eq!(daemon.run_of("shop", &commit).trigger, "revision");
    assert_eq!(world.live("page").unwrap(), "welcome\n");
}
