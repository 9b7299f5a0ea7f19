//! The small print of a message on a run: what revision, by whom, where to read more.

use super::{code, text};
use crate::deliver::render::words::{at, cause, lasted};
use crate::model::{EnvironmentName, Revision, RunId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Pages on the web, as far as there are any. Made of settings and numbers, never of anybody's text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The pull request it came from: its number and page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<(u64, String)>,
    /// The plan that was reviewed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

impl Links {
    /// Returns a revision, which leads to its page.
    pub(super) fn at(&self, revision: &Revision) -> String {
        let short = code(&revision.short());
        match &self.revision {
            Some(url) => format!("<{url}|{short}>"),
            None => short,
        }
    }

    /// Returns where else there is to read.
    pub(super) fn others(&self) -> Vec<String> {
        let pull = self.pull.as_ref();
        let pull = pull.map(|(number, url)| format!("<{url}|#{number}>"));
        let plan = self.plan.as_ref().map(|url| format!("<{url}|plan>"));
        pull.into_iter().chain(plan).collect()
    }
}

/// Who put an environment back to an older revision, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    /// Who.
    pub by: String,
    /// Why; empty where no reason was given.
    pub why: String,
}

/// What is said of a run besides what it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Set where it put the environment back.
    pub back: Option<Back>,
    /// Who made the revision.
    pub by: Option<String>,
    /// Who had it carried out, where a person did.
    pub ordered_by: Option<String>,
    /// How long it took.
    pub took: Option<Duration>,
    /// Where to read more.
    pub links: Links,
}

/// A run, in the words of its small print.
#[derive(Clone, Copy, Debug)]
pub struct RunWords<'a> {
    /// Of which environment.
    pub environment: &'a EnvironmentName,
    /// Which revision it brings.
    pub revision: &'a Revision,
    /// Its record, where it has one.
    pub run: Option<RunId>,
    /// Why it runs, as one word of the ledger.
    pub trigger: &'a str,
    /// When this is said.
    pub at: Timestamp,
}

/// Returns the line.
pub(super) fn line(words: &RunWords<'_>, about: &About) -> String {
    let at_revision = about.links.at(words.revision);
    let environment = code(words.environment.as_str());
    let by = about.by.as_ref().map(|by| format!(" by {}", text(by)));
    let mut parts = vec![format!(
        "{environment} at {at_revision}{}",
        by.unwrap_or_default()
    )];
    parts.extend(about.links.others());
    parts.extend(words.run.map(|run| format!("run {run}")));
    let ordered = about.ordered_by.as_ref();
    let ordered = ordered.map_or_else(String::new, |by| format!(" by {}", text(by)));
    parts.push(format!("{}{ordered}", cause(words.trigger)));
    parts.extend(about.took.map(|took| format!("took {}", lasted(took))));
    parts.push(at(words.at));
    parts.join(" · ")
}
