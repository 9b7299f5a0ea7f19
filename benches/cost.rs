//! What some work costs on a cluster: time, processor time, requests.

use super::report::{line, ms, ratio};
use crate::peers::kubernetes::Cluster;
use crate::peers::wait::until;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// For as long as nothing happens, controllers have caught up.
const QUIET: Duration = Duration::from_secs(2);

/// What some work cost.
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// Of all threads of this process.
    processor: Duration,
    /// By verb, dry-runs apart.
    requests: BTreeMap<String, usize>,
}

impl Cost {
    /// Returns how many requests it took.
    pub(crate) fn count(&self) -> usize {
        self.requests.values().sum()
    }

    /// Prints it, beside the floor where there is one to compare with.
    pub(crate) fn print(&self, what: &str, floor: Option<(Duration, &str)>) {
        line(what, &ms(self.wall), "");
        if let Some((floor, target)) = floor {
            let times = format!("{:.2} x", ratio(self.wall, floor));
            line("  ratio to the floor", &times, target);
        }
        line("  processor time of this process", &ms(self.processor), "");
        for (what, count) in &self.requests {
            line(&format!("  {what}"), &count.to_string(), "");
        }
    }
}

/// Runs work on a cluster that is at rest, and waits until it is again.
pub(crate) async fn cost<T>(cluster: &Cluster, work: impl Future<Output = T>) -> (T, Cost) {
    settle(cluster);
    let (before, begun) = (cluster.requests().len(), Instant::now());
    let processor_before = processor("self");
    let done = work.await;
    let wall = begun.elapsed();
    let processor = processor("self") - processor_before;
    settle(cluster);
    let mut requests = BTreeMap::new();
    for request in cluster.requests().into_iter().skip(before) {
        if request.agent.starts_with("kube-") {
            continue;
        }
        let dry = if request.uri.contains("dryRun") {
            " (dry-run)"
        } else {
            ""
        };
        *requests
            .entry(format!("{}{dry}", request.verb))
            .or_insert(0) += 1;
    }
    let cost = Cost {
        wall,
        processor,
        requests,
    };
    (done, cost)
}

/// Waits until the controllers have nothing left to do.
pub(crate) fn settle(cluster: &Cluster) {
    let log = cluster.kubeconfig().with_file_name("audit.log");
    let size = || std::fs::metadata(&log).unwrap().len();
    let mut last = (size(), Instant::now());
    until(
        "the controllers are at rest",
        Duration::from_secs(600),
        || {
            let now = size();
            if now != last.0 {
                last = (now, Instant::now());
            }
            (last.1.elapsed() >= QUIET).then_some(())
        },
    );
}

/// Returns what a process (`self` is this one) has used of the processor, in the kernel's ticks of 10 ms.
pub(crate) fn processor(process: &str) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name in brackets may hold spaces. Source: proc_pid_stat(5), fields 14 and 15.
    let fields = text.rsplit_once(')').unwrap().1.split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}
