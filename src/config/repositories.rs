//! Where environments come from: Git repositories, and folders that are watched as they are.

use super::credentials::{self, Credentials};
use super::describe::{duration, object, text, text_or};
use super::element::Reading;
use crate::model::RepoPath;
use crate::yaml::{Fields, Node, Place};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// One repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// What people call it; unique.
    pub name: String,
    /// How its files are had.
    pub access: Access,
    /// Only what is below this folder is read.
    pub folder: RepoPath,
    /// Environments are looked for below this folder of the repository.
    pub environments: RepoPath,
    /// How long between two looks.
    pub interval: Duration,
    /// Each look comes up to this much later, so that many daemons do not come at once.
    pub jitter: Duration,
    /// `owner/name` on GitHub, for plans on pull requests.
    pub github: Option<String>,
}

/// How a repository's files are had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Fetched from a Git server, or from a repository on this machine.
    Git {
        /// A path, `https://`, `ssh://`, `user@host:path`, `git://`.
        url: String,
        /// The branch, short or a full reference.
        branch: String,
        /// How to get in.
        credentials: Credentials,
    },
    /// A folder of this machine, watched and read as it is: for trying specs out.
    Folder(PathBuf),
}

impl Repository {
    /// Returns the files its credentials live in.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        match &self.access {
            Access::Git { credentials, .. } => credentials.paths(),
            Access::Folder(_) => Vec::new(),
        }
    }
}

const INTERVAL: Duration = Duration::from_secs(60);
const JITTER: Duration = Duration::from_secs(6);

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Vec<Repository> {
    let Some(node) = node else {
        return Vec::new();
    };
    // The list is taken apart first: an item needs the whole reading, not only the reader.
    let items = reading.reader.list(node, |_, item| Some(item));
    let mut names: BTreeMap<String, Place> = BTreeMap::new();
    let mut repositories = Vec::new();
    for item in items {
        let place = &item.place;
        let found = reading.element(Some(item), |reading, fields| {
            repository(reading, fields, place)
        });
        let Some(repository) = found else {
            continue;
        };
        if let Some(first) = names.insert(repository.name.clone(), place.clone()) {
            let message = format!("two repositories have the name {}", repository.name);
            let mut error = place.error("duplicate-name", message);
            error.related = Some((first.location(), "the first".to_owned()));
            reading.reader.report(error);
        }
        repositories.push(repository);
    }
    repositories
}

fn repository(reading: &mut Reading, fields: &mut Fields<'_>, place: &Place) -> Option<Repository> {
    let name = fields.require(&mut reading.reader, "name");
    let name = reading.text(name);
    let access = access(reading, fields, place);
    let folder = folder(reading, fields.get("folder"));
    let environments = fields.get("environments");
    let environments = match environments {
        Some(_) => self::folder(reading, environments),
        None => folder.clone(),
    };
    let interval = fields
        .get("interval")
        .and_then(|node| reading.reader.duration(node));
    let jitter = fields
        .get("jitter")
        .and_then(|node| reading.reader.duration(node));
    let github = fields
        .get("github")
        .and_then(|node| owner_and_name(reading, node));
    let interval = interval.unwrap_or(INTERVAL);
    Some(Repository {
        name: name?,
        access: access?,
        folder: folder?,
        environments: environments?,
        interval,
        jitter: jitter.unwrap_or_else(|| JITTER.min(interval / 10)),
        github,
    })
}

fn access(reading: &mut Reading, fields: &mut Fields<'_>, place: &Place) -> Option<Access> {
    let given = fields.get("url");
    let url = url(reading, given);
    let branch = reading.text(fields.get("branch"));
    let credentials = credentials::read(reading, fields.get("credentials"));
    let working = reading.path(fields.get("workingFolder"));
    match (given.is_some(), working) {
        (true, None) => Some(Access::Git {
            url: url?,
            branch: branch.unwrap_or_else(|| "main".to_owned()),
            credentials,
        }),
        (false, Some(folder)) if branch.is_none() && credentials == Credentials::None => {
            Some(Access::Folder(folder))
        }
        (false, None) => {
            let error = place.error("missing-key", "`url` is missing here");
            let hint = "Name a Git repository with `url`, or a folder of this machine with `workingFolder`.";
            reading.reader.report(error.with_hint(hint));
            None
        }
        (_, Some(_)) => {
            let message = "`workingFolder` goes with none of `url`, `branch` and `credentials`";
            reading.reader.report(place.error("conflict", message));
            None
        }
    }
}

