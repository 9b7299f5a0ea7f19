//! What people say on a pull request, whether they may say so, and the sign that it was heard.

use super::GitHub;
use super::answers::Comment;
use crate::deliver::forge::{ForgeError, Said, Sign};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

#[derive(Deserialize)]
struct Permission {
    permission: String,
}

impl GitHub {
    /// Returns the comments behind one that is known, oldest first.
    pub(super) async fn comments_after(
        &self,
        number: u64,
        known: Option<&Said>,
    ) -> Result<Vec<Said>, ForgeError> {
        let since = known.map(|known| format!("?since={}", known.at.strftime("%FT%TZ")));
        let rest = format!("issues/{number}/comments{}", since.unwrap_or_default());
        let comments: Vec<Comment> = self.door.all("list the comments", &rest).await?;
        let said = comments.into_iter().filter_map(Comment::said);
        let newest = known.map_or(0, |known| known.id);
        let mut new: Vec<Said> = said.filter(|said| said.id > newest).collect();
        new.sort_by_key(|said| said.id);
        Ok(new)
    }

    /// Tells whether somebody may write to the repository. Source: "Get repository permissions for a user";
    /// a maintainer counts as `write` there.
    pub(super) async fn permission(&self, login: &str) -> Result<bool, ForgeError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        // An App, say, or nobody: not a person.
        if login.is_empty() || !login.chars().all(plain) {
            return Ok(false);
        }
        let rest = format!("collaborators/{login}/permission");
        match self.door.one("ask who may write", &rest).await {
            Ok(Permission { permission }) => Ok(matches!(permission.as_str(), "admin" | "write")),
            Err(ForgeError::Answered { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn react_to(&self, comment: u64, sign: Sign) -> Result<(), ForgeError> {
        let (doing, rest) = (
            "react to the comment",
            format!("issues/comments/{comment}/reactions"),
        );
        let content = match sign {
            Sign::Nod => "+1",
            Sign::Puzzled => "confused",
        };
        let body = json!({ "content": content });
        match self.door.post(doing, &rest, &body).await {
            Ok(IgnoredAny) => Ok(()),
            // It was deleted, or its author does not want ours: nobody waits for it.
            Err(error) if error.is_final() => Ok(()),
            Err(error) => Err(error),
        }
    }
}
