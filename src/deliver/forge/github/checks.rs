//! Check runs, which only an App may write.
//!
//! Source: "REST API endpoints for check runs" in GitHub's documentation.

use super::GitHub;
use crate::deliver::forge::{Check, ForgeError, StatusState};
use crate::model::{Diagnostic, Revision, Severity};
use octocrab::params::checks::{
    CheckRunConclusion, CheckRunOutput, CheckRunOutputAnnotation, CheckRunOutputAnnotationLevel,
    CheckRunStatus,
};
use serde::Deserialize;

/// The most annotations of one request.
const AT_ONCE: usize = 50;
/// The most annotations that are told: whoever has more mistakes puts some right first.
const MOST: usize = 500;
/// By this we know our own among those of other Apps.
const OURS: &str = "reconciled";

/// Octocrab's leaves out whose it is, and wants counts and addresses that not every server gives.
#[derive(Deserialize)]
struct Run {
    id: u64,
    name: String,
    external_id: Option<String>,
}

/// A list says how much it holds, too.
#[derive(Deserialize)]
struct Runs {
    check_runs: Vec<Run>,
}

impl GitHub {
    /// Returns ours on a commit, by name.
    pub(super) async fn check_runs(
        &self,
        head: &Revision,
    ) -> Result<Vec<(String, u64)>, ForgeError> {
        let rest = format!("commits/{head}/check-runs?filter=latest&per_page=100");
        let Runs { check_runs } = self.door.one("list the check runs", &rest).await?;
        let ours = check_runs.into_iter();
        let ours = ours.filter(|run| run.external_id.as_deref() == Some(OURS));
        Ok(ours.map(|run| (run.name, run.id)).collect())
    }

    /// Writes a check run, or rewrites the one that is known. Returns its id.
    pub(super) async fn write_check(
        &self,
        check: &Check<'_>,
        known: Option<u64>,
    ) -> Result<u64, ForgeError> {
        let told = &check.wrong[..check.wrong.len().min(MOST)];
        let (first, rest) = told.split_at(told.len().min(AT_ONCE));
        let id = match known {
            Some(id) => match self.change_check(id, check, first).await {
                Err(ForgeError::Answered { status: 404, .. }) => None,
                changed => Some(changed.map(|()| id)?),
            },
            None => None,
        };
        let id = match id {
            Some(id) => id,
            None => self.make_check(check, first).await?,
        };
        for some in rest.chunks(AT_ONCE) {
            self.change_check(id, check, some).await?;
        }
        Ok(id)
    }

    async fn make_check(&self, check: &Check<'_>, wrong: &[Diagnostic]) -> Result<u64, ForgeError> {
        let checks = self.door.checks();
        let mut made = checks
            .create_check_run(check.name, check.head.to_string())
            .external_id(OURS)
            .output(output(check, wrong))
            .status(status(check.state));
        if let Some(conclusion) = conclusion(check.state) {
            made = made.conclusion(conclusion);
        }
        if let Some(page) = check.page {
            made = made.details_url(page);
        }
        let (doing, rest) = ("make the check run", "check-runs");
        let Run { id, .. } = self.door.post(doing, rest, &made).await?;
        Ok(id)
    }

    async fn change_check(
        &self,
        id: u64,
        check: &Check<'_>,
        wrong: &[Diagnostic],
    ) -> Result<(), ForgeError> {
        let checks = self.door.checks();
        let mut changed = checks
            .update_check_run(id.into())
            .name(check.name)
            .external_url(OURS)
            .output(output(check, wrong))
            .status(status(check.state));
        if let Some(conclusion) = conclusion(check.state) {
            changed = changed.conclusion(conclusion);
        }
        if let Some(page) = check.page {
            changed = changed.details_url(page);
        }
        let (doing, rest) = ("change the check run", format!("check-runs/{id}"));
        let _run: Run = self.door.patch(doing, &rest, &changed).await?;
        Ok(())
    }
}

fn output(check: &Check<'_>, wrong: &[Diagnostic]) -> CheckRunOutput {
    CheckRunOutput {
        title: check.title.to_owned(),
        summary: check.summary.to_owned(),
        text: None,
        annotations: wrong.iter().map(annotation).collect(),
        images: Vec::new(),
    }
}

fn status(state: StatusState) -> CheckRunStatus {
    match state {
        StatusState::Pending => CheckRunStatus::InProgress,
        _ => CheckRunStatus::Completed,
    }
}

fn conclusion(state: StatusState) -> Option<CheckRunConclusion> {
    match state {
        StatusState::Pending => None,
        StatusState::Success => Some(CheckRunConclusion::Success),
        StatusState::Failure => Some(CheckRunConclusion::Failure),
        // A required check that is neutral lets a merge pass. Source: "About protected branches".
        StatusState::Error => Some(CheckRunConclusion::ActionRequired),
    }
}

fn annotation(wrong: &Diagnostic) -> CheckRunOutputAnnotation {
    let place = &wrong.location;
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let hint = wrong.hint.as_deref().map(|hint| format!("\n{hint}"));
    CheckRunOutputAnnotation {
        path: place.file.to_string(),
        start_line: number(place.line),
        end_line: number(place.line),
        start_column: Some(number(place.column)),
        end_column: Some(number(place.column + place.length.max(1) - 1)),
        annotation_level: match wrong.severity {
            Severity::Error => CheckRunOutputAnnotationLevel::Failure,
            Severity::Warning => CheckRunOutputAnnotationLevel::Warning,
        },
        message: format!("{}{}", wrong.message, hint.unwrap_or_default()),
        title: Some(wrong.code.to_owned()),
        raw_details: None,
    }
}
