//! What a person says on a pull request.

use super::ForgeError;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its id; later ones are greater.
    pub id: u64,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it, by login.
    #[serde(default)]
    pub by: String,
    /// What it says. Not kept over a restart.
    #[serde(skip)]
    pub text: String,
}

/// What people say; where nobody can be heard, nobody says anything.
#[async_trait]
pub trait Talk: Send + Sync {
    /// Lists the comments behind one that is known, or all, oldest first.
    async fn said_after(
        &self,
        _number: u64,
        _known: Option<&Said>,
    ) -> Result<Vec<Said>, ForgeError> {
        Ok(Vec::new())
    }
    /// Tells whether somebody may write to the repository now.
    async fn may_write(&self, _login: &str) -> Result<bool, ForgeError> {
        Ok(false)
    }
    /// Shows the author of a comment that it was heard; twice is as good as once.
    async fn react(&self, _comment: u64, _sign: Sign) -> Result<(), ForgeError> {
        Ok(())
    }
}

/// What is shown to the author of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// What was asked for is done.
    Nod,
    /// It was not understood.
    Puzzled,
}
