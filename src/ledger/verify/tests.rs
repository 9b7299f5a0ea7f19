//! What somebody changes by hand in the file is found; what belongs to it is not.

use super::super::{Ledger, RunIntent, RunOutcome, RunSummary, StepIntent};
use crate::model::{
    Action, Address, Digest, EnvironmentName, Fault as _, KindName, Outcome, Revision,
};
use jiff::Timestamp;
use serde_json::json;

/// Three runs of one step each; the last has no end yet.
async fn written() -> Ledger {
    let ledger = Ledger::in_memory().await.unwrap();
    let address: Address = "shop/a".parse().unwrap();
    for second in 0..3 {
        let intent = RunIntent {
            environment: EnvironmentName::new("shop").unwrap(),
            revision: Revision::new("abc"),
            trigger: "revision".to_owned(),
            by: None,
            plan_hash: Digest::of("plan"),
            plan_json: json!({ "second": second }).to_string(),
            now: Timestamp::from_second(second).unwrap(),
            steps: vec![StepIntent {
                address: address.clone(),
                kind: KindName::new("host/file"),
                action: Action::Update,
            }],
        };
        let run = ledger.open_run(&intent).await.unwrap();
        ledger.step_begun(run, &address, None).await.unwrap();
        ledger.step_applied(run, &address, None).await.unwrap();
        let done = ledger.step_ended(run, &address, &Outcome::DONE);
        done.await.unwrap();
        if second < 2 {
            let done = RunSummary::new(RunOutcome::Done);
            ledger.close_run(run, &done).await.unwrap();
            // As a start beside it does; the first end stays.
            let again = RunSummary::new(RunOutcome::Interrupted);
            ledger.close_run(run, &again).await.unwrap();
        }
    }
    ledger
}

#[tokio::test]
async fn what_is_changed_by_hand_is_found() {
    let ledger = written().await;
    let verified = ledger.verify().await.unwrap();
    let counted = (verified.records, verified.plans, verified.runs);
    assert_eq!((counted, verified.last), ((16, 3, 3), 16));
    for sql in [
        "UPDATE records SET body = replace(body, 'revision', 'interval') WHERE seq = 1",
        "UPDATE records SET at = at + 1 WHERE seq = 1",
        "DELETE FROM records WHERE seq = 2",
        "UPDATE runs SET plan = '{}' WHERE id = 1",
        "UPDATE runs SET revision = 'def' WHERE id = 1",
        "UPDATE runs SET ended_at = ended_at + 1 WHERE id = 1",
        "UPDATE runs SET ended_at = NULL, summary = NULL WHERE id = 1",
        "UPDATE runs SET summary = replace(summary, 'done', 'held') WHERE id = 2",
        "UPDATE steps SET outcome = NULL WHERE run = 1",
        "UPDATE steps SET action = 'create' WHERE run = 3",
        "UPDATE steps SET applied_at = 7 WHERE run = 2",
        "DELETE FROM steps WHERE run = 1",
        "DELETE FROM runs WHERE id = 2",
        "INSERT INTO runs SELECT 9, environment, revision, cause, plan_hash, plan, begun_at, ended_at, summary
         FROM runs WHERE id = 1",
        // The end is gone, with and without what it says.
        "DELETE FROM records WHERE seq = 16",
        "DELETE FROM records WHERE seq > 12",
        "DELETE FROM records",
    ] {
        let ledger = written().await;
        sqlx::query(sql).execute(&ledger.pool).await.unwrap();
        let broken = ledger.verify().await.unwrap_err();
        assert_eq!(broken.code(), "ledger-broken", "{sql}");
    }
}

#[tokio::test]
async fn what_an_older_binary_wrote_after_the_end_that_was_noted_is_no_damage() {
    let ledger = written().await;
    let head = "UPDATE facts SET value = (SELECT seq || ' ' || hash FROM records WHERE seq = 9) WHERE name = 'head'";
    sqlx::query(head).execute(&ledger.pool).await.unwrap();
    assert_eq!(ledger.verify().await.unwrap().last, 16);
    let none = "DELETE FROM facts WHERE name = 'head'";
    sqlx::query(none).execute(&ledger.pool).await.unwrap();
    assert_eq!(ledger.verify().await.unwrap().last, 16);
}
