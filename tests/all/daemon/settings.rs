//! The daemon's settings change while it runs: for better, and with a typo.

use super::{World, environment, files};
use serde_json::{Value, json};

fn shop(greeting: &str) -> String {
    environment("shop", "", &files(&[("page", greeting)]))
}

#[test]
fn settings_are_read_again_and_wrong_ones_change_nothing() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);

    std::fs::write(world.settings_file(), "repositories: [\n").unwrap();
    let told = daemon.logged("Settings cannot be used, going on as before", |_| true);
    let place = format!("{}:", world.settings_file().display());
    let error = told["error"].as_str().unwrap();
    assert!(error.starts_with(&place), "{told}");
    assert!(told["hint"].is_string(), "{told}");
    assert_eq!(
        daemon.log().lines().find(|line| !line.starts_with('{')),
        None
    );
    let in_its_way =
        |page: &str| serde_json::from_str::<Value>(page).unwrap()["conditions"].clone();
    let shown = in_its_way(&daemon.page("/readyz").1);
    assert!(
        shown["settings"].as_str().unwrap().contains(error),
        "{shown}"
    );
    for command in [&["status"][..], &["pause", "shop"]] {
        let refused = world.command(command);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains(&place), "{refused:?}");
        assert!(
            refused.stderr.contains("goes on with the settings it had"),
            "{refused:?}"
        );
    }
    let commit = world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &commit);

    world.settings(|settings| settings["providers"]["host"]["allowed"] = json!(false));
    daemon.logged("Settings changed, starting anew with them", |_| true);
    daemon.until("the settings are in nobody's way", |daemon| {
        let page = daemon.try_page("/readyz")?.1;
        in_its_way(&page).get("settings").is_none().then_some(())
    });
    let commit = world.commit(&[("shop.yaml", &shop("goodbye\n"))]);
    daemon.episode("unknown", |told| told.ended_at.is_none());
    daemon.run_of("shop", &commit);
    assert_eq!(
        world.live("page").unwrap(),
        "welcome\n",
        "the host is closed to environments now"
    );
    world.settings(|settings| settings["providers"]["host"]["allowed"] = json!(true));
    daemon.until("the host is open again", |_| {
        (world.live("page")? == "goodbye\n").then_some(())
    });
    daemon.ready();
    assert!(daemon.terminate().0.success());
}

#[test]
fn what_cannot_listen_was_never_started() {
    let world = World::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    world.settings(|settings| settings["web"]["listen"] = json!(address));
    let mut daemon = world.start();
    assert_eq!(daemon.ended().code(), Some(1));
    let log = daemon.log();
    assert!(log.contains(&format!("listen on {address}")), "{log}");
    assert_eq!(daemon.lines("Daemon started").len(), 0, "{log}");
}
