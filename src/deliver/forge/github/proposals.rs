//! Pull requests of ours on GitHub: the branch is one commit made through the Git data API, recognised by the
//! last line of its message. A branch only ever moves forward.

use super::super::{Draft, ForgeError, Proposals, Proposed, Standing};
use super::GitHub;
use super::answers::{Pull, User};
use super::refusal::Asked as _;
use crate::model::{RepoPath, Revision};
use async_trait::async_trait;
use octocrab::models::commits::GitCommitObject;
use octocrab::models::repos::Object;
use octocrab::params::repos::Reference;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// What the last line of a commit of ours begins with; what it is made from and its tree follow.
const TRAILER: &str = "Reconciled-Version: ";
/// How our comment on a request begins that we close.
const WITHDRAWN: &str = "<!-- reconciled:withdrawn -->";

/// What a tree is known by.
#[derive(Deserialize)]
struct Tree {
    sha: String,
}

/// Returns what a commit was made from, where we made it and nobody changed it since.
fn version(commit: &GitCommitObject) -> Option<&str> {
    let line = commit.message.trim_end().lines().last()?;
    let (version, tree) = line.strip_prefix(TRAILER)?.split_once(' ')?;
    (tree == commit.tree.sha).then_some(version)
}

/// A pull request with what only ours are asked for.
#[derive(Deserialize)]
struct Request {
    #[serde(flatten)]
    pull: Pull,
    html_url: String,
    title: String,
    state: String,
    body: Option<String>,
    user: Option<User>,
    #[serde(default)]
    labels: Vec<IgnoredAny>,
}

/// Who ended one; only an issue tells who closed it.
#[derive(Deserialize)]
struct Ended {
    closed_by: Option<User>,
}

impl Request {
    fn is_open(&self) -> bool {
        self.state == "open"
    }

    /// Tells whether it reads as a draft does.
    fn says(&self, draft: &Draft) -> bool {
        let body = self.body.as_deref().unwrap_or_default();
        self.title == draft.title && body.replace("\r\n", "\n") == draft.body
    }

    fn proposed(self, by: Option<String>) -> Proposed {
        let standing = match (self.pull.merged_at.is_some(), self.is_open()) {
            (true, _) => Standing::Merged(by),
            (false, true) => Standing::Open,
            (false, false) => Standing::Closed(by),
        };
        Proposed {
            number: self.pull.number,
            url: self.html_url,
            branch: self.pull.head.branch,
            head: Revision::new(self.pull.head.sha),
            // A form in a browser sends other line ends.
            body: self.body.unwrap_or_default().replace("\r\n", "\n"),
            standing,
        }
    }
}

impl GitHub {
    /// Returns ours among these: opened by us, from a branch of this repository.
    async fn ours(&self, some: Vec<Request>) -> Result<Vec<Request>, ForgeError> {
        let me = self.me().await?;
        let is_ours = |one: &Request| {
            let author = one.user.as_ref();
            author.is_some_and(|author| author.may_be(me)) && one.pull.is_here(&self.door)
        };
        Ok(some.into_iter().filter(is_ours).collect())
    }

    /// Finds the newest request of ours from a branch.
    async fn request(&self, branch: &str) -> Result<Option<Request>, ForgeError> {
        let doing = "find the pull request of a branch";
        let rest = format!("pulls?state=all&head={}:{branch}", self.door.owner());
        let some: Vec<Request> = self.door.all(doing, &rest).await?;
        let ours = self.ours(some).await?.into_iter();
        // One that is open counts before any that ended.
        Ok(ours.max_by_key(|one| (one.is_open(), one.pull.number)))
    }

    /// Returns an open request that is as a draft wants it, as far as the list of all that are open tells: nobody else
    /// is asked where nothing happened to it. Its labels were put when it was made, or refused.
    async fn as_wanted(&self, draft: &Draft) -> Result<Option<Proposed>, ForgeError> {
        let doing = "list the open pull requests";
        let open = self.door.all_known(doing, "pulls?state=open").await?;
        let open: Vec<Request> = self.ours(open).await?;
        let is_it = |one: &Request| {
            one.pull.head.branch == draft.branch
                && one.says(draft)
                && self.made.is_of(&one.pull.head.sha, &draft.version)
        };
        let found = open.into_iter().find(is_it);
        Ok(found.map(|one| one.proposed(None)))
    }

