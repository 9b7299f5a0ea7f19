//! Our comments: found by who we are and by their first line, written once, edited in place.

use super::GitHub;
use super::answers::Comment;
use crate::deliver::forge::ForgeError;
use serde_json::json;

impl GitHub {
    /// Our own login; `None` for an App's token, which may not ask who it is. What is not known is asked again: taken
    /// for an App we would take a stranger's words for ours.
    pub(super) async fn me(&self) -> Result<Option<&str>, ForgeError> {
        Ok(self
            .me
            .get_or_try_init(|| self.door.login())
            .await?
            .as_deref())
    }

    async fn find_comment(&self, number: u64, marker: &str) -> Result<Option<u64>, ForgeError> {
        let me = self.me().await?;
        let rest = format!("issues/{number}/comments");
        let comments: Vec<Comment> = self.door.all("list the comments", &rest).await?;
        let ours = |comment: &&Comment| {
            let body = comment.body.as_deref();
            let author = comment.user.as_ref();
            body.is_some_and(|body| body.starts_with(marker))
                && author.is_some_and(|author| author.may_be(me))
        };
        Ok(comments.iter().find(ours).map(|comment| comment.id))
    }

    pub(super) async fn write_comment(
        &self,
        number: u64,
        marker: &str,
        body: &str,
        known: Option<u64>,
    ) -> Result<u64, ForgeError> {
        let body = json!({ "body": body });
        let known = match known {
            Some(id) => Some(id),
            None => self.find_comment(number, marker).await?,
        };
        if let Some(id) = known {
            let rest = format!("issues/comments/{id}");
            match self.door.patch("edit the comment", &rest, &body).await {
                Ok(Comment { id, .. }) => return Ok(id),
                Err(ForgeError::Answered {
                    status: 404 | 410, ..
                }) => {}
                Err(error) => return Err(error),
            }
        }
        let rest = format!("issues/{number}/comments");
        let write = self.door.post("write the comment", &rest, &body);
        let Comment { id, .. } = write.await?;
        Ok(id)
    }
}
