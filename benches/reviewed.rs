//! A push to a pull request: how soon its plan is a comment there.

use super::report::{line, ms};
use super::resident::git;
use crate::peers::github::{GitHub, TOKEN, deliver};
use crate::peers::wait::until;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many pull requests are opened.
const PULLS: usize = 10;

/// How long a comment may take to come.
const LONG: Duration = Duration::from_secs(120);

/// From the webhook's delivery until the comment is there, shortest first.
pub(crate) struct Reviewed(Vec<Duration>);

impl Reviewed {
    /// Opens pull requests that change an image each, and has a daemon hear of them.
    pub(crate) fn measured(github: &GitHub, repository: &Path, daemon: &str) -> Self {
        let base = git(repository, &["rev-parse", "main"]);
        let mut times: Vec<Duration> = (0..PULLS)
            .map(|nth| {
                let number = open(github, repository, &base, nth);
                let body =
                    json!({ "number": number, "repository": { "full_name": GitHub::REPOSITORY } });
                let delivery = (
                    "pull_request".to_owned(),
                    format!("delivery-{nth}"),
                    body.to_string(),
                );
                let begun = Instant::now();
                assert_eq!(deliver(daemon, TOKEN, &[delivery])[0].0, 202);
                until("the plan is a comment", LONG, || {
                    let comments = github.comments(number).into_iter();
                    let mut texts =
                        comments.filter_map(|one| one["body"].as_str().map(str::to_owned));
                    texts.find(|text| text.contains("1.8.3")).map(|_| ())
                });
                begun.elapsed()
            })
            .collect();
        times.sort();
        Self(times)
    }

    /// Prints the middle one and the worst.
    pub(crate) fn print(&self) {
        line(
            "webhook to plan comment, p50",
            &ms(self.0[self.0.len() / 2]),
            "<= 3 s",
        );
        line(
            "webhook to plan comment, worst",
            &ms(self.0[self.0.len() - 1]),
            "<= 3 s",
        );
    }
}

/// Opens a pull request that brings a newer image to one application. Returns its number.
fn open(github: &GitHub, repository: &Path, base: &str, nth: usize) -> u64 {
    let branch = format!("newer-{nth}");
    let file = repository.join(format!("apps/app-{nth:05}.yaml"));
    git(repository, &["checkout", "--quiet", "-b", &branch, "main"]);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(":1.8.2", ":1.8.3")).unwrap();
    git(
        repository,
        &["commit", "--quiet", "--all", "--message", &branch],
    );
    let head = git(repository, &["rev-parse", "HEAD"]);
    git(repository, &["checkout", "--quiet", "main"]);
    // Each is merged by nobody, so they are numbered in a row.
    let number = nth as u64 + 1;
    git(
        repository,
        &["update-ref", &format!("refs/pull/{number}/head"), &head],
    );
    assert_eq!(github.open_pull(&branch, &branch, &head, base), number);
    number
}
