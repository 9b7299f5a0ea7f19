//! How GitHub is reached: with a token, or as a GitHub App. Without either the results of merges are printed
//! to the log.

use super::describe::{object, text_or};
use super::element::Reading;
use super::secret;
use crate::model::SecretSource;
use crate::yaml::Node;
use serde_json::{Value, json};
use std::path::PathBuf;
use url::Url;

const API: &str = "https://api.github.com";

/// How GitHub is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHub {
    /// Where the token lives.
    pub token: Option<SecretSource>,
    /// The App to sign in as; never together with a token.
    pub app: Option<GitHubApp>,
    /// The API's address.
    pub api_url: Url,
    /// Where the secret of webhooks lives; without one none is taken.
    pub webhook_secret: Option<SecretSource>,
}

/// A GitHub App.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHubApp {
    /// Its id or its client id.
    pub id: String,
    /// Where its private key lives.
    pub key: SecretSource,
    /// Its installation; looked up by the repository where it is left out.
    pub installation: Option<u64>,
}

impl Default for GitHub {
    fn default() -> Self {
        Self {
            token: None,
            app: None,
            api_url: Url::parse(API).expect("the address is a constant"),
            webhook_secret: None,
        }
    }
}

impl GitHub {
    /// Returns the files its secrets live in.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let key = self.app.iter().map(|app| &app.key);
        let secrets = self.token.iter().chain(&self.webhook_secret).chain(key);
        secrets.filter_map(secret::path)
    }
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> GitHub {
    reading.element(node, |reading, fields| {
        let (token, app) = (fields.get("token"), fields.get("app"));
        if let (Some(_), Some(app)) = (token, app) {
            let error = app
                .place
                .error("conflict", "`token` and `app` stand here at once");
            let hint = "Leave one of them out.";
            reading.reader.report(error.with_hint(hint));
        }
        GitHub {
            token: secret::read(reading, token),
            app: read_app(reading, app),
            api_url: reading
                .address(fields.get("apiUrl"))
                .unwrap_or_else(|| GitHub::default().api_url),
            webhook_secret: secret::read(reading, fields.get("webhookSecret")),
        }
    })
}

fn read_app(reading: &mut Reading, node: Option<&Node>) -> Option<GitHubApp> {
    reading.element(node, |reading, fields| {
        let id = fields.require(&mut reading.reader, "id");
        let id = id.and_then(|node| match Reading::scalar(node) {
            Some(text) => Some(text.to_owned()),
            None => reading.reader.refuse(node, "a text or a number"),
        });
        let key = fields.require(&mut reading.reader, "key");
        let key = secret::read(reading, key);
        let installation = fields.get("installation");
        let installation = installation.and_then(|node| reading.reader.whole(node, 1..=u64::MAX));
        Some(GitHubApp {
            id: id?,
            key: key?,
            installation,
        })
    })
}

pub(super) fn schema() -> Value {
    object(
        "How GitHub is reached: by `token` or by `app`. Without either nothing is said on pull requests, since nobody can list them: the results of merges go to the log",
        &[],
        vec![
            (
                "token",
                secret::schema(
                    "A token that may read the repository and write pull requests and commit statuses; contents, too, for approvals and reverts",
                ),
            ),
            ("app", app_schema()),
            (
                "apiUrl",
                text_or(
                    "The API's address; an Enterprise server's ends with /api/v3",
                    API,
                ),
            ),
            (
                "webhookSecret",
                secret::schema(
                    "The secret that signs deliveries to /webhooks/github. Without it they are refused, and polling finds everything a little later",
                ),
            ),
        ],
    )
}

fn app_schema() -> Value {
    let id = json!({
        "description": "Its id or its client id",
        "oneOf": [{ "type": "string" }, { "type": "integer" }],
        "examples": ["123456"],
    });
    object(
        "A GitHub App that may write checks, commit statuses, contents, issues and pull requests (contents may be read-only where nothing asks for approvals, reverts or drift requests): each environment has a check run",
        &["id", "key"],
        vec![
            ("id", id),
            ("key", secret::schema("Its private key, as PEM")),
            (
                "installation",
                json!({ "type": "integer", "minimum": 1, "description": "Its installation; looked up by the repository where it is left out" }),
            ),
        ],
    )
}
