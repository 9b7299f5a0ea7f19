//! Which version is kept, which went well, and what a rollback goes back to.

use super::*;
use crate::ledger::Keeping;

fn version(content: &str) -> Version {
    Version {
        revision: Revision::new(format!("at-{content}")),
        content: Digest::of(content),
    }
}

#[test]
fn the_way_back_leads_to_other_content_and_never_to_what_was_left() {
    let versions = Versions {
        kept: Some(version("b")),
        good: vec![version("b"), version("a")],
        ..Versions::default()
    };
    let to = |refused| Some(versions.target(refused)?.revision.as_str().to_owned());
    assert_eq!(to(None).unwrap(), "at-a");
    assert_eq!(to(Some(&version("a"))), None);
    assert!(versions.went_well(&Digest::of("b")) && !versions.went_well(&Digest::of("c")));
}

#[test]
fn versions_are_unproven_since_the_last_one_that_went_well_was_left() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let mut versions = Versions::default();
    versions.keep(version("a"), at(1));
    versions.good.push(version("a"));
    versions.keep(version("b"), at(2));
    assert_eq!(versions.unproven_since, Some(at(2)));
    versions.keep(version("c"), at(3));
    assert_eq!(versions.unproven_since, Some(at(2)));
    assert_eq!(versions.since, Some(at(3)));
}

#[test]
fn what_never_went_well_in_between_goes_back_with_what_is_kept() {
    let now = Timestamp::UNIX_EPOCH;
    let mut versions = Versions::default();
    versions.keep(version("a"), now);
    versions.good.push(version("a"));
    for next in ["b", "c", "d"] {
        versions.keep(version(next), now);
    }
    let along = versions.along();
    assert_eq!(along, ["b", "c"].map(|one| version(one).revision));
    let told = "at-b and at-c go back with it, which were merged in between and never went well";
    assert_eq!(taken_along(&along).as_deref(), Some(told));
    assert_eq!(taken_along(&[]), None);
    // Back at the good one nothing is left to take back.
    versions.keep(version("a"), now);
    assert_eq!(versions.along(), []);
    versions.keep(version("e"), now);
    assert_eq!(versions.along(), []);
}

fn order(to: &str) -> Rollback {
    Rollback {
        environment: EnvironmentName::new("shop").unwrap(),
        to: Revision::new(to),
        why: String::new(),
        by: "somebody".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        refused: None,
        along: Vec::new(),
    }
}

#[tokio::test]
async fn of_two_orders_at_once_one_counts_and_what_was_decided_on_another_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let daemon = Ledger::open(&path).await.unwrap();
    let person = Ledger::open_beside(&path).await.unwrap();
    let (one, other) = (order("one"), order("other"));
    let (mine, theirs) = tokio::join!(
        daemon.order_rollback(&one, None),
        person.order_rollback(&other, None)
    );
    assert!(mine.unwrap() != theirs.unwrap());
    let stands = daemon.rollbacks().await.unwrap().remove(0);
    // The daemon says what it saw of an order that a person replaces in the same moment.
    let seen = Rollback {
        refused: Some(version("new")),
        ..stands.clone()
    };
    let newer = order("newer");
    assert!(person.order_rollback(&newer, Some(&stands)).await.unwrap());
    assert!(!daemon.order_rollback(&seen, Some(&stands)).await.unwrap());
    assert!(!daemon.rollback_over(&stands).await.unwrap());
    assert_eq!(daemon.rollbacks().await.unwrap().pop(), Some(newer.clone()));
    assert!(daemon.rollback_over(&newer).await.unwrap());
    assert!(!daemon.end_rollback(&newer.environment).await.unwrap());
    assert!(person.order_rollback(&one, None).await.unwrap());
}

#[tokio::test]
async fn what_went_well_and_what_is_kept_are_both_remembered_when_said_at_once() {
    let ledger = Ledger::in_memory().await.unwrap();
    let shop = EnvironmentName::new("shop").unwrap();
    for nth in 0..20 {
        let keeping = Keeping::of_test(&shop, &nth.to_string());
        let said = keeping.version.clone();
        let (kept, well) = tokio::join!(
            ledger.keep(std::slice::from_ref(&keeping)),
            ledger.went_well(&shop, said.clone())
        );
        kept.and(well).unwrap();
        let versions = ledger.versions(&shop).await.unwrap();
        assert_eq!(versions.kept.as_ref(), Some(&said));
        assert_eq!(versions.good.first(), Some(&said));
    }
}
