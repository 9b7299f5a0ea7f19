//! What may start when: the order of steps without a provider.

use super::*;
use crate::deliver::fixtures::step;
use crate::model::{Connection, ConnectionName};
use std::sync::Arc;

/// Carries everything out at once, turn by turn; `bad` fails. Returns turns and skipped ids.
fn played(steps: &[Step], bad: &str) -> (Vec<String>, Vec<String>) {
    let mut order = Order::new(steps.iter().collect());
    let (mut turns, mut skipped) = (Vec::new(), Vec::new());
    loop {
        let ready = order.ready();
        if ready.is_empty() {
            break;
        }
        let names: Vec<_> = ready
            .iter()
            .map(|n| order.step(*n).address.resource.to_string())
            .collect();
        turns.push(names.join(" "));
        for nth in ready {
            let good = order.step(nth).address.resource.name() != bad;
            for (skip, fault) in order.end(nth, good) {
                skipped.push(format!("{}: {fault}", order.step(skip).address.resource));
            }
        }
    }
    assert!(order.unstarted().is_empty());
    (turns, skipped)
}

#[test]
fn waves_rise_and_deletes_come_last_falling() {
    let steps = [
        step("old-namespace", Action::Delete, -10, &[]),
        step("old-app", Action::Delete, 5, &[]),
        step("app", Action::Create, 5, &[]),
        step("namespace", Action::Create, -10, &[]),
    ];
    assert_eq!(
        played(&steps, "").0,
        ["namespace", "app", "old-app", "old-namespace"]
    );
}

#[test]
fn what_is_not_ready_yet_holds_back_what_lets_policy_in_and_what_goes() {
    let steps = [
        step("bad", Action::Create, 0, &[]),
        step("good", Action::Create, 0, &[]),
        step("ingress", Action::Create, 10, &["good"]),
        step("needed", Action::Create, -10, &[]),
        step("old", Action::Delete, 0, &[]),
        step("webhook", Action::Create, LAST_WAVE, &[]),
    ];
    let mut order = Order::new(steps.iter().collect());
    assert_eq!(order.ready(), [3]);
    order.wrote(3);
    assert!(order.ready().is_empty(), "what others need has to be there");
    order.end(3, true);
    assert_eq!(order.ready(), [0, 1]);
    order.wrote(0);
    order.end(1, true);
    assert_eq!(order.ready(), [2], "it waits for its own");
    order.end(2, true);
    assert!(order.ready().is_empty());
    order.end(0, true);
    assert_eq!(order.ready(), [5]);
    order.wrote(5);
    assert!(order.ready().is_empty());
    order.end(5, true);
    assert_eq!(order.ready(), [4]);
}

#[test]
fn what_is_only_taken_over_keeps_nothing_back_but_what_hangs_on_it() {
    let steps = [
        step("claim", Action::Adopt, -20, &[]),
        step("web", Action::Adopt, 0, &[]),
        step("job", Action::Adopt, 0, &["claim"]),
        step("old", Action::Delete, 0, &[]),
    ];
    let mut order = Order::new(steps.iter().collect());
    assert_eq!(order.ready(), [0]);
    assert!(order.ready().is_empty(), "it is not marked yet");
    order.wrote(0);
    assert_eq!(order.ready(), [1]);
    order.end(1, true);
    assert!(order.ready().is_empty(), "it may be what is needed");
    order.end(0, true);
    assert_eq!(order.ready(), [2]);
    order.end(2, true);
    assert_eq!(order.ready(), [3]);
}

#[test]
fn nothing_goes_and_no_policy_comes_beside_what_failed() {
    let elsewhere = |mut step: Step| {
        let name = ConnectionName::new("other").unwrap();
        step.connection = Arc::new(Connection {
            name,
            ..Connection::clone(&step.connection)
        });
        step
    };
    let steps = [
        step("web-v2", Action::Create, 0, &[]),
        step("other", Action::Create, 10, &[]),
        step("again", Action::Replace, 15, &[]),
        step("web", Action::Delete, 0, &[]),
        step("space", Action::Delete, -10, &["web"]),
        step("webhook", Action::Create, LAST_WAVE, &[]),
        step("policy", Action::Delete, LAST_WAVE, &[]),
        elsewhere(step("old", Action::Delete, 0, &[])),
    ];
    let (turns, skipped) = played(&steps, "web-v2");
    assert_eq!(turns, ["web-v2 old", "other", "again", "policy"]);
    let why = "kept: test/web-v2 has to work first";
    assert_eq!(
        skipped,
        ["web", "space", "webhook"].map(|name| format!("{name}: {why}"))
    );
    // What cannot be deleted keeps nothing else.
    let steps = [
        step("stuck", Action::Delete, 5, &[]),
        step("web", Action::Delete, 0, &[]),
    ];
    assert_eq!(
        played(&steps, "stuck"),
        (vec!["stuck".into(), "web".into()], vec![])
    );
}

#[test]
fn a_failure_skips_what_hangs_on_it_and_nothing_else() {
    let steps = [
        step("db", Action::Create, 0, &[]),
        step("secret", Action::Create, 0, &["db"]),
        step("api", Action::Create, 0, &["secret"]),
        step("web", Action::Create, 0, &[]),
    ];
    let (turns, skipped) = played(&steps, "db");
    assert_eq!(turns, ["db web"]);
    assert_eq!(
        skipped,
        [
            "secret: test/db did not succeed",
            "api: test/db did not succeed"
        ]
    );
}

#[test]
fn a_dependency_against_the_waves_wins() {
    let steps = [
        step("config", Action::Create, -1, &["service"]),
        step("service", Action::Create, 3, &[]),
    ];
    assert_eq!(played(&steps, "").0, ["service", "config"]);
}
