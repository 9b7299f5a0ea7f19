//! What is remembered of one pull request, over a restart.

use crate::deliver::forge::Said;
use crate::model::{Digest, Revision};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is remembered of our comment and our verdicts, and of what people said.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) comment: Option<u64>,
    pub(super) digest: Option<Digest>,
    pub(super) head: Option<Revision>,
    /// When it was written: what it says of its time is not left to grow old.
    #[serde(default)]
    pub(super) written_at: Option<Timestamp>,
    /// The last status and the commit it stands on: GitHub takes no more than a thousand of each.
    #[serde(default)]
    pub(super) status: Option<(Revision, String)>,
    /// Since when the branch cannot be merged, where the comment says so.
    #[serde(default)]
    pub(super) conflict_since: Option<Timestamp>,
    /// The commit that our check runs are on.
    #[serde(default)]
    pub(super) checked: Option<Revision>,
    /// Our check runs on that commit, by name.
    #[serde(default)]
    pub(super) checks: BTreeMap<String, Checked>,
    /// The last comment that was heard.
    #[serde(default)]
    pub(super) heard: Option<Said>,
}

/// A check run that was written.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Checked {
    pub(super) id: u64,
    /// What it says; `None` where somebody else remembered that.
    pub(super) digest: Option<Digest>,
    /// The mistakes that stand in it.
    pub(super) wrong: Option<Digest>,
}
