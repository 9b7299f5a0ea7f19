//! What an answer means that is not what was asked for.

use super::quota::is_limit;
use super::wire::WireError;
use crate::deliver::forge::ForgeError;
use octocrab::GitHubError;

/// Whatever octocrab was asked for.
pub(super) trait Asked<T> {
    /// Says what was tried where it failed.
    fn or_failed_to(self, doing: &'static str) -> Result<T, ForgeError>;
}

impl<T> Asked<T> for octocrab::Result<T> {
    fn or_failed_to(self, doing: &'static str) -> Result<T, ForgeError> {
        self.map_err(|error| match error {
            octocrab::Error::GitHub { source, .. } => answered(doing, &source),
            octocrab::Error::Service { source, .. } => unanswered(doing, source),
            octocrab::Error::Json { .. } | octocrab::Error::Serde { .. } => {
                ForgeError::Foreign { doing, status: 200 }
            }
            other => unanswered(doing, Box::new(other)),
        })
    }
}

fn unanswered(doing: &'static str, source: Box<dyn std::error::Error + Send + Sync>) -> ForgeError {
    match source.downcast().map(|error| *error) {
        Ok(WireError::Held) => ForgeError::Limited { doing },
        Ok(WireError::Unsigned(error)) => error,
        Ok(WireError::Unreachable(source)) | Err(source) => {
            ForgeError::Unreachable { doing, source }
        }
    }
}

/// Says what an answer means that is not a good one.
fn answered(doing: &'static str, answer: &GitHubError) -> ForgeError {
    let GitHubError {
        documentation_url,
        message,
        status_code,
        headers,
        ..
    } = answer;
    // Source: "Troubleshooting the REST API" and every error in GitHub's documentation: a JSON object with the
    // address of the documentation. A proxy's page has none, and octocrab gives it as the message.
    let message = documentation_url.as_ref().map(|_| message.clone());
    let headers = headers.clone().unwrap_or_default();
    if is_limit(
        *status_code,
        &headers,
        message.as_deref().unwrap_or_default(),
    ) {
        return ForgeError::Limited { doing };
    }
    let status = status_code.as_u16();
    match status {
        _ if message.is_none() && status < 500 => ForgeError::Foreign { doing, status },
        401 => ForgeError::Unauthorised { doing },
        _ => ForgeError::Answered {
            doing,
            status,
            message: message.unwrap_or_else(|| {
                let reason = status_code.canonical_reason();
                reason.unwrap_or("nothing more").to_owned()
            }),
        },
    }
}
