//! Markdown for GitHub: the plan on a pull request, its validation for a fork, the result after merge, and
//! what our own pull requests say.

mod approval;
mod check;
mod conflict;
mod drift;
mod escape;
mod help;
mod overtaken;
mod paper;
mod plan;
mod rolled_back;
mod run;
mod steps;
mod validation;

pub use approval::{Approving, Reverting, approval_markdown, revert_markdown};
pub use check::{summary_markdown, titles_markdown};
pub use conflict::conflict_markdown;
pub use drift::{Drifting, drift_markdown};
pub use help::help_markdown;
pub use overtaken::overtaken_markdown;
pub use plan::plan_markdown;
pub use rolled_back::{RolledBack, rolled_back_markdown};
pub use run::run_markdown;
pub use validation::validation_markdown;

use crate::model::Revision;
use crate::plan::Plan;
use jiff::Timestamp;
use std::time::Duration;

/// Of how many plans the small print names the hash.
const MOST_HASHES: usize = 10;

/// What a comment says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The first line, by which our comment is found: an HTML comment without line breaks.
    pub marker: &'a str,
    /// What Git state it is about: the pull request's head, or the merged commit.
    pub revision: &'a Revision,
    /// When it was made.
    pub at: Timestamp,
}

impl Page<'_> {
    fn opening(&self, verdict: &str) -> String {
        format!("{}\n### {verdict}\n\n", self.marker)
    }

    fn freshness(&self, what: &str) -> String {
        self.small_print(what, "")
    }

    /// Says when what it is about ended, and how long it took.
    fn ended(&self, took: Option<Duration>) -> String {
        let took = took.map(|took| format!(", after {}", super::words::lasted(took)));
        self.small_print("Ended", &took.unwrap_or_default())
    }

    /// Says of plans what they are made from, and which they are.
    fn planned(&self, plans: &[Plan]) -> String {
        let hash = |plan: &Plan| escape::code(plan.hash.short());
        let writing = plans.iter().filter(|plan| {
            let mut steps = plan.steps.iter();
            steps.any(|step| step.action.writes())
        });
        let plans: Vec<&Plan> = writing.collect();
        let named = plans.iter().take(MOST_HASHES).map(|plan| {
            let name = escape::text(plan.environment.as_str());
            format!("{name} {}", hash(plan))
        });
        let named = named.collect::<Vec<_>>().join(", ");
        let hashes = match plans.as_slice() {
            [] => String::new(),
            [one] => format!("; plan {}", hash(one)),
            more if more.len() > MOST_HASHES => format!("; plans {named} …"),
            _ => format!("; plans {named}"),
        };
        self.small_print("Planned against live state", &hashes)
    }

    fn small_print(&self, what: &str, more: &str) -> String {
        format!(
            "<sub>{what} {} for {}{more}.</sub>\n",
            super::words::at(self.at),
            escape::code(&self.revision.short())
        )
    }
}
