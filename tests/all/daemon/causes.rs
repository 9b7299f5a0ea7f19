//! What is told of many resources that one cause keeps from being looked at: the cause once, and what to do.

use super::{World, environment, files};

#[test]
fn two_resources_behind_one_missing_root_are_one_piece_of_news() {
    let world = World::new();
    let spec = environment("shop", "", &files(&[("page", "a\n"), ("motd", "b\n")]));
    world.commit(&[(
        "shop.yaml",
        &spec.replace("root: HOST", "root: HOST/missing"),
    )]);
    let mut daemon = world.start();
    let one = daemon.episode("unknown/unreachable", |told| told.address.is_none());
    let said = one.details["message"].as_str().unwrap();
    assert!(
        said.starts_with("2 resources (motd, page) cannot be told: "),
        "{said}"
    );
    assert!(
        said.contains("Make the folder, or correct `root`"),
        "{said}"
    );
    let status = world.command(&["status"]);
    assert!(status.stdout.contains("Make the folder"), "{status:?}");
}
