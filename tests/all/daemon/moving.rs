//! What moves from one environment to another: nothing deletes it while nobody can tell who declares it.

use super::{Daemon, World, environment, file, files};
use std::os::unix::fs::MetadataExt as _;

fn named(name: &str, all: &[(&str, &str)]) -> String {
    environment(name, "  reconcile: { interval: 1s }\n", &files(all))
}

fn mixed(name: &str, all: &[(&str, &str)], more: &str) -> String {
    environment(
        name,
        "  reconcile: { interval: 1s }\n",
        &(files(all) + more),
    )
}

/// Which file it is: another one is there once it was deleted and made anew.
fn inode(world: &World) -> u64 {
    let web = std::fs::metadata(world.host().join("web")).unwrap();
    web.ino()
}

const KEEP: (&str, &str) = ("keep", "k\n");
const WEB: (&str, &str) = ("web", "w\n");

/// Starts with what moves in the first of two environments. Returns the commit, too.
fn started(world: &World) -> (Daemon<'_>, String) {
    let first = world.commit(&[
        ("a.yaml", &named("a", &[KEEP, WEB])),
        ("b.yaml", &named("b", &[("beside", "b\n")])),
    ]);
    let mut daemon = world.start();
    daemon.run_of("a", &first);
    daemon.run_of("b", &first);
    (daemon, first)
}

#[test]
fn what_may_have_moved_into_a_broken_environment_is_not_deleted() {
    let world = World::new();
    let (mut daemon, _) = started(&world);
    let before = inode(&world);
    // One commit moves it, with a mistake in the file that it moves to.
    let mistake = "    wrong: { kind: host/fil }\n";
    world.commit(&[
        ("a.yaml", &named("a", &[("keep", "later\n")])),
        ("b.yaml", &mixed("b", &[("beside", "b\n"), WEB], mistake)),
    ]);
    daemon.until("the rest is applied, and it is said why that waits", |_| {
        let said = world.command(&["status"]);
        let waits = said.stdout.contains("b may declare it now");
        (waits && world.live("keep")? == "later\n").then_some(())
    });
    daemon.looked_again("a");
    assert_eq!(inode(&world), before);
    // Put right, it is the other's, and was never away.
    let mended = world.commit(&[("b.yaml", &named("b", &[("beside", "b\n"), WEB]))]);
    daemon.run_of("b", &mended);
    daemon.until("it is the other's", |_| {
        (world.owned() == ["a/keep", "b/beside", "b/web"]).then_some(())
    });
    assert_eq!(inode(&world), before);
}

#[test]
fn what_may_have_moved_into_a_new_file_that_cannot_be_read_is_not_deleted() {
    let world = World::new();
    let (mut daemon, _) = started(&world);
    let before = inode(&world);
    world.commit(&[
        ("a.yaml", &named("a", &[("keep", "later\n")])),
        (
            "c.yaml",
            "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: [\n",
        ),
    ]);
    daemon.until("the rest is applied, and it is said why that waits", |_| {
        let said = world.command(&["status"]);
        let waits = said.stdout.contains("c.yaml may declare it now");
        (waits && world.live("keep")? == "later\n").then_some(())
    });
    daemon.looked_again("a");
    assert_eq!(inode(&world), before);
    world.commit(&[("c.yaml", &named("c", &[WEB]))]);
    daemon.until("it is the other's", |_| {
        (world.owned() == ["a/keep", "b/beside", "c/web"]).then_some(())
    });
    assert_eq!(inode(&world), before);
}

#[test]
fn where_a_broken_environment_is_to_lead_counts_beside_where_it_leads() {
    let world = World::new();
    let there = named("b", &[("beside", "b\n")]).replace("root: HOST", "root: HOST/elsewhere");
    let first = world.commit(&[("a.yaml", &named("a", &[KEEP, WEB])), ("b.yaml", &there)]);
    let mut daemon = world.start();
    daemon.run_of("a", &first);
    daemon.run_of("b", &first);
    let before = inode(&world);
    // One commit moves it, has the other lead to where it is, and needs a secret there that is missing.
    let more = file("x", "x", "${secrets.key}");
    let moved = environment(
        "b",
        "  secrets: { key: { env: NEVER_SET } }\n",
        &(files(&[("beside", "b\n"), WEB]) + &more),
    );
    world.commit(&[
        ("a.yaml", &named("a", &[("keep", "later\n")])),
        ("b.yaml", &moved),
    ]);
    daemon.until("the rest is applied, and it is said why that waits", |_| {
        let said = world.command(&["status"]);
        let waits = said.stdout.contains("b may declare it now");
        (waits && world.live("keep")? == "later\n").then_some(())
    });
    daemon.looked_again("a");
    assert_eq!(inode(&world), before);
}

