//! What stops a part of a plan, where the spec says so: shown on its line, beside the plan that tells it in words.

use super::super::{Looked, Pinned};
use crate::model::{Action, Diagnostic, Location, Severity, Step};

/// Returns what holds deletes back, at the environment, and each resource that waits though it is there and is
/// another, is protected or would be refused, where it is declared; at the environment where it is declared no more.
pub(super) fn of(pinned: &Pinned, looked: &Looked) -> Vec<Diagnostic> {
    let environment = &pinned.environment.location;
    let holds = looked.plan.holds.iter().filter(|hold| hold.deletes_only);
    let holds = holds.map(|hold| stop(environment, hold.code, hold.reason.clone()));
    let waits = looked.plan.steps.iter().filter(|step| is_stopped(step));
    let waits = waits.map(|step| {
        let mut wanted = looked.seen.wanted.iter();
        let wanted = wanted.find(|wanted| wanted.address == step.address);
        let place = wanted.map_or(environment, |wanted| &wanted.location);
        let why = step.reason.as_deref().unwrap_or_default();
        let resource = &step.address.resource;
        match step.refused {
            true => Diagnostic {
                severity: Severity::Error,
                ..stop(place, "refused", format!("{resource}: {why}"))
            },
            false => stop(place, "waits", format!("{resource} waits: {why}")),
        }
    });
    holds.chain(waits).collect()
}

fn is_stopped(step: &Step) -> bool {
    step.action == Action::Wait
        && step.unknown.is_none()
        && (step.refused || step.protected || step.loses())
}

fn stop(place: &Location, code: &'static str, message: String) -> Diagnostic {
    Diagnostic {
        location: place.clone(),
        severity: Severity::Warning,
        code,
        message,
        hint: None,
        source_line: String::new(),
        related: None,
    }
}
