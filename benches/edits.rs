//! Edits by hand, one after the other: how soon each is heard of, and how soon it is put back.

use super::report::{line, ms};
use crate::peers::kubernetes::Cluster;
use reconciled::engine::Pace;
use reconciled::model::Address;
use reconciled::provider::Nudged;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// How many edits are made; each of another object.
const EDITS: usize = 100;

/// The label by which a service finds its pods.
const SELECTED: &str = "app.kubernetes.io/name";

/// How long edits took, shortest first.
pub(crate) struct Edits {
    heard: Vec<Duration>,
    put_back: Vec<Duration>,
}

impl Edits {
    /// Edits services, and runs as the schedule does when it hears of it.
    pub(crate) async fn make(
        cluster: &Cluster,
        namespace: &str,
        apps: usize,
        nudges: &mut Receiver<Nudged>,
        run: impl AsyncFn(BTreeSet<Address>),
    ) -> Self {
        while nudges.try_recv().is_ok() {}
        let mut edits = Self {
            heard: Vec::new(),
            put_back: Vec::new(),
        };
        for nth in 0..EDITS.min(apps) {
            let path = format!("/api/v1/namespaces/{namespace}/services/app-{nth:05}");
            let begun = Instant::now();
            // As a person: what a controller writes is left to it.
            let as_person = format!("{path}?fieldManager=kubectl-edit");
            let selector = json!({ "spec": { "selector": { SELECTED: "another" } } });
            assert!(cluster.merge_patch(&as_person, &selector));
            let name = format!("app-{nth:05}");
            let is_it = |told: &str| told.contains("Service/") && told.contains(&name);
            let edited = loop {
                if let Nudged::Resource(told) = nudges.recv().await.unwrap()
                    && is_it(&told.to_string())
                {
                    break told;
                }
            };
            edits.heard.push(begun.elapsed());
            // As the schedule does, to run once for all that is edited together.
            let _gathered = timeout(Pace::default().gather, nudges.recv()).await;
            run(BTreeSet::from([edited])).await;
            edits.put_back.push(begun.elapsed());
            let live = cluster.get(&path).unwrap();
            assert_eq!(live["spec"]["selector"][SELECTED], name.as_str());
        }
        edits.heard.sort();
        edits.put_back.sort();
        edits
    }

    /// Prints the middle one and the worst but one of a hundred.
    pub(crate) fn print(&self) {
        for (what, times, middle, worst) in [
            ("heard of", &self.heard, "", ""),
            (
                "put back, recorded before",
                &self.put_back,
                "<= 500 ms",
                "<= 2 s",
            ),
        ] {
            let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
            line(&format!("{what}, p50"), &ms(at(50)), middle);
            line(&format!("{what}, p99"), &ms(at(99)), worst);
        }
    }
}
