//! A daemon's world with GitHub and Slack in it, and the people who push, open and merge.

use crate::daemon::{Daemon, World};
use crate::peers::digitalocean::{self, Server};
use crate::peers::git::git_at;
use crate::peers::github::{self, GitHub};
use crate::peers::slack::{self, Slack};
use serde_json::{Value, json};

/// How a pull request is merged.
#[derive(Clone, Copy)]
pub(super) enum How {
    Commit,
    Squash,
    Rebase,
    /// Just now, by everybody's clock: the others are long ago.
    RebaseNow,
}

/// A world whose daemon has credentials for a GitHub and a Slack of its own.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) github: GitHub,
    pub(super) slack: Slack,
}

impl Scene {
    /// Starts both, and makes a world with these files on `main`.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let (world, github, slack) = (World::new(), GitHub::start(), Slack::start());
        world.variable("GITHUB", github::TOKEN);
        world.variable("SLACK", slack::TOKEN);
        world.settings(|settings| {
            settings["repositories"][0]["github"] = GitHub::REPOSITORY.into();
            settings["github"] =
                json!({ "token": { "env": "GITHUB" }, "apiUrl": github.server.url() });
            settings["slack"] = json!({
                "token": { "env": "SLACK" }, "channel": "#infra", "apiUrl": slack.api_url(),
            });
        });
        github.is_over(&world.repository());
        world.commit(files);
        Self {
            world,
            github,
            slack,
        }
    }

    /// Starts the daemon, and waits until `shop` ran at the newest commit of `main`.
    pub(super) fn started(&self) -> Daemon<'_> {
        let newest = self.world.git(&["rev-parse", "main"]);
        let mut daemon = self.world.start();
        daemon.run_of("shop", &newest);
        daemon
    }

    /// Adds a cloud with the domain `example.com`, whose token is in `CLOUD`.
    pub(super) fn with_cloud(&self) -> Server {
        let cloud = Server::start();
        cloud.account(|account| account.domains.insert("example.com".into(), Vec::new()));
        self.world.variable("CLOUD", digitalocean::TOKEN);
        self.world.settings(|settings| {
            settings["providers"]["rest"]["baseUrls"]["digitalocean"] = cloud.url().into();
        });
        cloud
    }

    /// Commits on a branch, which begins at `main` where it is new. Returns the commit.
    pub(super) fn commit_on(&self, branch: &str, files: &[(&str, &str)]) -> String {
        let known = self.world.git(&["branch", "--list", branch]);
        let checkout = ["checkout", "--quiet", branch];
        let create = ["checkout", "--quiet", "-b", branch];
        self.world
            .git(if known.is_empty() { &create } else { &checkout });
        let commit = self.world.commit(files);
        self.world.git(&["checkout", "--quiet", "main"]);
        commit
    }

    /// Opens a pull request from a branch with these files changed, from a fork where one is named.
    pub(super) fn open(&self, branch: &str, fork: Option<&str>, files: &[(&str, &str)]) -> u64 {
        let base = self.world.git(&["rev-parse", "main"]);
        let head = self.commit_on(branch, files);
        let pulls = self.github.pulls();
        let numbers = pulls.iter().map(|one| one["number"].as_u64().unwrap());
        let newest = numbers.max().unwrap_or(0);
        let number = newest + 1;
        self.point(number, &head);
        if let Some(fork) = fork {
            // The fork is told first: nobody may see it as one of ours for a moment.
            self.github.is_of(number, fork);
        }
        let opened = self.github.open_pull(branch, branch, &head, &base);
        assert_eq!(opened, number);
        number
    }

    /// Pushes more to a pull request.
    pub(super) fn push(&self, number: u64, branch: &str, files: &[(&str, &str)]) -> String {
        let head = self.commit_on(branch, files);
        self.point(number, &head);
        self.github.push(number, &head);
        head
    }

    /// Has Git show what a pull request's branch is at, which GitHub does a moment after it tells of a push.
    pub(super) fn point(&self, number: u64, head: &str) {
        let name = format!("refs/pull/{number}/head");
        self.world.git(&["update-ref", &name, head]);
    }

    /// Merges a pull request with a commit of its own.
    pub(super) fn merge(&self, number: u64, branch: &str) -> String {
        self.merge_all(&[(number, branch, How::Commit)]).remove(0)
    }

    /// Merges pull requests before anybody can look in between. Returns where `main` stood after each.
    /// GitHub knows of the merges before `main` moves, as it does.
    pub(super) fn merge_all(&self, merges: &[(u64, &str, How)]) -> Vec<String> {
        let git = |arguments: &[&str]| self.world.git(arguments);
        git(&["checkout", "--quiet", "--detach", "main"]);
        let mut stood = Vec::new();
        for (number, branch, how) in merges {
            let before = git(&["rev-parse", "HEAD"]);
            match how {
                How::Commit => {
                    let said = format!("Merge pull request #{number} from acme/{branch}");
                    git(&["merge", "--quiet", "--no-ff", "-m", &said, branch]);
                }
                How::Squash => {
                    git(&["merge", "--quiet", "--squash", branch]);
                    git(&["commit", "--quiet", "-m", &format!("squash (#{number})")]);
                }
                How::Rebase => {
                    git(&["cherry-pick", &format!("HEAD..{branch}")]);
                }
                How::RebaseNow => {
                    let picked = ["cherry-pick", &format!("HEAD..{branch}")];
                    let now = jiff::Timestamp::now().to_string();
                    git_at(&self.world.repository(), &now, &picked);
                }
            }
            let line = ["rev-list", "--reverse", "--first-parent"];
            let made = git(&[&line[..], &[&format!("{before}..HEAD")]].concat());
            let made: Vec<String> = made.lines().map(str::to_owned).collect();
            self.github.merge(*number, &made);
            stood.push(git(&["rev-parse", "HEAD"]));
        }
        git(&["update-ref", "refs/heads/main", stood.last().unwrap()]);
        git(&["checkout", "--quiet", "main"]);
        stood
    }

    /// Our results on a pull request, as `(environment, body)`.
    pub(super) fn results(&self, number: u64) -> Vec<(String, String)> {
        let comments = self.comments(number).into_iter();
        let result = |(_, body): (u64, String)| {
            let rest = body.strip_prefix("<!-- reconciled:result:")?;
            let environment = rest.split(':').next().unwrap().to_owned();
            Some((environment, body))
        };
        comments.filter_map(result).collect()
    }

    /// Our comments on a pull request, `(id, body)`.
    pub(super) fn comments(&self, number: u64) -> Vec<(u64, String)> {
        let comments = self.github.comments(number).into_iter();
        comments
            .filter(|one| one["user"]["login"] == GitHub::LOGIN)
            .map(|one| {
                let body = one["body"].as_str().unwrap().to_owned();
                (one["id"].as_u64().unwrap(), body)
            })
            .collect()
    }

    /// Waits until one of our comments on a pull request holds a text. Returns its id and body.
    #[track_caller]
    pub(super) fn comment_with(
        &self,
        daemon: &mut Daemon<'_>,
        number: u64,
        text: &str,
    ) -> (u64, String) {
        daemon.until(Awaited(self, number, text), |_| {
            let mut comments = self.comments(number).into_iter();
            comments.find(|(_, body)| body.contains(text))
        })
    }

    /// Waits until a commit has a status. Returns the newest, `{state, context, description}`.
    #[track_caller]
    pub(super) fn status(&self, daemon: &mut Daemon<'_>, commit: &str, context: &str) -> Value {
        daemon.until(format!("{commit} has a status {context}"), |_| {
            let statuses = self.github.statuses().into_iter().rev();
            let mut those = statuses.filter(|one| one["sha"] == commit);
            those.find(|one| one["context"] == context)
        })
    }

    /// Waits until every branch of the daemon's is gone.
    #[track_caller]
    pub(super) fn no_branch_is_left(&self, daemon: &mut Daemon<'_>) {
        daemon.until("no branch of ours is left", |_| {
            let branches = self.world.git(&["branch", "--list", "reconciled/*"]);
            branches.is_empty().then_some(())
        });
    }

    /// The newest commit of a pull request.
    pub(super) fn head(&self, number: u64) -> String {
        self.world
            .git(&["rev-parse", &format!("refs/pull/{number}/head")])
    }

    /// The messages of a channel as one text each: what a notification shows, then the blocks.
    pub(super) fn said(&self, channel: &str) -> Vec<String> {
        let messages = self.slack.messages(channel).into_iter();
        messages
            .map(|one| format!("{}\n{}", one["text"].as_str().unwrap(), one["blocks"]))
            .collect()
    }

    /// Panics with what GitHub or Slack would have refused.
    #[track_caller]
    pub(super) fn assert_accepted(&self) {
        self.github.server.assert_contract_kept();
        self.slack.assert_messages_accepted();
    }
}

/// A comment that is waited for; says which there are instead.
struct Awaited<'s>(&'s Scene, u64, &'s str);

impl std::fmt::Display for Awaited<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(scene, number, text) = self;
        let comments = scene.comments(*number);
        write!(f, "a comment on #{number} says {text:?}, not {comments:#?}")
    }
}
