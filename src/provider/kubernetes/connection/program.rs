//! Runs a kubeconfig's credential program, and takes what it answers. What it was given and what it says
//! beside that is told to nobody: both hold secrets.

use crate::net::ProcessError;
use crate::net::process::{self, Command};
use crate::provider::kubernetes::error::Failure;
use crate::telemetry::Clock;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// How long a program may take: longer than the cloud's own tools do on a slow day.
const DEADLINE: Duration = Duration::from_secs(20);
/// The most that it may answer, in bytes.
const LARGEST: usize = 1024 * 1024;
/// What it gets of our environment is everything but what is ours or of those we report to, and what the settings or
/// a spec name as the place of a secret.
const OURS: [&str; 4] = ["RECONCILED_", "GITHUB_", "GH_", "SLACK_"];

/// When a credential ends; `None` where that was not said.
pub(crate) type Ends = Option<Timestamp>;

/// A program that answers credentials. Source: the API `client.authentication.k8s.io`, `ExecCredential`.
pub(crate) struct Program(ExecConfig);

/// As far as it matters.
#[derive(Deserialize)]
struct Answered {
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<Timestamp>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Program {
    /// Takes the program out of a kubeconfig's user, so that nobody else runs it. It is asked only for users
    /// who have no other credentials.
    pub(crate) fn taken(user: &mut AuthInfo) -> Option<Self> {
        let exec = user.exec.take()?;
        let has_password = user.username.is_some() && user.password.is_some();
        let has_other = has_password || user.token.is_some() || user.token_file.is_some();
        (!has_other).then_some(Self(exec))
    }

    /// Has a user signed in by what the program answers. Returns when that ends.
    ///
    /// # Errors
    /// It cannot be run, fails, hangs, or answers nothing that is good for now.
    pub(crate) async fn sign_in(
        &self,
        user: &mut AuthInfo,
        clock: &Clock,
    ) -> Result<Ends, Failure> {
        let name = self.name();
        let wrong = |what: &str| {
            let reason = format!("the credential program {name} {what}");
            Failure::user("credentials", reason)
        };
        if self.0.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(wrong("wants to ask somebody at a terminal"));
        }
        let output = process::run(self.command())
            .await
            .map_err(|error| match error {
                ProcessError::Missing { .. } => wrong("is not installed"),
                ProcessError::Timeout { deadline, .. } => {
                    let seconds = deadline.as_secs();
                    let reason =
                        format!("the credential program {name} did not end in {seconds} s");
                    Failure::transient("credentials", reason)
                }
                ProcessError::Start { .. } | ProcessError::Broken { .. } => wrong("cannot be run"),
            })?;
        if !output.status.success() {
            return Err(wrong(&format!("failed ({})", output.status)));
        }
        let answered: Option<Answered> = serde_json::from_slice(&output.stdout).ok();
        let status = answered
            .ok_or_else(|| wrong("answered no ExecCredential"))?
            .status;
        let ends = status.expiration_timestamp;
        if let Some(ended) = ends.filter(|ends| *ends <= clock.now()) {
            return Err(wrong(&format!(
                "answered credentials that are over since {ended}"
            )));
        }
        status
            .put(user)
            .ok_or_else(|| wrong("answered neither a token nor a certificate with its key"))?;
        Ok(ends)
    }

    fn name(&self) -> &str {
        self.0.command.as_deref().unwrap_or_default()
    }

    fn command(&self) -> Command {
        let exec = &self.0;
        let info = json!({
            "apiVersion": exec.api_version, "kind": "ExecCredential",
            "spec": { "interactive": false, "cluster": exec.cluster },
        });
        let mut command = Command::new(self.name())
            .args(exec.args.iter().flatten())
            .deadline(DEADLINE)
            .output_limit(LARGEST)
            .inherit_all_but(&OURS)
            .env("KUBERNETES_EXEC_INFO", info.to_string());
        for variable in exec.env.iter().flatten() {
            if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
                command = command.env(name, value);
            }
        }
        command
    }
}

impl Status {
    /// Puts what there is where the client takes it from. A token goes with a certificate.
    fn put(self, user: &mut AuthInfo) -> Option<()> {
        let pair = self.client_certificate_data.zip(self.client_key_data);
        let token = self.token.filter(|token| !token.is_empty());
        if pair.is_none() && token.is_none() {
            return None;
        }
        user.token = token.map(Into::into);
        if let Some((certificate, key)) = pair {
            let encoded = |text: String| STANDARD.encode(text);
            user.client_certificate_data = Some(encoded(certificate));
            user.client_key_data = Some(encoded(key).into());
        }
        Some(())
    }
}
