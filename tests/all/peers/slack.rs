//! Slack: emulate keeps channels, messages and threads, and slack_sdk's models say which blocks Slack would refuse.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::checked::Checked;
use super::process::{installed, scripts};

/// The bot's token.
pub(crate) const TOKEN: &str = "xoxb-the-daemon";

/// A Slack of its own with the channels `general`, `random` and `infra`.
#[derive(Debug)]
pub(crate) struct Slack {
    pub(crate) server: Checked,
}

impl Slack {
    /// Starts one (less than a second).
    pub(crate) fn start() -> Self {
        let seed = json!({
            "tokens": {TOKEN: {"login": "reconciled", "scopes": ["chat:write", "channels:history"]}},
            "slack": {
                "team": {"name": "acme"},
                "users": [{"name": "reconciled"}],
                "channels": [{"name": "infra"}],
                "bots": [{"name": "reconciled"}],
            },
        });
        let server = Checked::start("slack.mjs", &[&seed.to_string()]);
        Self { server }
    }

    /// Where the Web API's methods are: `{api_url}/chat.postMessage`.
    pub(crate) fn api_url(&self) -> String {
        format!("{}/api", self.server.url())
    }

    /// An incoming webhook that posts to `general`.
    pub(crate) fn webhook_url(&self) -> String {
        format!(
            "{}/services/T000000001/B000000001/X000000001",
            self.server.url()
        )
    }

    /// The messages of a channel, oldest first; replies are not among them.
    pub(crate) fn messages(&self, channel: &str) -> Vec<Value> {
        let history = self.call(
            "conversations.history",
            &json!({"channel": self.channel(channel)}),
        );
        let mut messages = history["messages"].as_array().unwrap().clone();
        messages.reverse();
        messages
    }

    /// The replies below a message, oldest first.
    pub(crate) fn replies(&self, channel: &str, root: &str) -> Vec<Value> {
        let thread = json!({"channel": self.channel(channel), "ts": root});
        let answer = self.call("conversations.replies", &thread);
        let mut replies = answer["messages"].as_array().unwrap().clone();
        replies.retain(|message| message["ts"] != root);
        replies
    }

    /// Panics with whatever Slack would have refused of all that was posted or edited.
    #[track_caller]
    pub(crate) fn assert_messages_accepted(&self) {
        let posts = |path: &str| path.contains("chat.") || path.starts_with("/services/");
        let requests = self.server.requests();
        let sent = requests.iter().filter(|request| posts(&request.path));
        let messages: Vec<Value> = sent
            .map(|request| serde_json::from_str(&request.body).unwrap())
            .collect();
        let refused = refused(&messages);
        assert!(
            refused.is_empty(),
            "Slack would refuse:\n  {}",
            refused.join("\n  ")
        );
    }

    fn channel(&self, name: &str) -> Value {
        let list = self.call("conversations.list", &json!({}));
        let channels = list["channels"].as_array().unwrap();
        let named = channels.iter().find(|channel| channel["name"] == name);
        named.unwrap()["id"].clone()
    }

    fn call(&self, method: &str, body: &Value) -> Value {
        let (_, answer) =
            self.server
                .send("POST", &format!("/api/{method}"), Some(TOKEN), Some(body));
        assert_eq!(answer["ok"], true, "{method}: {answer}");
        answer
    }
}

/// What Slack would refuse of these messages (`{text, blocks}`), a line each.
pub(crate) fn refused(messages: &[Value]) -> Vec<String> {
    let mut judge = Command::new(installed("python").join("bin/python"))
        .arg(scripts().join("python/blocks.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = Value::from(messages.to_vec()).to_string();
    judge
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}