/// Reads the address of a Git repository. One with a password in it is shown nowhere.
fn url(reading: &mut Reading, node: Option<&Node>) -> Option<String> {
    let node = node?;
    let text = reading.text(Some(node))?;
    let parsed = url::Url::parse(&text).ok();
    let web =
        |url: &url::Url| matches!(url.scheme(), "http" | "https") && !url.username().is_empty();
    if parsed.is_some_and(|url| url.password().is_some() || web(&url)) {
        reading.in_the_clear.push(text);
        let error = node
            .place
            .error("secret-in-settings", "the address holds credentials");
        let hint = "Leave them out, and name where the token lives: credentials: { token: { env: NAME } }.";
        reading.reader.report(error.with_hint(hint));
        return None;
    }
    let relative = !text.contains(':') && !text.starts_with('/');
    Some(if relative {
        reading.folder.join(&text).to_string_lossy().into_owned()
    } else {
        text
    })
}

fn folder(reading: &mut Reading, node: Option<&Node>) -> Option<RepoPath> {
    let Some(node) = node else {
        return RepoPath::new("");
    };
    let path = RepoPath::new(reading.reader.name(node)?);
    if path.is_none() {
        let error = node
            .place
            .error("bad-path", "the path leaves the repository");
        reading
            .reader
            .report(error.with_hint("Write it from the repository's root, as in infra/live."));
    }
    path
}

fn owner_and_name(reading: &mut Reading, node: &Node) -> Option<String> {
    let text = reading.reader.name(node)?;
    let plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        !part.is_empty() && part.chars().all(fits)
    };
    if text
        .split_once('/')
        .is_some_and(|(owner, name)| plain(owner) && plain(name))
    {
        return Some(text.to_owned());
    }
    let error = node
        .place
        .error("bad-name", "it names no repository on GitHub");
    reading
        .reader
        .report(error.with_hint("Write owner/name, as in acme/infrastructure."));
    None
}

pub(super) fn schema() -> Value {
    let repository = object(
        "One repository",
        &["name"],
        [place_keys(), review_keys()].concat(),
    );
    json!({ "type": "array", "description": "Where environments come from", "items": repository })
}

fn place_keys() -> Vec<(&'static str, Value)> {
    vec![
        (
            "name",
            text("What people call it; unique", "infrastructure"),
        ),
        (
            "url",
            text(
                "Where it is: https, ssh, user@host:path, git, or a path of this machine",
                "https://github.com/acme/infrastructure",
            ),
        ),
        (
            "branch",
            text_or("The branch, short or a full reference", "main"),
        ),
        (
            "workingFolder",
            text(
                "Instead of `url`: a folder of this machine, watched and read as it is, without Git",
                "../infrastructure",
            ),
        ),
        ("credentials", credentials::schema()),
        (
            "folder",
            text(
                "Only what is below this folder is read; left out, all is",
                "infra",
            ),
        ),
        (
            "environments",
            text(
                "Environments are looked for below this folder; left out, everywhere",
                "infra/environments",
            ),
        ),
    ]
}

fn review_keys() -> Vec<(&'static str, Value)> {
    vec![
        ("interval", duration("How long between two looks", "1m")),
        (
            "jitter",
            duration(
                "Each look comes up to this much later; a tenth of the interval at most, where left out",
                "6s",
            ),
        ),
        (
            "github",
            text(
                "owner/name on GitHub: plans are commented on its pull requests",
                "acme/infrastructure",
            ),
        ),
    ]
}
