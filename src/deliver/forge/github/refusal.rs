//! What an answer means that is not what was asked for.

use crate::deliver::forge::ForgeError;
use crate::net::Response;
use crate::net::http::StatusCode;
use serde::Deserialize;

/// What GitHub says in words.
#[derive(Default, Deserialize)]
struct Words {
    message: Option<String>,
    documentation_url: Option<String>,
}

fn words(answer: &Response) -> Words {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// Tells whether an answer asks for fewer requests.
pub(super) fn is_limit(answer: &Response) -> bool {
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => {
            let message = words(answer).message.unwrap_or_default().to_lowercase();
            let told = ["rate limit", "abuse detection"];
            answer.header("x-ratelimit-remaining") == Some("0")
                || answer.header("retry-after").is_some()
                || told.iter().any(|why| message.contains(why))
        }
        _ => false,
    }
}

/// Says what an answer means that is not a good one.
pub(super) fn of(doing: &'static str, answer: &Response) -> ForgeError {
    if is_limit(answer) {
        return ForgeError::Limited { doing };
    }
    let (words, status) = (words(answer), answer.status.as_u16());
    // Source: "Troubleshooting the REST API" and every error in GitHub's documentation: a JSON object with the
    // address of the documentation. A proxy's page has none.
    let is_githubs = words.documentation_url.is_some() || status >= 500;
    match status {
        _ if !is_githubs => ForgeError::Foreign { doing, status },
        401 => ForgeError::Unauthorised { doing },
        _ => ForgeError::Answered {
            doing,
            status,
            message: words.message.unwrap_or_else(|| {
                let reason = answer.status.canonical_reason();
                reason.unwrap_or("nothing more").to_owned()
            }),
        },
    }
}
