//! Why a program rendered nothing that can be used.

use crate::model::{Class, Fault, Render};
use crate::net::ProcessError;
use crate::source::charts::ChartError;
use std::process::ExitStatus;

/// Why nothing was rendered. Texts name what was to be rendered; what a program said is scrubbed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("render {what}: {reason}")]
pub struct RenderError {
    what: String,
    reason: String,
    code: &'static str,
    hint: Option<String>,
    class: Class,
}

impl RenderError {
    pub(super) fn not_merged(render: &Render) -> Self {
        Self {
            what: super::shown(render),
            reason: "nothing of a fork is rendered before it is merged".to_owned(),
            code: "render-not-merged",
            hint: None,
            class: Class::Refused,
        }
    }

    pub(super) fn fetched(render: &Render, error: &ChartError) -> Self {
        Self {
            what: super::shown(render),
            reason: error.to_string(),
            code: error.code(),
            hint: error.hint(),
            class: error.class(),
        }
    }

    pub(super) fn scratch(what: &str, error: &std::io::Error) -> Self {
        Self {
            what: what.to_owned(),
            reason: format!(
                "its files cannot be written to this machine's temporary folder: {error}"
            ),
            code: "render-scratch",
            hint: Some(
                "See that TMPDIR names a folder this user may write to, with space left."
                    .to_owned(),
            ),
            class: Class::Transient,
        }
    }

    pub(super) fn process(what: &str, program: &str, error: &ProcessError) -> Self {
        let hint = match error {
            ProcessError::Missing { .. } => Some(how_to_install(program)),
            other => other.hint(),
        };
        Self {
            what: what.to_owned(),
            reason: match error {
                ProcessError::Missing { .. } => format!("{program} is not installed here"),
                ProcessError::Timeout { deadline, .. } => {
                    format!("{program} did not end within {deadline:?} and was stopped")
                }
                ProcessError::Start { source, .. } | ProcessError::Broken { source, .. } => {
                    format!("{program} cannot be run: {source}")
                }
            },
            code: match error {
                ProcessError::Missing { .. } => "render-program-missing",
                ProcessError::Timeout { .. } => "render-timeout",
                _ => "render-program-broken",
            },
            hint,
            class: error.class(),
        }
    }

    pub(super) fn failed(what: &str, program: &str, status: ExitStatus, said: &str) -> Self {
        let reason = if said.is_empty() {
            format!("{program} ended with {status} and said nothing")
        } else {
            format!("{program} says: {said}")
        };
        let unvendored = said.contains("missing in charts/ directory");
        let hint = "Run `helm dependency build` and commit the chart's charts folder.";
        Self {
            what: what.to_owned(),
            reason,
            code: "render-failed",
            hint: unvendored.then(|| hint.to_owned()),
            class: Class::User,
        }
    }

    pub(super) fn varies(what: &str, sources: &[String]) -> Self {
        Self {
            what: what.to_owned(),
            reason: format!(
                "it comes out differently each time, in {}: it would never be equal to what is live",
                sources.join(", ")
            ),
            code: "render-varies",
            hint: Some("Set the values that the chart makes up where they are missing: passwords, keys, certificates, or the name of a Secret that holds them.".to_owned()),
            class: Class::User,
        }
    }

    pub(super) fn too_large(what: &str, program: &str, limit: usize) -> Self {
        let limit = limit / (1024 * 1024);
        Self {
            what: what.to_owned(),
            reason: format!("{program} wrote more than {limit} MiB"),
            code: "render-too-large",
            hint: Some("Split it into several resources.".to_owned()),
            class: Class::User,
        }
    }

    pub(super) fn no_text(what: &str, program: &str) -> Self {
        Self {
            what: what.to_owned(),
            reason: format!("{program} wrote what is no UTF-8 text"),
            code: "render-no-text",
            hint: None,
            class: Class::User,
        }
    }

    /// Tells whether asking again at once could end differently.
    pub(super) fn may_pass(&self) -> bool {
        !matches!(
            self.code,
            "render-failed" | "render-timeout" | "render-varies"
        )
    }
}

fn how_to_install(program: &str) -> String {
    let name = program.rsplit('/').next().unwrap_or(program);
    format!(
        "Install {name} on the machine the daemon runs on, or name it in the settings: providers.kubernetes.{name}."
    )
}

impl Fault for RenderError {
    fn code(&self) -> &'static str {
        self.code
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    fn class(&self) -> Class {
        self.class
    }
}
