//! A resource that takes long to become ready: the wait for it ends for a newer commit and for a stop,
//! and what was begun is neither lost nor begun again.

use super::{Daemon, World};
use crate::peers::digitalocean::{Fault, Server, TOKEN};
use reconciled::ledger::RunOutcome;
use std::time::{Duration, Instant};

/// More looks than any test waits for.
const NEVER: u32 = 1_000_000;

/// A database, and a file that can only be written once that is online.
fn environment(greeting: &str) -> String {
    format!(
        "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: {{ name: shop }}
spec:
  secrets: {{ token: {{ env: DO_TOKEN }} }}
  connections:
    here: {{ provider: host, root: HOST }}
    do: {{ provider: digitalocean, token: \"${{secrets.token}}\" }}
  reconcile: {{ interval: 1s }}
  resources:
    db:
      kind: digitalocean/database-cluster
      spec: {{ name: shop, engine: pg, version: \"17\", size: db-s-1vcpu-1gb, region: nyc3, num_nodes: 1 }}
    page: {{ kind: host/file, spec: {{ path: /page, content: \"{greeting}\" }} }}
    address: {{ kind: host/file, spec: {{ path: /address, content: \"${{resources.db.connection.host}}\" }} }}
"
    )
}

fn slow_cloud(world: &World) -> Server {
    let server = Server::start();
    server.account(|account| account.looks_until_online = NEVER);
    world.variable("DO_TOKEN", TOKEN);
    world.settings(|settings| {
        settings["providers"]["rest"]["baseUrls"]["digitalocean"] = server.url().into();
    });
    server
}

fn creations(server: &Server) -> usize {
    let writes = server.writes().into_iter();
    writes
        .filter(|write| write.starts_with("POST databases"))
        .count()
}

fn wait_under_way(daemon: &mut Daemon<'_>, world: &World, server: &Server) {
    daemon.until("the database is being made and the page is there", |_| {
        (creations(server) == 1 && world.live("page").is_some()).then_some(())
    });
}

#[test]
fn a_newer_commit_ends_the_wait() {
    let world = World::new();
    let server = slow_cloud(&world);
    world.commit(&[("shop.yaml", &environment("hello"))]);
    let mut daemon = world.start();
    wait_under_way(&mut daemon, &world, &server);
    world.commit(&[("shop.yaml", &environment("welcome"))]);
    daemon.until("the newer commit is applied", |_| {
        (world.live("page")? == "welcome").then_some(())
    });
    assert_eq!((creations(&server), world.live("address")), (1, None));
    server.account(|account| account.looks_until_online = 0);
    daemon.until("what waited for the database is there", |_| {
        world.live("address")
    });
    assert_eq!(creations(&server), 1);
}

#[test]
fn a_stop_ends_the_wait_in_time_and_the_next_start_goes_on() {
    let world = World::new();
    let server = slow_cloud(&world);
    let commit = world.commit(&[("shop.yaml", &environment("hello"))]);
    let mut daemon = world.start();
    wait_under_way(&mut daemon, &world, &server);
    let begun = Instant::now();
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "{:?} {log}",
        begun.elapsed()
    );
    let run = &world.runs("shop")[0];
    let outcome = run.summary.as_ref().map(|summary| summary.outcome);
    assert_eq!(outcome, Some(RunOutcome::Stopped), "{run:?}");
    assert_eq!(run.revision.as_str(), commit);

    server.account(|account| account.looks_until_online = 0);
    let mut daemon = world.start();
    daemon.until("what waited for the database is there", |_| {
        world.live("address")
    });
    assert_eq!(creations(&server), 1);
    world.verify_ledger();
}

#[test]
fn what_took_another_name_is_not_orphaned_by_a_run_that_a_newer_commit_cut_short() {
    let world = World::new();
    let server = slow_cloud(&world);
    let first = world.commit(&[("shop.yaml", &super::environment("shop", "", &page("hello")))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &first);
    for _ in 0..20 {
        server.fail("GET", "databases", Fault::Silence);
    }
    let asked = |times: usize| {
        let requests = server.requests().into_iter();
        let those = requests.filter(|one| one.starts_with("GET") && one.contains("databases"));
        (those.count() >= times).then_some(())
    };
    // Its first run looks at a cloud that does not answer, and so does the one that cuts that short.
    for (nth, greeting) in [(1, "hello"), (2, "welcome")] {
        let renamed = environment(greeting).replace("name: shop }", "name: store }");
        world.commit(&[("shop.yaml", &renamed)]);
        daemon.until(format!("look {nth} is under way"), |_| asked(nth));
    }
    daemon.logged("Looking was cut short", |_| true);
    let other = super::environment("other", "", &super::files(&[("x", "x\n")]));
    let commit = world.commit(&[("other.yaml", &other)]);
    daemon.run_of("other", &commit);
    let episodes = world.episodes();
    assert!(episodes.is_empty(), "{episodes:#?}");
    assert_eq!(world.owned(), ["other/x", "shop/page"]);
}

fn page(greeting: &str) -> String {
    super::file("page", "page", greeting)
}
