//! GitHub: emulate keeps repositories, pull requests and comments, and GitHub's own OpenAPI judges every request.
//!
//! Revisions come from a real repository: emulate has no Git transport, so a pull request that a person opens is told
//! which it stands for. Git data is that repository's.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};

use super::checked::Checked;
use super::wait::outside;

/// Who the daemon is.
pub(crate) const TOKEN: &str = "ghp_the_daemon";
/// Who opens and merges pull requests.
const PERSON: &str = "ghp_a_person";
/// Who may only read.
const OUTSIDER: &str = "ghp_an_outsider";

/// An event, the delivery's id, and what is said.
pub(crate) type Delivery = (String, String, String);

/// Delivers events to a daemon one after the other, as GitHub does. Returns each answer's status and what it says.
pub(crate) fn deliver(daemon: &str, secret: &str, deliveries: &[Delivery]) -> Vec<(u16, String)> {
    let url = format!("http://{daemon}/webhooks/github");
    outside(|| {
        let client = reqwest::blocking::Client::new();
        let deliver = |(event, id, body): &Delivery| {
            let mut mac = <Hmac<sha2::Sha256>>::new_from_slice(secret.as_bytes()).unwrap();
            mac.update(body.as_bytes());
            let bytes = mac.finalize().into_bytes();
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let request = client.post(&url).body(body.clone());
            let request = request.header("x-github-event", event);
            let request = request.header("x-github-delivery", id);
            let signature = format!("sha256={digits}");
            let answer = request.header("x-hub-signature-256", signature).send();
            let answer = answer.unwrap();
            (answer.status().as_u16(), answer.text().unwrap())
        };
        deliveries.iter().map(deliver).collect()
    })
}

/// A GitHub of its own with one repository, `acme/infra`, whose branch is `main`.
#[derive(Debug)]
pub(crate) struct GitHub {
    pub(crate) server: Checked,
}

impl GitHub {
    /// The only repository, as `owner/name`.
    pub(crate) const REPOSITORY: &'static str = "acme/infra";
    /// The login behind [`TOKEN`].
    pub(crate) const LOGIN: &'static str = "reconciled-bot";

    /// The login of what the App writes.
    pub(crate) const BOT: &'static str = "reconciled-app[bot]";
    /// The App's id.
    pub(crate) const APP: u64 = 4711;

    /// Starts one (about a second).
    pub(crate) fn start() -> Self {
        let user = |login: &str| json!({"login": login, "scopes": ["repo"]});
        let seed = json!({
            "tokens": {TOKEN: user(Self::LOGIN), PERSON: user("acme"), OUTSIDER: user("outsider")},
            "github": {
                "users": [{"login": "acme"}, {"login": Self::LOGIN}, {"login": "outsider"}],
                "repos": [{"owner": "acme", "name": "infra", "auto_init": true}],
                "apps": [{
                    "app_id": Self::APP, "slug": "reconciled-app", "name": "reconciled",
                    "permissions": {
                        "contents": "write", "pull_requests": "write", "checks": "write", "issues": "write",
                        "metadata": "read",
                    },
                    "installations": [{"installation_id": 88, "account": "acme"}],
                }],
            },
        });
        let server = Checked::start("github.mjs", &[&seed.to_string()]);
        let github = Self { server };
        let path = github.path(&format!("collaborators/{}", Self::LOGIN));
        github.as_person("PUT", &path, Some(&json!({"permission": "push"})));
        github
    }

    /// Has its Git data be that of a real repository: branches made over the API are branches there.
    pub(crate) fn is_over(&self, repository: &std::path::Path) {
        let real = json!({"repository": Self::REPOSITORY, "folder": repository});
        self.server.tell("real", &real);
    }

    /// Every pull request so far, newest first, as the API tells them.
    pub(crate) fn pulls(&self) -> Vec<Value> {
        let pulls = self.as_person("GET", &self.path("pulls?state=all&per_page=100"), None);
        pulls.as_array().unwrap().clone()
    }

