//! The ledger on real files, and what it promises about them.

use super::*;
use crate::model::{
    Action, Address, Digest, EnvironmentName, Fault as _, Identity, KindName, Outcome, Owned,
    RepoPath, Revision, RunId, Secret, Value,
};
use jiff::SignedDuration;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::new(name).unwrap()
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(super) fn owned(text: &str, applied: serde_json::Value) -> Owned {
    Owned {
        address: address(text),
        kind: KindName::new("host/file"),
        connection: crate::model::ConnectionName::new("here").unwrap(),
        place: None,
        through: None,
        identity: Identity(vec![("/path".into(), "/etc/motd".into())]),
        external_id: None,
        applied: applied.into(),
        protected: false,
        done: false,
        unproven: false,
        leaving: false,
        verdict: None,
        after: std::collections::BTreeSet::new(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn intent(name: &str, second: i64, steps: &[&str]) -> RunIntent {
    RunIntent {
        environment: environment(name),
        revision: Revision::new("0123456789abcdef"),
        trigger: "revision".into(),
        by: None,
        plan_hash: Digest::of("plan"),
        plan_json: json!({"steps": steps}).to_string(),
        now: at(second),
        steps: steps
            .iter()
            .map(|step| StepIntent {
                address: address(&format!("{name}/{step}")),
                kind: KindName::new("host/file"),
                action: Action::Create,
            })
            .collect(),
    }
}

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state of things/led?ger.db");
    (folder, path)
}

#[tokio::test]
async fn a_run_is_written_before_and_after_and_read_back() {
    let ledger = Ledger::in_memory().await.unwrap();
    let ledger = ledger.with_clock(Clock::fixed(at(5)));
    let run = ledger
        .open_run(&intent("shop", 1, &["a", "b"]))
        .await
        .unwrap();
    assert_eq!(ledger.interrupted_runs().await.unwrap()[0].id, run);
    let a = address("shop/a");
    ledger.step_begun(run, &a, None).await.unwrap();
    let mine = owned("shop/a", json!({"mode": "0644"}));
    ledger.step_applied(run, &a, Some(&mine)).await.unwrap();
    ledger.step_ended(run, &a, &Outcome::DONE).await.unwrap();
    let failed = Outcome::Failed {
        code: "timeout".into(),
        message: "reach it".into(),
        hint: None,
    };
    ledger
        .step_ended(run, &address("shop/b"), &failed)
        .await
        .unwrap();
    let mut summary = RunSummary::new(RunOutcome::Failed);
    summary.counts.insert("failed".into(), 1);
    ledger.close_run(run, &summary).await.unwrap();

    let details = ledger.run(run).await.unwrap().unwrap();
    assert_eq!(details.plan, json!({"steps": ["a", "b"]}));
    assert_eq!(
        (details.run.begun_at, details.run.ended_at),
        (at(1), Some(at(5)))
    );
    assert_eq!(details.run.summary, Some(summary));
    assert_eq!(details.steps[0].outcome, Some(Outcome::DONE));
    assert_eq!(details.steps[0].applied_at, Some(at(5)));
    assert_eq!(details.steps[1].outcome, Some(failed));
    assert_eq!(details.steps[1].begun_at, None);
    assert_eq!(ledger.owned(&environment("shop")).await.unwrap(), [mine]);
    assert_eq!(ledger.interrupted_runs().await.unwrap(), []);
    assert_eq!(ledger.run(RunId(99)).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_owned_is_replaced_released_and_named() {
    let ledger = Ledger::in_memory().await.unwrap();
    for name in ["shop/a", "shop/a", "site/b"] {
        ledger.own(&owned(name, json!(1))).await.unwrap();
    }
    // The second time wrote nothing.
    assert_eq!(ledger.verify().await.unwrap().records, 2);
    ledger.own(&owned("shop/a", json!(2))).await.unwrap();
    let shop = ledger.owned(&environment("shop")).await.unwrap();
    assert_eq!(shop[0].applied.json(), json!(2));
    ledger.release(&address("shop/a")).await.unwrap();
    ledger.release(&address("shop/a")).await.unwrap();
    let all = ledger.all_owned_addresses().await.unwrap();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), [address("site/b")]);
}

#[tokio::test]
async fn one_episode_is_open_at_a_time() {
    let ledger = Ledger::in_memory().await.unwrap();
    let (shop, a) = (environment("shop"), address("shop/a"));
    let open = async |details: i64, second| {
        let details = json!(details);
        let opened = ledger.open_episode(&shop, Some(&a), "drift", &details, at(second));
        opened.await.unwrap()
    };
    let first = open(1, 0).await;
    assert_eq!(open(2, 10).await, first);
    let whole = ledger
        .open_episode(&shop, None, "orphaned", &json!(null), at(11))
        .await
        .unwrap();
    assert_ne!(whole, first);
    let episodes = ledger.open_episodes(&shop).await.unwrap();
    assert_eq!(episodes.len(), 2);
    assert_eq!(
        (&episodes[0].details, episodes[0].opened_at),
        (&json!(2), at(0))
    );
    assert_eq!(episodes[1].address, None);
    ledger
        .end_episode(first, "corrected", at(20))
        .await
        .unwrap();
    ledger.end_episode(first, "again", at(30)).await.unwrap();
    let ended = ledger.episode(first).await.unwrap().unwrap();
    assert_eq!(
        (ended.how.as_deref(), ended.ended_at),
        (Some("corrected"), Some(at(20)))
    );
    assert_ne!(open(1, 40).await, first);
    let ended = async |since, condition| {
        let ended = ledger.ended_episodes(&shop, condition, at(since)).await;
        ended
            .unwrap()
            .into_iter()
            .map(|one| one.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ended(20, "drift").await, [first]);
    assert_eq!(ended(21, "drift").await, []);
    assert_eq!(ended(0, "failing").await, []);
}

#[tokio::test]
async fn what_stands_survives_a_restart_under_the_same_key() {
    let (_folder, path) = file();
    let shop = environment("shop");
    let ledger = Ledger::open(&path).await.unwrap();
    let good = (Revision::new("abc"), RepoPath::new("shop.yaml").unwrap());
    ledger
        .record_delivery("comment/7", &json!({"id": 42}))
        .await
        .unwrap();
    ledger
        .keep(&[Keeping::of_test(&shop, "abc")])
        .await
        .unwrap();
    let run = ledger.open_run(&intent("shop", 1, &["a"])).await.unwrap();
    let secret = Secret::new("canary");
    let digest = ledger.digest_key().digest(&secret);
    ledger.close().await;
    assert_eq!(ledger.writable().await.unwrap_err().code(), "ledger-closed");

    let ledger = Ledger::open(&path).await.unwrap();
    assert_eq!(ledger.digest_key().digest(&secret), digest);
    assert_eq!(
        ledger.delivery("comment/7").await.unwrap(),
        Some(json!({"id": 42}))
    );
    assert_eq!(ledger.delivery("comment/8").await.unwrap(), None);
    assert_eq!(ledger.last_good(&shop).await.unwrap(), Some(good));
    let closed = ledger.close_interrupted_runs().await.unwrap();
    assert_eq!(closed[0].id, run);
    let summary = ledger.run(run).await.unwrap().unwrap().run.summary;
    assert_eq!(summary, Some(RunSummary::new(RunOutcome::Interrupted)));
}

#[tokio::test]
async fn a_second_daemon_is_refused_and_the_command_line_is_not() {
    let (_folder, path) = file();
    let daemon = Ledger::open(&path).await.unwrap();
    let refused = Ledger::open(&path).await.unwrap_err();
    assert_eq!(refused.code(), "ledger-locked");
    let (text, pid) = (refused.to_string(), std::process::id().to_string());
    assert!(
        text.contains(&pid) && text.contains(path.to_str().unwrap()),
        "{text}"
    );
    assert!(refused.hint().unwrap().contains("ledger.path"));

    let shop = environment("shop");
    let beside = Ledger::open_beside(&path).await.unwrap();
    beside
        .pause(&shop, "a release", "ada", at(0))
        .await
        .unwrap();
    let reader = Ledger::open_for_reading(&path).await.unwrap();
    for ledger in [&daemon, &reader] {
        let pauses = ledger.pauses().await.unwrap();
        assert_eq!(
            (pauses[0].why.as_str(), pauses[0].by.as_str()),
            ("a release", "ada")
        );
    }
    assert_eq!(
        reader.writable().await.unwrap_err().code(),
        "ledger-read-only"
    );
    assert!(daemon.resume(&shop).await.unwrap());
    assert!(!beside.resume(&shop).await.unwrap());
    // Two writers, one chain.
    assert_eq!(reader.verify().await.unwrap().records, 2);
    daemon.close().await;
    Ledger::open(&path).await.unwrap();
}

#[tokio::test]
async fn files_are_this_user_s_only_and_damage_is_named() {
    let (_folder, path) = file();
    let missing = Ledger::open_for_reading(&path).await.unwrap_err();
    assert_eq!(missing.code(), "ledger-not-found");
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.writable().await.unwrap();
    for entry in path.parent().unwrap().read_dir().unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{entry:?}");
    }
    let aside = path.with_extension("aside");
    std::fs::rename(&path, &aside).unwrap();
    assert_eq!(ledger.writable().await.unwrap_err().code(), "ledger-lost");
    std::fs::rename(&aside, &path).unwrap();
    ledger.close().await;
    std::fs::write(&path, b"").unwrap();
    let empty = Ledger::open_for_reading(&path).await.unwrap_err();
    assert_eq!(empty.code(), "ledger-not-found");
    std::fs::write(
        &path,
        "this is no database, whatever its name says\n".repeat(99),
    )
    .unwrap();
    let damaged = Ledger::open(&path).await.unwrap_err();
    assert_eq!(damaged.code(), "ledger-corrupt", "{damaged:?}");
    assert!(damaged.to_string().contains(path.to_str().unwrap()));
    let folder = Ledger::open(path.parent().unwrap()).await.unwrap_err();
    assert_eq!(folder.code(), "ledger-open");
}

#[tokio::test]
async fn history_is_newest_first_and_thinned_to_what_is_needed() {
    let ledger = Ledger::in_memory().await.unwrap();
    let clock = Clock::fixed(at(0));
    let ledger = ledger.with_clock(clock.clone());
    for second in 0..10 {
        let name = if second == 0 { "quiet" } else { "shop" };
        clock.set(at(second));
        let run = ledger
            .open_run(&intent(name, second, &["a"]))
            .await
            .unwrap();
        if second != 3 {
            ledger
                .close_run(run, &RunSummary::new(RunOutcome::Done))
                .await
                .unwrap();
        }
    }
    ledger.own(&owned("shop/a", json!(1))).await.unwrap();
    let (shop, quiet) = (environment("shop"), environment("quiet"));
    let page = ledger.runs(Some(&shop), 2, Some(RunId(9))).await.unwrap();
    assert_eq!(page.iter().map(|run| run.id.0).collect::<Vec<_>>(), [8, 7]);

    clock.set(at(100));
    let week = Duration::from_secs(7 * 86_400);
    assert_eq!(ledger.thin(week, at(100)).await.unwrap(), 0);
    let now = at(8) + SignedDuration::from_secs(7 * 86_400);
    assert_eq!(ledger.thin(week, now).await.unwrap(), 6);
    let kept: Vec<i64> = ledger
        .runs(None, 99, None)
        .await
        .unwrap()
        .iter()
        .map(|r| r.id.0)
        .collect();
    assert_eq!(
        kept,
        [10, 9, 4, 1],
        "the newest, the young, the open, the only one of quiet"
    );
    assert_eq!(ledger.runs(Some(&quiet), 9, None).await.unwrap().len(), 1);
    assert_eq!(ledger.owned(&shop).await.unwrap().len(), 1);
    let verified = ledger.verify().await.unwrap();
    assert!(verified.records < 10 && verified.plans == 2, "{verified:?}");
    // The next entry stands on what is left.
    ledger.own(&owned("shop/b", json!(1))).await.unwrap();
    assert_eq!(ledger.verify().await.unwrap().records, verified.records + 1);
}

#[tokio::test]
async fn many_writers_at_once_keep_one_chain() {
    let (_folder, path) = file();
    let ledger = Ledger::open(&path).await.unwrap();
    let run = ledger.open_run(&intent("shop", 0, &[])).await.unwrap();
    let writes = (0..500).map(|n| {
        let ledger = ledger.clone();
        let address = address(&format!("shop/a{n}"));
        let mine = owned(&address.to_string(), json!(n));
        tokio::spawn(async move { ledger.step_applied(run, &address, Some(&mine)).await })
    });
    for written in futures::future::join_all(writes).await {
        written.unwrap().unwrap();
    }
    assert_eq!(ledger.all_owned_addresses().await.unwrap().len(), 500);
    assert_eq!(ledger.verify().await.unwrap().records, 501);
}

#[tokio::test]
async fn no_secret_reaches_the_file() {
    let (folder, path) = file();
    let ledger = Ledger::open(&path).await.unwrap();
    let secret = Value::Map(
        [(
            "password".into(),
            Value::Secret(Secret::new("canary-ledger")),
        )]
        .into(),
    );
    let sealed = ledger.digest_key().sealed_json(&secret);
    let mut intent = intent("shop", 0, &["a"]);
    intent.plan_json = serde_json::to_string(&secret).unwrap();
    let run = ledger.open_run(&intent).await.unwrap();
    let a = address("shop/a");
    ledger
        .step_applied(run, &a, Some(&owned("shop/a", sealed)))
        .await
        .unwrap();
    let details = secret.masked_json();
    ledger
        .open_episode(&environment("shop"), Some(&a), "drift", &details, at(0))
        .await
        .unwrap();
    ledger.close().await;
    let mut bytes = 0;
    for entry in path.parent().unwrap().read_dir().unwrap() {
        let raw = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!raw.windows(6).any(|window| window == b"canary"));
        bytes += raw.len();
    }
    assert!(bytes > 4096, "{bytes} bytes in {folder:?}");
}