#[test]
fn a_file_that_is_only_left_out_holds_nothing_up() {
    let world = World::new();
    let (mut daemon, _) = started(&world);
    std::os::unix::fs::symlink("b.yaml", world.repository().join("link.yaml")).unwrap();
    world.commit(&[("a.yaml", &named("a", &[("keep", "later\n")]))]);
    daemon.until("it is deleted", |_| {
        (world.owned() == ["a/keep", "b/beside"]).then_some(())
    });
}

#[test]
fn what_cannot_hide_an_environment_holds_nothing_up() {
    let world = World::new();
    let (mut daemon, _) = started(&world);
    let ours = "apiVersion: reconciled.dev/v1alpha1\n";
    let mistaken = format!("{ours}kind: Approval\nmetadata: {{ name: a }}\nspec: 7\n");
    let cut_off = format!("{ours}kind: Approval\nmetadata: [\n");
    let later = format!("{ours}kind: Policy\nmetadata: {{ name: p }}\n");
    let template = format!("{{{{- if .Values.on }}}}\n{ours}kind: Environment\n{{{{- end }}}}\n");
    world.commit(&[
        ("a.yaml", &named("a", &[("keep", "later\n")])),
        ("approvals/mistaken.yaml", &mistaken),
        ("approvals/cut-off.yaml", &cut_off),
        ("later.yaml", &later),
        (
            "chart/Chart.yaml",
            "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
        ),
        ("chart/templates/one.yaml", &template),
    ]);
    daemon.until("it is deleted", |_| {
        (world.owned() == ["a/keep", "b/beside"]).then_some(())
    });
}

#[test]
fn an_environment_that_was_never_good_holds_only_deletes_of_where_it_leads() {
    let world = World::new();
    let (mut daemon, _) = started(&world);
    let before = inode(&world);
    let secrets = "  secrets: { key: { env: NEVER_SET } }\n";
    let broken = environment("c", secrets, &file("x", "x", "${secrets.key}"));
    world.commit(&[("a.yaml", &named("a", &[KEEP])), ("c.yaml", &broken)]);
    daemon.until("it is said why that waits", |_| {
        let said = world.command(&["status"]);
        said.stdout.contains("c may declare it now").then_some(())
    });
    daemon.looked_again("a");
    assert_eq!(inode(&world), before);
    // As broken, and it leads to another root.
    let elsewhere = broken.replace("root: HOST", "root: HOST/elsewhere");
    assert_ne!(elsewhere, broken);
    world.commit(&[("c.yaml", &elsewhere)]);
    daemon.until("it is deleted", |_| {
        world.live("web").is_none().then_some(())
    });
    assert_eq!(world.live("keep").as_deref(), Some("k\n"));
}

#[test]
fn a_rollback_deletes_what_was_made_and_not_what_was_taken_over() {
    let world = World::new();
    let (mut daemon, first) = started(&world);
    let before = inode(&world);
    let all = [("beside", "later\n"), WEB, ("new", "n\n")];
    world.commit(&[
        ("a.yaml", &named("a", &[KEEP])),
        ("b.yaml", &named("b", &all)),
    ]);
    daemon.until("it is the other's, with something new", |_| {
        (world.owned() == ["a/keep", "b/beside", "b/new", "b/web"]).then_some(())
    });
    let said = world.command(&["rollback", "b", "--yes", "--to", &first]);
    assert_eq!(said.code, Some(0), "{said:?}");
    daemon.until("it is rolled back", |_| {
        let is_back = world.live("new").is_none() && world.live("beside")? == "b\n";
        is_back.then_some(())
    });
    daemon.looked_again("b");
    assert_eq!(inode(&world), before);
    let said = world.command(&["status"]);
    assert!(said.stdout.contains("took it over as it was"), "{said:?}");
}
