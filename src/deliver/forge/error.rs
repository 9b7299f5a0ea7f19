//! Why a forge did not answer as hoped.

use crate::model::{Class, Fault};

/// Why the forge did not answer as hoped.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The forge says who we are is not enough.
    #[error("{doing}: the forge refused our credentials")]
    Unauthorised {
        /// What was tried.
        doing: &'static str,
    },
    /// Too many requests.
    #[error("{doing}: the forge asks for fewer requests")]
    Limited {
        /// What was tried.
        doing: &'static str,
    },
    /// It answered something else than asked.
    #[error("{doing}: the forge answered {status}: {message}")]
    Answered {
        /// What was tried.
        doing: &'static str,
        /// The HTTP status.
        status: u16,
        /// The forge's words.
        message: String,
    },
    /// Somebody else answered, a proxy say: it is no verdict on anything.
    #[error("{doing}: what came back, with status {status}, is no answer of the forge's")]
    Foreign {
        /// What was tried.
        doing: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// No answer.
    #[error("{doing}: no answer from the forge")]
    Unreachable {
        /// What was tried.
        doing: &'static str,
        /// What was seen.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody else committed to a branch of ours.
    #[error("write the branch {branch}: somebody else committed to it")]
    Moved {
        /// The branch.
        branch: String,
    },
    /// The settings cannot be used.
    #[error("use the GitHub settings: {0}")]
    Settings(String),
}

impl ForgeError {
    /// Tells whether what was asked for can never be: what it is about is gone, locked, or not ours.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Answered {
                status: 403 | 404 | 410 | 422,
                ..
            }
        )
    }

    /// Tells whether a right that we lack may be why, so that it goes once somebody gives it: GitHub says 403, and
    /// 404 of what may not even be seen. It says so where a conversation is locked, which is no matter of rights.
    pub fn lacks_right(&self) -> bool {
        match self {
            Self::Answered {
                status: 403,
                message,
                ..
            } => !message.contains("locked"),
            Self::Answered { status, .. } => *status == 404,
            _ => false,
        }
    }
}

impl Fault for ForgeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unauthorised { .. } => "forge-unauthorised",
            Self::Limited { .. } => "forge-limited",
            Self::Answered { .. } => "forge-answered",
            Self::Foreign { .. } => "forge-foreign",
            Self::Unreachable { .. } => "forge-unreachable",
            Self::Moved { .. } => "forge-moved",
            Self::Settings(_) => "forge-settings",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unauthorised { .. } => {
                "Give a token that may read the repository, write pull requests and commit statuses, and contents for approvals and reverts.".to_owned()
            }
            Self::Answered { status: 403, .. } => {
                "Let the token or the App write checks, commit statuses, contents, issues and pull requests; what waits for it goes on then.".to_owned()
            }
            Self::Settings(_) => "Look at `github` in the settings file.".to_owned(),
            Self::Moved { branch } => format!(
                "Merge or close its pull request, or delete the branch: {branch} is made anew then."
            ),
            Self::Foreign { .. } => {
                "Look for a proxy between here and GitHub. It is kept and tried again.".to_owned()
            }
            _ => "It is tried again at the next poll; nothing else waits for it.".to_owned(),
        })
    }

    fn class(&self) -> Class {
        match self {
            Self::Unauthorised { .. } | Self::Moved { .. } | Self::Settings(_) => Class::User,
            Self::Answered { status, .. } if *status < 500 => Class::User,
            _ => Class::Transient,
        }
    }
}
