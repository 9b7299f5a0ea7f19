//! The ledger in a process of its own that is killed between any two writes, or whose disk is full.
//!
//! Each test starts itself again as that process.

use reconciled::ledger::{Ledger, LedgerError, RunIntent, RunOutcome, RunSummary, StepIntent};
use reconciled::model::{
    Action, Address, ConnectionName, Digest, EnvironmentName, Fault as _, Identity, KindName,
    Outcome, Owned, Revision,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};

const PLACE: &str = "LEDGER_OF_THIS_TEST";
const STEPS: [&str; 3] = ["shop/a", "shop/b", "shop/c"];

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn owned(text: &str) -> Owned {
    Owned {
        address: address(text),
        kind: KindName::new("host/file"),
        connection: ConnectionName::new("here").unwrap(),
        place: None,
        through: None,
        identity: Identity(vec![("/path".into(), text.into())]),
        external_id: None,
        applied: serde_json::json!({}).into(),
        protected: false,
        done: false,
        unproven: false,
        leaving: false,
        verdict: None,
        after: std::collections::BTreeSet::new(),
    }
}

fn intent(steps: &[&str], padding: usize) -> RunIntent {
    RunIntent {
        environment: EnvironmentName::new("shop").unwrap(),
        revision: Revision::new("0123456789"),
        trigger: "start".into(),
        by: None,
        plan_hash: Digest::of("plan"),
        plan_json: serde_json::json!({ "padding": "x".repeat(padding) }).to_string(),
        now: jiff::Timestamp::UNIX_EPOCH,
        steps: steps
            .iter()
            .map(|step| StepIntent {
                address: address(step),
                kind: KindName::new("host/file"),
                action: Action::Create,
            })
            .collect(),
    }
}

/// Starts one test of this file again, in a shell that first does `limit`.
fn again(test: &str, path: &Path, limit: &str, variables: &[(&str, String)]) -> Output {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            &format!("{limit} exec \"$0\" --exact \"$1\" --nocapture"),
        ])
        .arg(std::env::current_exe().unwrap())
        .arg(format!("ledger::{test}"))
        .env(PLACE, path);
    for (name, value) in variables {
        command.env(name, value);
    }
    command.output().unwrap()
}

/// What a daemon does with its ledger, from start to end: what is not ours yet becomes ours.
async fn work(path: &Path) -> Result<(), LedgerError> {
    let ledger = Ledger::open(path).await?;
    ledger.close_interrupted_runs().await?;
    let known = ledger.all_owned_addresses().await?;
    let missing: Vec<&str> = STEPS
        .into_iter()
        .filter(|step| !known.contains(&address(step)))
        .collect();
    let run = ledger.open_run(&intent(&missing, 0)).await?;
    for step in missing {
        let at = address(step);
        ledger.step_begun(run, &at, None).await?;
        ledger.step_applied(run, &at, Some(&owned(step))).await?;
        ledger.step_ended(run, &at, &Outcome::DONE).await?;
    }
    ledger
        .close_run(run, &RunSummary::new(RunOutcome::Done))
        .await?;
    ledger.close().await;
    Ok(())
}