    async fn ended_by(&self, request: &Request) -> Result<Option<String>, ForgeError> {
        if request.is_open() {
            return Ok(None);
        }
        let rest = format!("issues/{}", request.pull.number);
        let ended: Ended = self.door.one("ask who ended a pull request", &rest).await?;
        Ok(ended.closed_by.map(|user| user.login))
    }

    async fn tip(&self, branch: &Reference) -> Result<Option<String>, ForgeError> {
        let tip = self.door.git().get_ref(branch).await;
        match tip.or_failed_to("find a branch") {
            Ok(tip) => match tip.object {
                Object::Commit { sha, .. } => Ok(Some(sha)),
                // No branch leads elsewhere.
                _ => Ok(None),
            },
            Err(ForgeError::Answered { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn commit(&self, sha: &str) -> Result<GitCommitObject, ForgeError> {
        let commit = self.door.git().get_commit(sha).await;
        commit.or_failed_to("read a commit")
    }

    /// Makes a commit that nothing points to yet. Returns its id.
    async fn make_commit(&self, draft: &Draft, on: Option<&str>) -> Result<String, ForgeError> {
        let onto = self.commit(draft.onto.as_str()).await?;
        // Octocrab's entry cannot say that a file goes.
        let entry = |(path, text): (&RepoPath, &Option<String>)| {
            let mut entry = json!({ "path": path.as_str(), "mode": "100644", "type": "blob" });
            match text {
                Some(text) => entry["content"] = json!(text),
                None => entry["sha"] = Value::Null,
            }
            entry
        };
        let entries: Vec<Value> = draft.files.iter().map(entry).collect();
        let tree = json!({ "base_tree": onto.tree.sha, "tree": entries });
        let Tree { sha: tree } = self.door.post("write files", "git/trees", &tree).await?;
        let mut parents = Vec::from_iter(on.map(str::to_owned));
        if on != Some(onto.sha.as_str()) {
            parents.push(onto.sha);
        }
        let (title, version) = (&draft.title, &draft.version);
        let message = format!("{title}\n\n{TRAILER}{version} {tree}\n");
        let commit = self.door.git().create_commit(message, tree);
        let made = commit.parents(parents).send().await;
        Ok(made.or_failed_to("make a commit")?.sha)
    }

    /// Brings the branch to where it holds the draft's files, where it does not.
    async fn put_branch(&self, draft: &Draft) -> Result<(), ForgeError> {
        let branch = Reference::Branch(draft.branch.clone());
        let Some(tip) = self.tip(&branch).await? else {
            let sha = self.make_commit(draft, None).await?;
            let made = self.door.git().create_ref(&branch, &sha).await;
            made.or_failed_to("make a branch")?;
            self.made.note(&sha, &draft.version);
            return Ok(());
        };
        let moved = || ForgeError::Moved {
            branch: draft.branch.clone(),
        };
        match version(&self.commit(&tip).await?) {
            Some(version) if version == draft.version.as_str() => {
                self.made.note(&tip, &draft.version);
                return Ok(());
            }
            Some(_) => {}
            None => return Err(moved()),
        }
        let sha = self.make_commit(draft, Some(&tip)).await?;
        let forward = self.door.git().update_ref(&branch, &sha).force(false);
        let forward = forward.send().await;
        match forward.or_failed_to("move a branch forward") {
            Ok(_) => {
                self.made.note(&sha, &draft.version);
                Ok(())
            }
            // Somebody was quicker.
            Err(ForgeError::Answered { status: 422, .. }) => Err(moved()),
            Err(error) => Err(error),
        }
    }

    async fn put_labels(&self, number: u64, labels: &[String]) -> Result<(), ForgeError> {
        let labelled = self.door.issues().add_labels(number, labels).await;
        match labelled.or_failed_to("label a pull request") {
            // It is there, and says what it is without them.
            Err(error) if error.is_final() => {
                tracing::warn!(
                    number,
                    error = crate::telemetry::chain(&error),
                    "Pull request takes no labels"
                );
                Ok(())
            }
            labelled => labelled.map(drop),
        }
    }

    async fn patch_pull(&self, number: u64, body: &Value) -> Result<Request, ForgeError> {
        let rest = format!("pulls/{number}");
        self.door.patch("edit a pull request", &rest, body).await
    }

    async fn remove_branch(&self, branch: &Reference) -> Result<(), ForgeError> {
        let removed = self.door.git().delete_ref(branch).await;
        match removed.or_failed_to("take a branch away") {
            // It is gone: 422 is how GitHub says that a reference does not exist.
            Err(ForgeError::Answered {
                status: 404 | 422, ..
            }) => Ok(()),
            removed => removed,
        }
    }
}

#[async_trait]
impl Proposals for GitHub {
    async fn propose(&self, draft: &Draft) -> Result<Option<Proposed>, ForgeError> {
        if let Some(there) = self.as_wanted(draft).await? {
            return Ok(Some(there));
        }
        let known = self.request(&draft.branch).await?;
        if let Some(ended) = known.as_ref().filter(|one| !one.is_open()) {
            let by = self.ended_by(ended).await?;
            return Ok(known.map(|known| known.proposed(by)));
        }
        self.put_branch(draft).await?;
        let (title, body) = (&draft.title, &draft.body);
        let request = match known {
            Some(known) => {
                if known.says(draft) {
                    known
                } else {
                    let said = json!({ "title": title, "body": body });
                    self.patch_pull(known.pull.number, &said).await?
                }
            }
            None => {
                let (head, base) = (&draft.branch, &draft.into);
                let made = json!({ "title": title, "body": body, "head": head, "base": base });
                self.door
                    .post("open a pull request", "pulls", &made)
                    .await?
            }
        };
        if request.labels.is_empty() && !draft.labels.is_empty() {
            self.put_labels(request.pull.number, &draft.labels).await?;
        }
        Ok(Some(request.proposed(None)))
    }

    async fn open_proposals(&self, prefix: &str) -> Result<Vec<Proposed>, ForgeError> {
        let doing = "list the open pull requests";
        let open = self.door.all_known(doing, "pulls?state=open").await?;
        let mut ours = self.ours(open).await?;
        ours.retain(|one| one.pull.head.branch.starts_with(prefix));
        ours.sort_by_key(|one| std::cmp::Reverse(one.pull.number));
        Ok(ours.into_iter().map(|one| one.proposed(None)).collect())
    }

    async fn proposal(&self, branch: &str) -> Result<Option<Proposed>, ForgeError> {
        let Some(found) = self.request(branch).await? else {
            return Ok(None);
        };
        let by = self.ended_by(&found).await?;
        Ok(Some(found.proposed(by)))
    }

    async fn withdraw(&self, proposed: &Proposed, why: &str) -> Result<(), ForgeError> {
        use super::super::Forge as _;
        let number = proposed.number;
        let body = format!("{WITHDRAWN}\n{why}");
        self.put_comment(number, WITHDRAWN, &body, None).await?;
        if proposed.standing == Standing::Open {
            let closed = json!({ "state": "closed" });
            let _closed = self.patch_pull(number, &closed).await?;
        }
        self.clear(proposed).await
    }

    async fn clear(&self, proposed: &Proposed) -> Result<(), ForgeError> {
        let branch = Reference::Branch(proposed.branch.clone());
        let Some(tip) = self.tip(&branch).await? else {
            return Ok(());
        };
        // What somebody else committed, and nobody merged, is theirs to keep.
        let is_merged = matches!(proposed.standing, Standing::Merged(_));
        if (is_merged && tip == proposed.head.as_str())
            || version(&self.commit(&tip).await?).is_some()
        {
            self.remove_branch(&branch).await?;
        }
        Ok(())
    }
}
