//! Many environments in one repository: a state of all of them is taken in at once.

use super::world::{World, environment, file};
use std::fs;

/// How many: enough that one write each would show.
const MANY: usize = 40;

fn files() -> Vec<(String, String)> {
    let one = |nth: usize| {
        let name = format!("shop-{nth}");
        let spec = environment(&name, "", &file("page", &name, "hello\n"));
        (format!("{name}.yaml"), spec)
    };
    (0..MANY).map(one).collect()
}

#[test]
fn what_a_state_says_of_all_environments_is_written_down_before_any_runs_and_in_one_go() {
    let world = World::new();
    let files = files();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    world.commit(&files);
    let trace = world.folder().join("trace");
    let mut daemon = world.start_with(&[("RECONCILED_CRASH_TRACE", trace.to_str().unwrap())]);
    daemon.until("all is written", |_| {
        let there = |nth: usize| world.live(&format!("shop-{nth}")).is_some();
        (0..MANY).all(there).then_some(())
    });
    daemon.terminate();
    let trace = fs::read_to_string(trace).unwrap();
    let before = trace
        .lines()
        .take_while(|point| *point != "ledger: before run-opened");
    let before: Vec<&str> = before
        .filter(|point| point.starts_with("ledger: before "))
        .filter(|point| !point.ends_with(" compared"))
        .collect();
    assert!(before.len() < MANY / 4, "{before:?}");
    let good = world.ledger(async |ledger| ledger.all_last_good().await.unwrap());
    assert_eq!(good.unwrap().len(), MANY);
}
