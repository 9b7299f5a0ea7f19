//! Two repositories that want the same: who had it keeps it, also while its repository cannot be read.

use super::{World, environment, file, files};
use crate::peers::cut::Cut;
use crate::peers::git;
use serde_json::json;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// A second repository beside the world's own.
fn second(world: &World, name: &str, text: &str) -> PathBuf {
    let at = world.folder().join(name);
    std::fs::create_dir(&at).unwrap();
    let text = text.replace("HOST", world.host().to_str().unwrap());
    std::fs::write(at.join("shop.yaml"), text).unwrap();
    let git = |arguments: &[&str]| crate::peers::git::git(&at, arguments);
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "second"]);
    world.settings(|settings| {
        let all = settings["repositories"].as_array_mut().unwrap();
        // First, so that it is read first where both can be.
        all.insert(0, json!({ "name": name, "url": at, "interval": "250ms" }));
    });
    at
}

fn evil() -> String {
    environment("shop", "", &files(&[("page", "evil\n")]))
}

#[test]
fn an_environment_stays_with_its_repository_while_that_cannot_be_read() {
    let world = World::new();
    let shop = environment(
        "shop",
        "",
        &files(&[("page", "hello\n"), ("robots", "none\n")]),
    );
    let commit = world.commit(&[("shop.yaml", &shop)]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    daemon.terminate();

    second(&world, "second", &evil());
    let away = world.folder().join("away");
    std::fs::rename(world.repository(), &away).unwrap();
    let mut daemon = world.start();
    let refused = "Spec cannot be used, and no good state can be kept";
    daemon.logged(refused, |line| line["code"] == "kept-elsewhere");
    assert_eq!(world.live("page").unwrap(), "hello\n");
    assert_eq!(world.live("robots").unwrap(), "none\n");

    std::fs::rename(&away, world.repository()).unwrap();
    world.write_live("page", "hacked\n");
    daemon.until("its own repository keeps it again", |_| {
        (world.live("page")? == "hello\n").then_some(())
    });
    assert_eq!(world.live("robots").unwrap(), "none\n");
}

#[test]
fn who_owns_an_object_is_not_refused_for_another_that_wants_it() {
    let world = World::new();
    let mine = environment(
        "shop",
        "",
        &files(&[("page", "hello\n"), ("robots", "none\n")]),
    );
    let commit = world.commit(&[("shop.yaml", &mine)]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    daemon.terminate();

    let other = environment("other", "", &file("mine", "page", "evil\n"));
    second(&world, "second", &other);
    // Whichever is read first.
    for _ in 0..3 {
        world.write_live("robots", "hacked\n");
        let mut daemon = world.start();
        daemon.until("its own is put back", |_| {
            (world.live("robots")? == "none\n").then_some(())
        });
        assert_eq!(world.live("page").unwrap(), "hello\n");
        daemon.terminate();
    }
}

#[test]
fn a_git_server_that_hangs_in_a_pack_holds_up_no_other_repository() {
    let remote = git::World::empty();
    let world = World::new();
    let root = world.host().to_str().unwrap().to_owned();
    let other = |text: &str| environment("other", "", &file("y", "y", text)).replace("HOST", &root);
    remote.write("other.yaml", &other("one"));
    remote.commit("one");
    remote.push("main");
    let server = git::Daemon::start(&remote);
    let address = server.url.strip_prefix("git://").unwrap();
    let cut = Cut::before(address.split_once('/').unwrap().0);
    let url = format!("git://{}/repo.git", cut.address);
    world.settings(|settings| {
        let all = settings["repositories"].as_array_mut().unwrap();
        all.insert(0, json!({ "name": "far", "url": url, "interval": "250ms" }));
        settings["limits"] = json!({ "source": { "deadline": "3s" } });
    });
    let page = |text: &str| environment("shop", "", &files(&[("page", text)]));
    let first = world.commit(&[("shop.yaml", &page("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &first);
    daemon.until("the far one is applied", |_| world.live("y"));

    // A new state, whose pack stops in its middle: it is larger than where the way ends.
    let two: String = (0..4000_u32)
        .map(|nth| char::from(b'a' + (nth.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
        .collect();
    remote.write("other.yaml", &other(&two));
    remote.commit("two");
    cut.after(900, true);
    remote.push("main");
    let said = daemon.logged(
        "Repository cannot be read, going on with what is kept",
        |_| true,
    );
    assert_eq!(said["repository"], "far", "{said}");
    assert_eq!(said["code"], "repository-timeout", "{said}");
    let second = world.commit(&[("shop.yaml", &page("welcome\n"))]);
    daemon.run_of("shop", &second);
    assert_eq!(world.live("y").unwrap(), "one", "nothing is deleted for it");
    let status = world.command(&["status"]);
    assert!(
        status.stdout.contains("repository far: unreachable"),
        "{status:?}"
    );
    cut.mend();
    daemon.until("the far one goes on", |_| {
        (world.live("y")? == two).then_some(())
    });
}

#[test]
fn what_may_have_moved_into_a_repository_that_is_not_read_yet_is_not_deleted() {
    let world = World::new();
    let named = |name: &str, all: &[(&str, &str)]| {
        environment(name, "  reconcile: { interval: 1s }\n", &files(all))
    };
    let (keep, web) = (("keep", "k\n"), ("web", "w\n"));
    let other = second(&world, "second", &named("b", &[("beside", "b\n")]));
    let first = world.commit(&[("a.yaml", &named("a", &[keep, web]))]);
    let mut daemon = world.start();
    daemon.run_of("a", &first);
    daemon.until("both are applied", |_| world.live("beside"));
    daemon.terminate();
    let inode = || {
        let web = std::fs::metadata(world.host().join("web")).unwrap();
        web.ino()
    };
    let before = inode();

    // It moves from the one to the other, which is away when the daemon comes back.
    world.commit(&[("a.yaml", &named("a", &[("keep", "later\n")]))]);
    let text = named("b", &[("beside", "b\n"), web]);
    let text = text.replace("HOST", world.host().to_str().unwrap());
    std::fs::write(other.join("shop.yaml"), text).unwrap();
    git::git(
        &other,
        &["commit", "--quiet", "--all", "--message", "moved"],
    );
    let away = world.folder().join("away");
    std::fs::rename(&other, &away).unwrap();
    let mut daemon = world.start();
    daemon.until("the rest is applied, and it is said why that waits", |_| {
        let said = world.command(&["status"]);
        let waits = said.stdout.contains("repository second may declare it now");
        (waits && world.live("keep")? == "later\n").then_some(())
    });
    daemon.looked_again("a");
    assert_eq!(inode(), before);

    std::fs::rename(&away, &other).unwrap();
    daemon.until("it is the other's", |_| {
        (world.owned() == ["a/keep", "b/beside", "b/web"]).then_some(())
    });
    assert_eq!(inode(), before);
}
