//! Pull requests that are opened by us: what one is made of, how it stands, and how it ended. Each has a
//! branch of its own, by which, and by who opened it, it is found again.

use super::ForgeError;
use crate::model::{Digest, RepoPath, Revision};
use async_trait::async_trait;
use std::collections::BTreeMap;

/// What a pull request of ours is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its branch, ours alone: `reconciled/shop/0a1b2c3d4e5f`.
    pub branch: String,
    /// The branch it is to be merged into.
    pub into: String,
    /// The commit that the files are changed in.
    pub onto: Revision,
    /// What files hold afterwards, whole; `None` takes one away.
    pub files: BTreeMap<RepoPath, Option<String>>,
    /// What the files are made from: while a branch carries this, nothing is committed to it again.
    pub version: Digest,
    /// The first line of the commit's message, and of the request.
    pub title: String,
    /// What the request says, in Markdown; at most 65,536 characters.
    pub body: String,
    /// Labels; the forge makes those that are new to it.
    pub labels: Vec<String>,
}

/// How a pull request of ours stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its branch.
    pub branch: String,
    /// The newest commit of its branch.
    pub head: Revision,
    /// What it says.
    pub body: String,
    /// How it stands.
    pub standing: Standing,
}

/// How a pull request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has decided.
    Open,
    /// It was merged, by whom where that is known.
    Merged(Option<String>),
    /// It was closed without a merge, by whom where that is known.
    Closed(Option<String>),
}

/// Opens pull requests of ours, and follows them. As it stands here: where nobody may open any.
///
/// # Guarantees
/// What is there is found before anything is made: killed between any two requests, the same call goes on.
/// A branch that somebody else committed to is never written ([`ForgeError::Moved`]), and none is ever forced.
#[async_trait]
pub trait Proposals: Send + Sync {
    /// Opens a pull request, or brings the open one of its branch up to date. One of that branch that ended is
    /// given back as it is; for another the branch has to be another. `None` where nobody may open any.
    async fn propose(&self, _draft: &Draft) -> Result<Option<Proposed>, ForgeError> {
        Ok(None)
    }
    /// Lists ours that are open and whose branch begins so, newest first.
    async fn open_proposals(&self, _prefix: &str) -> Result<Vec<Proposed>, ForgeError> {
        Ok(Vec::new())
    }
    /// Finds the newest of ours from a branch, open or ended; with who ended it.
    async fn proposal(&self, _branch: &str) -> Result<Option<Proposed>, ForgeError> {
        Ok(None)
    }
    /// Says why in a comment, closes it where it is open, and takes its branch away as [`Proposals::clear`] does.
    async fn withdraw(&self, _proposed: &Proposed, _why: &str) -> Result<(), ForgeError> {
        Ok(())
    }
    /// Takes its branch away, unless that holds what somebody else committed and nobody merged.
    async fn clear(&self, _proposed: &Proposed) -> Result<(), ForgeError> {
        Ok(())
    }
}
