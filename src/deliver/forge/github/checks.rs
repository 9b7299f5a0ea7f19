//! Check runs, which only an App may write.
//!
//! Source: "REST API endpoints for check runs" in GitHub's documentation.

use super::GitHub;
use crate::deliver::forge::{Check, ForgeError, StatusState};
use crate::model::{Diagnostic, Revision, Severity};
use serde::Deserialize;
use serde_json::{Value, json};

/// The most annotations of one request.
const AT_ONCE: usize = 50;
/// The most annotations that are told: whoever has more mistakes puts some right first.
const MOST: usize = 500;
/// By this we know our own among those of other Apps.
const OURS: &str = "reconciled";

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
        let mut body = body(check, first);
        let id = match known {
            Some(id) => match self.change_check(id, &body).await {
                Err(ForgeError::Answered { status: 404, .. }) => None,
                changed => Some(changed.map(|()| id)?),
            },
            None => None,
        };
        let id = match id {
            Some(id) => id,
            None => {
                body["head_sha"] = json!(check.head);
                let doing = "make the check run";
                let Run { id, .. } = self.door.post(doing, "check-runs", &body).await?;
                id
            }
        };
        for some in rest.chunks(AT_ONCE) {
            self.change_check(id, &self::body(check, some)).await?;
        }
        Ok(id)
    }

    async fn change_check(&self, id: u64, body: &Value) -> Result<(), ForgeError> {
        let rest = format!("check-runs/{id}");
        let _run: Run = self.door.patch("change the check run", &rest, body).await?;
        Ok(())
    }
}

fn body(check: &Check<'_>, wrong: &[Diagnostic]) -> Value {
    let mut output = json!({ "title": check.title, "summary": check.summary });
    if !wrong.is_empty() {
        output["annotations"] = wrong.iter().map(annotation).collect();
    }
    let mut body = json!({ "name": check.name, "external_id": OURS, "output": output });
    match conclusion(check.state) {
        Some(conclusion) => {
            body["status"] = json!("completed");
            body["conclusion"] = json!(conclusion);
        }
        None => body["status"] = json!("in_progress"),
    }
    body
}

fn conclusion(state: StatusState) -> Option<&'static str> {
    match state {
        StatusState::Pending => None,
        StatusState::Success => Some("success"),
        StatusState::Failure => Some("failure"),
        StatusState::Error => Some("neutral"),
    }
}

fn annotation(wrong: &Diagnostic) -> Value {
    let place = &wrong.location;
    let hint = wrong.hint.as_deref().map(|hint| format!("\n{hint}"));
    let level = match wrong.severity {
        Severity::Error => "failure",
        Severity::Warning => "warning",
    };
    json!({
        "path": place.file, "start_line": place.line, "end_line": place.line,
        "start_column": place.column, "end_column": place.column + place.length.max(1) - 1,
        "annotation_level": level, "title": wrong.code,
        "message": format!("{}{}", wrong.message, hint.unwrap_or_default()),
    })
}