#[tokio::test]
async fn killed_between_any_two_writes_it_goes_on_from_there() {
    if let Some(path) = std::env::var_os(PLACE) {
        work(Path::new(&path)).await.unwrap();
        return;
    }
    let test = "killed_between_any_two_writes_it_goes_on_from_there";
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let traced = [("RECONCILED_CRASH_TRACE", trace.display().to_string())];
    let whole = again(test, &folder.path().join("whole.db"), "", &traced);
    assert!(whole.status.success(), "{whole:?}");
    let points = std::fs::read_to_string(&trace).unwrap();
    let points: Vec<&str> = points.lines().collect();
    assert_eq!(points.len(), 2 * (1 + 3 * STEPS.len() + 1), "{points:?}");

    for (number, point) in (1..).zip(&points) {
        let path = folder.path().join(format!("killed-{number}.db"));
        let killed = again(
            test,
            &path,
            "",
            &[("RECONCILED_CRASH_AT", number.to_string())],
        );
        assert_eq!(killed.status.signal(), Some(9), "{point}: {killed:?}");

        let ledger = Ledger::open_for_reading(&path).await.unwrap();
        ledger.verify().await.unwrap();
        let ours = ledger.all_owned_addresses().await.unwrap();
        for run in ledger.interrupted_runs().await.unwrap() {
            let steps = ledger.run(run.id).await.unwrap().unwrap().steps;
            for step in steps {
                let applied = step.applied_at.is_some();
                assert_eq!(applied, ours.contains(&step.intent.address), "{point}");
            }
        }
        ledger.close().await;

        work(&path).await.unwrap();
        let ledger = Ledger::open(&path).await.unwrap();
        assert_eq!(
            ledger.all_owned_addresses().await.unwrap().len(),
            STEPS.len(),
            "{point}"
        );
        assert_eq!(ledger.interrupted_runs().await.unwrap(), [], "{point}");
        let runs = ledger.runs(None, 9, None).await.unwrap();
        let mut applied = Vec::new();
        for run in &runs {
            let steps = ledger.run(run.id).await.unwrap().unwrap().steps;
            let done = steps.into_iter().filter(|step| step.applied_at.is_some());
            applied.extend(done.map(|step| step.intent.address));
        }
        assert_eq!(
            applied.len(),
            STEPS.len(),
            "{point}: a step was applied twice: {applied:?}"
        );
        ledger.verify().await.unwrap();
        ledger.close().await;
    }
}

#[tokio::test]
async fn a_full_disk_stops_changes_and_loses_nothing() {
    // The system refuses what would make a file longer than this many blocks of 512 bytes.
    const LIMIT: &str = "trap '' XFSZ; ulimit -S -f 600;";
    const MOST: usize = 100;
    const FULL: &str = "refused, as it should be";
    if let Some(path) = std::env::var_os(PLACE) {
        let ledger = Ledger::open(Path::new(&path)).await.unwrap();
        for _ in 0..MOST {
            if let Err(error) = ledger.open_run(&intent(&STEPS, 20_000)).await {
                let hint = error.hint().unwrap();
                assert_eq!(error.code(), "ledger-full", "{error:?}");
                assert!(
                    hint.contains("changes are stopped, and nothing is lost"),
                    "{hint}"
                );
                // Still read while full.
                assert!(!ledger.runs(None, 1, None).await.unwrap().is_empty());
                println!("{FULL}");
                // With room again the same process goes on, as the daemon has to.
                let room = getrlimit(Resource::Fsize).maximum;
                let limit = Rlimit {
                    current: room,
                    maximum: room,
                };
                setrlimit(Resource::Fsize, limit).unwrap();
                ledger.open_run(&intent(&STEPS, 20_000)).await.unwrap();
                return;
            }
        }
        return;
    }
    let test = "a_full_disk_stops_changes_and_loses_nothing";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let full = again(test, &path, LIMIT, &[]);
    let said = String::from_utf8_lossy(&full.stdout).contains(FULL);
    assert!(full.status.success() && said, "{full:?}");

    let ledger = Ledger::open(&path).await.unwrap();
    ledger.verify().await.unwrap();
    let kept = ledger.runs(None, 200, None).await.unwrap().len();
    assert!(kept > 2 && kept < MOST, "{kept}");
    for run in ledger.runs(None, 200, None).await.unwrap() {
        let run = ledger.run(run.id).await.unwrap().unwrap();
        assert_eq!(
            (run.plan["padding"].as_str().unwrap().len(), run.steps.len()),
            (20_000, 3)
        );
    }
    // With room again, it goes on.
    ledger.writable().await.unwrap();
    ledger.close().await;
    let free = again(test, &path, "", &[]);
    assert!(free.status.success(), "{free:?}");
}
