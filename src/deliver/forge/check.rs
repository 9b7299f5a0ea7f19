//! A check run: the verdict on a commit that can be required, with a text and places in files.

use super::{ForgeError, StatusState};
use crate::model::{Diagnostic, Revision};
use async_trait::async_trait;

/// What a check run says.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// Its name, by which it can be required.
    pub name: &'a str,
    /// The commit it stands on.
    pub head: &'a Revision,
    /// The verdict.
    pub state: StatusState,
    /// The verdict in a few words.
    pub title: &'a str,
    /// The page it leads to.
    pub page: Option<&'a str>,
    /// Markdown, at most 65,535 characters.
    pub summary: &'a str,
    /// Mistakes that are shown in their place. GitHub adds them to those it was told before.
    pub wrong: &'a [Diagnostic],
}

/// Check runs.
#[async_trait]
pub trait Checks: Send + Sync {
    /// Tells whether verdicts stand as check runs; else they are commit statuses.
    fn has_checks(&self) -> bool {
        false
    }
    /// Finds our check runs on a commit, by name. Only asked where there are any.
    async fn checks_on(&self, _head: &Revision) -> Result<Vec<(String, u64)>, ForgeError> {
        Ok(Vec::new())
    }
    /// Writes a check run, or rewrites the one that is known. Returns its id. Only asked where there are any.
    async fn put_check(&self, _check: &Check<'_>, _known: Option<u64>) -> Result<u64, ForgeError> {
        Ok(0)
    }
}