    /// Opens a pull request of a branch, which stands for revisions of the real repository, and gives back its number.
    pub(crate) fn open_pull(&self, title: &str, branch: &str, head: &str, base: &str) -> u64 {
        let body = json!({"title": title, "head": branch, "base": "main"});
        let pull = self.as_person("POST", &self.path("pulls"), Some(&body));
        let number = pull["number"].as_u64().unwrap();
        self.stands_for(number, &json!({"head": head, "base": base}));
        number
    }

    /// Tells that the branch of a pull request has moved.
    pub(crate) fn push(&self, number: u64, head: &str) {
        self.stands_for(number, &json!({"head": head}));
    }

    /// Merges a pull request; `made` are the revisions that this made in the real repository, oldest
    /// first: one, or each that was rebased.
    pub(crate) fn merge(&self, number: u64, made: &[String]) {
        self.as_person(
            "PUT",
            &self.path(&format!("pulls/{number}/merge")),
            Some(&json!({})),
        );
        self.stands_for(number, &json!({"merge": made.last(), "rebased": made}));
    }

    /// Whether the index of what pull requests brought which commits is behind what was merged, as it is for a while.
    pub(crate) fn lags(&self, does: bool) {
        self.server.tell("lagging", &json!({"on": does}));
    }

    /// Tells that the head of a pull request is in a fork.
    pub(crate) fn is_of(&self, number: u64, fork: &str) {
        self.stands_for(number, &json!({"fork": fork}));
    }

    /// Closes a pull request without merging it.
    pub(crate) fn close(&self, number: u64) {
        let body = json!({"state": "closed"});
        self.as_person("PATCH", &self.path(&format!("pulls/{number}")), Some(&body));
    }

    /// Edits a pull request as a person would.
    pub(crate) fn edit_pull(&self, number: u64, body: &Value) {
        self.as_person("PATCH", &self.path(&format!("pulls/{number}")), Some(body));
    }

    /// Comments as a person would.
    pub(crate) fn comment(&self, number: u64, body: &str) -> u64 {
        let path = self.path(&format!("issues/{number}/comments"));
        let made = self.as_person("POST", &path, Some(&json!({"body": body})));
        made["id"].as_u64().unwrap()
    }

    /// Comments as somebody would who may only read. Returns the comment's id.
    pub(crate) fn comment_of_outsider(&self, number: u64, body: &str) -> u64 {
        let path = self.path(&format!("issues/{number}/comments"));
        let body = json!({"body": body});
        let (status, answer) = self.server.send("POST", &path, Some(OUTSIDER), Some(&body));
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_u64().unwrap()
    }

    /// The App's private key, as PEM.
    pub(crate) fn app_key(&self) -> String {
        let key = self.server.tell("key", &json!({"app": Self::APP}));
        key.as_str().unwrap().to_owned()
    }

    /// Every check run so far, oldest first, as the API tells them.
    pub(crate) fn checks(&self) -> Vec<Value> {
        let checks = self.server.tell("checks", &Value::Null);
        checks.as_array().unwrap().clone()
    }

    /// Every reaction so far: `{comment, content, user}`.
    pub(crate) fn reactions(&self) -> Vec<Value> {
        let reactions = self.server.tell("reactions", &Value::Null);
        reactions.as_array().unwrap().clone()
    }

    /// The comments on a pull request, oldest first, as the API tells them.
    pub(crate) fn comments(&self, number: u64) -> Vec<Value> {
        let path = self.path(&format!("issues/{number}/comments?per_page=100"));
        let comments = self.as_person("GET", &path, None);
        comments.as_array().unwrap().clone()
    }

    /// The statuses set so far, oldest first: `{repository, sha, state, context, description}`.
    pub(crate) fn statuses(&self) -> Vec<Value> {
        let statuses = self.server.tell("statuses", &Value::Null);
        statuses.as_array().unwrap().clone()
    }

    fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{rest}", Self::REPOSITORY)
    }

    fn stands_for(&self, number: u64, revisions: &Value) {
        let mut known = revisions.clone();
        known["repository"] = Self::REPOSITORY.into();
        known["number"] = number.into();
        self.server.tell("revisions", &known);
    }

    fn as_person(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.server.send(method, path, Some(PERSON), body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {answer}"
        );
        answer
    }
}
