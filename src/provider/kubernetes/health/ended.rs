//! How a container ended that should have gone on, and what to do about it.

use super::pods::{More, shown};
use serde_json::Value as Json;
use std::fmt::{self, Display, Formatter};

/// How a container ended that should not have.
pub(super) struct Ended<'c> {
    pub(super) container: &'c Json,
    pub(super) reason: &'c str,
    pub(super) code: i64,
    /// Whether it was started again since.
    pub(super) is_last: bool,
}

impl<'c> Ended<'c> {
    /// Reads it; `None` where it runs, or did its work.
    pub(super) fn of(container: &'c Json) -> Option<Self> {
        let states = [("state", false), ("lastState", true)];
        let (ended, is_last) = states
            .into_iter()
            .map(|(key, is_last)| (&container[key]["terminated"], is_last))
            .find(|(ended, _)| ended.is_object())?;
        let reason = ended["reason"].as_str().unwrap_or("Error");
        (reason != "Completed").then_some(Self {
            container,
            reason,
            code: ended["exitCode"].as_i64().unwrap_or_default(),
            is_last,
        })
    }

    pub(super) fn name(&self) -> &'c str {
        self.container["name"].as_str().unwrap_or_default()
    }

    pub(super) fn is_memory(&self) -> bool {
        self.reason == "OOMKilled"
    }
}

impl Display for Ended<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} (exit code {})", self.reason, self.code)
    }
}

/// Returns how one of these ended: for want of memory rather than otherwise, which others may follow from.
pub(super) fn worst_end<'c>(containers: impl Iterator<Item = &'c Json>) -> Option<Ended<'c>> {
    let ends = containers.filter_map(Ended::of);
    ends.min_by_key(|ended| !ended.is_memory())
}

/// Tells what to do about a container that ended, and what else may be asked about it.
pub(super) fn remedy(object: &Json, ended: &Ended<'_>) -> (String, More) {
    let name = ended.name();
    let container = name.to_owned();
    if ended.is_memory() {
        let limit = limit(object, name);
        let next = format!("Raise the memory limit of the container{limit}, or find what uses it.");
        return (next, More::Memory { container });
    }
    let previous = ended.is_last;
    let flag = if previous { " --previous" } else { "" };
    let next = format!(
        "Read its last words: kubectl logs {} -c {name}{flag}",
        shown(object)
    );
    let more = More::LastWords {
        container,
        previous,
    };
    (next, more)
}

fn limit(object: &Json, container: &str) -> String {
    let specs = ["initContainers", "containers"]
        .into_iter()
        .flat_map(|key| object["spec"][key].as_array().into_iter().flatten());
    let limit = specs
        .filter(|spec| spec["name"] == container)
        .find_map(|spec| spec["resources"]["limits"]["memory"].as_str());
    limit
        .map(|limit| format!(" (it is {limit})"))
        .unwrap_or_default()
}
