//! How a step ended.

use super::map::Map;
use super::observation::{Health, Mark, Verdict};
use serde::{Deserialize, Serialize};

/// What a provider answers after a write.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What expressions can read now; secrets sealed. May be incomplete until the resource is ready.
    pub outputs: Map,
    /// The state after the write; `None` after a delete.
    pub mark: Option<Mark>,
    /// The id the live side made.
    pub external_id: Option<String>,
    /// Whether it works already; `deliver` waits on anything but `Ready`.
    pub health: Health,
    /// True where nothing had to be written: live already equalled desired.
    pub unchanged: bool,
    /// Where the same write again would change nothing: how to know that without asking.
    pub verdict: Option<Verdict>,
    /// What of it is otherwise than declared, as was foretold; a sentence fragment.
    pub note: Option<String>,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "outcome")]
pub enum Outcome {
    /// Carried out, and ready where that was waited for.
    Done {
        /// What of it is not there yet though nobody waits for it, or is otherwise than declared, as a sentence
        /// fragment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        but: Option<String>,
    },
    /// Nothing had to be done after all.
    Unchanged,
    /// Not carried out, because of something before it or a new revision.
    Skipped {
        /// Which, as a sentence fragment.
        reason: String,
    },
    /// Declined: live state moved since it was planned. The next run plans again.
    Moved,
    /// Tried and failed, or not ready in time.
    Failed {
        /// Stable, for alert keys.
        code: String,
        /// What happened, without secrets.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
}

impl Outcome {
    /// It was carried out, and that is all.
    pub const DONE: Self = Self::Done { but: None };

    /// Tells whether something was changed, and went well.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    /// Tells whether dependants may go on.
    pub fn is_good(&self) -> bool {
        self.is_done() || *self == Self::Unchanged
    }

    /// Returns it with other words for what happened.
    #[must_use]
    pub fn reworded(self, words: impl Fn(String) -> String) -> Self {
        match self {
            Self::Done { but } => Self::Done {
                but: but.map(words),
            },
            Self::Skipped { reason } => Self::Skipped {
                reason: words(reason),
            },
            Self::Failed {
                code,
                message,
                hint,
            } => Self::Failed {
                code,
                message: words(message),
                hint: hint.map(words),
            },
            other => other,
        }
    }

    /// Returns the word for people, logs and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Unchanged => "unchanged",
            Self::Skipped { .. } => "skipped",
            Self::Moved => "moved",
            Self::Failed { .. } => "failed",
        }
    }
}
