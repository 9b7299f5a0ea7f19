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
use jiff::Timestamp;

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
        format!(
            "<sub>{what} {} for {}.</sub>\n",
            super::words::at(self.at),
            escape::code(&self.revision.short())
        )
    }
}
