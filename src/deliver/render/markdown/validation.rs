//! What can be said of a pull request from a fork: whether its specs are right. Nothing live is read.

use super::paper::Paper;
use super::{Page, escape};
use crate::deliver::render::words::many;
use crate::model::{Diagnostic, EnvironmentName, Severity};

/// Shows the mistakes of a pull request, or that there are none; `environments` are those it touches.
/// `from_fork` says why there is no plan.
pub fn validation_markdown(
    environments: &[EnvironmentName],
    diagnostics: &[Diagnostic],
    from_fork: bool,
    page: &Page<'_>,
) -> String {
    let errors = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count();
    let verdict = match (errors, diagnostics.len()) {
        (0, 0) => "🟢 The specs are valid".to_owned(),
        (0, warnings) => format!("🟡 The specs are valid, with {}", many(warnings, "warning")),
        (errors, _) => format!("🔴 {} in the specs", many(errors, "error")),
    };
    let mut paper = Paper::default();
    paper.open(page.opening(&verdict));
    let names: Vec<String> = environments
        .iter()
        .map(|name| escape::code(name.as_str()))
        .collect();
    if !names.is_empty() {
        paper.open(format!("Touches {}.\n\n", names.join(", ")));
    }
    if from_fork {
        paper.open("It comes from a fork, so nothing live was read and there is no plan: a maintainer can bring the branch into this repository to see one.\n\n");
    }
    let items: Vec<String> = diagnostics.iter().map(item).collect();
    paper.list(
        if errors > 0 {
            "To be put right"
        } else {
            "Warnings"
        },
        &items,
    );
    paper.finish(&page.freshness("Checked"))
}

fn item(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.location.to_string();
    let hint = diagnostic
        .hint
        .as_ref()
        .map_or_else(String::new, |hint| format!(" {}", escape::text(hint)));
    format!(
        "{} {} ({}).{hint}",
        escape::code(&place),
        escape::text(&diagnostic.message),
        escape::text(diagnostic.code)
    )
}
