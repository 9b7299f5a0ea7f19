//! A server of ours in front of a counterpart: it records every request and judges it by the API's own description.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::process::{Guarded, installed, scripts};
use super::wait::{outside, until};

/// A running Node script of `tests/peers/node` that serves `/__peers/` beside what it stands for.
#[derive(Debug)]
pub(crate) struct Checked {
    url: String,
    http: reqwest::blocking::Client,
    _process: Guarded,
}

/// A request as it arrived.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// With its question mark, where there is one.
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: std::collections::BTreeMap<String, String>,
    pub(crate) body: String,
    /// What was answered; nothing where the request broke the contract.
    pub(crate) status: Option<u16>,
}

impl Checked {
    /// Starts a script with the folder of npm packages and more arguments.
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let packages = packages();
        let folder = tempfile::Builder::new()
            .prefix("peers-node-")
            .tempdir()
            .unwrap()
            .keep();
        let file = scripts().join("node").join(script);
        let paths = [file.to_str().unwrap(), packages.to_str().unwrap()];
        let arguments = [&paths, arguments].concat();
        let mut process =
            Guarded::start(&packages.join("bin/node"), &arguments, &folder, &[], true);
        let url = until(format!("{script} serves"), Duration::from_secs(180), || {
            process.assert_running();
            let log = std::fs::read_to_string(folder.join("node.log")).ok()?;
            let line = log.lines().find(|line| line.starts_with("http://"))?;
            log.contains('\n').then(|| line.to_owned())
        });
        let http = outside(|| {
            reqwest::blocking::Client::builder()
                .no_proxy()
                // Node closes what rests for five seconds, and may do so just when it is used again.
                .pool_max_idle_per_host(0)
                .build()
                .unwrap()
        });
        Self {
            url,
            http,
            _process: process,
        }
    }

    /// Where to send requests, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Every request so far, but those for [`Checked::tell`].
    pub(crate) fn requests(&self) -> Vec<Request> {
        serde_json::from_value(self.tell("requests", &Value::Null)).unwrap()
    }

    /// What broke the contract so far, a line each.
    pub(crate) fn faults(&self) -> Vec<String> {
        serde_json::from_value(self.tell("faults", &Value::Null)).unwrap()
    }

    /// Panics with everything that broke the contract.
    #[track_caller]
    pub(crate) fn assert_contract_kept(&self) {
        let faults = self.faults();
        assert!(
            faults.is_empty(),
            "the contract was broken:\n  {}",
            faults.join("\n  ")
        );
    }

    /// Has the next requests of a method whose path contains a text answered with a status and headers, so many times.
    pub(crate) fn fail(&self, method: &str, path: &str, status: u16, headers: &Value, times: u32) {
        self.answer_instead(method, path, (status, headers), times, false);
    }

    /// Has the next request of a method whose path contains a text carried out, and the answer lost.
    pub(crate) fn lose_answer(&self, method: &str, path: &str) {
        let headers = serde_json::json!({});
        self.answer_instead(method, path, (502, &headers), 1, true);
    }

    fn answer_instead(
        &self,
        method: &str,
        path: &str,
        (status, headers): (u16, &Value),
        times: u32,
        late: bool,
    ) {
        let failure = serde_json::json!({
            "method": method, "path": path, "status": status, "headers": headers, "times": times, "late": late,
            "body": {
                "message": "failed on purpose", "documentation_url": "https://docs.github.com/rest",
                "ok": false, "error": "failed_on_purpose",
            },
        });
        self.tell("failure", &failure);
    }

    /// Has the next requests refused, with these words.
    pub(crate) fn refuse(&self, method: &str, path: &str, status: u16, message: &str, times: u32) {
        let failure = serde_json::json!({
            "method": method, "path": path, "status": status, "times": times,
            "body": { "message": message, "documentation_url": "https://docs.github.com/rest" },
        });
        self.tell("failure", &failure);
    }

    /// Has the next requests answered with a page, as a proxy on the way does.
    pub(crate) fn intercept(&self, method: &str, path: &str, status: u16, page: &str, times: u32) {
        let failure = serde_json::json!({
            "method": method, "path": path, "status": status, "text": page, "times": times,
        });
        self.tell("failure", &failure);
    }

    /// Has the next requests answered only after so many milliseconds.
    pub(crate) fn take_long(&self, method: &str, path: &str, milliseconds: u32, times: u32) {
        let failure = serde_json::json!({
            "method": method, "path": path, "milliseconds": milliseconds, "times": times,
        });
        self.tell("failure", &failure);
    }

    /// Has the next request of a method whose path contains a text never answered.
    pub(crate) fn hang(&self, method: &str, path: &str) {
        let failure =
            serde_json::json!({"method": method, "path": path, "status": null, "times": 1});
        self.tell("failure", &failure);
    }

    /// Has every request answered again.
    pub(crate) fn mend(&self) {
        self.tell("mended", &Value::Null);
    }

    /// Asks or tells the script itself something.
    pub(crate) fn tell(&self, what: &str, body: &Value) -> Value {
        let request = self.http.post(format!("{}/__peers/{what}", self.url));
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        outside(|| request.body(body).send()?.error_for_status()?.json()).unwrap()
    }

    /// Sends a request as another client would, and gives back status and body.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let method = method.parse::<reqwest::Method>().unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header("user-agent", "peers");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = outside(|| {
            let answer = request.send()?;
            Ok::<_, reqwest::Error>((answer.status().as_u16(), answer.text()?))
        });
        let (status, text) = answer.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }
}

/// The folder of npm packages; `digitalocean.json` in it is DigitalOcean's own description of its API.
pub(crate) fn packages() -> PathBuf {
    installed("node")
}
