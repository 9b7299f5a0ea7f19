//! A connection's settings: which cluster, as whom. Loads a kubeconfig and refuses what would run a
//! program or read this machine's files for somebody else. Below it: how it signs in and sends.

mod clusters;
mod given;
mod program;
mod reach;
pub(super) mod sender;
pub(super) mod sign_in;
pub(super) mod written;

use super::error::Failure;
use crate::model::{Connection, Digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::Config;
use kube::config::{AuthInfo, ExecConfig, KubeConfigOptions, Kubeconfig};
use program::Program;
use secrecy::ExposeSecret;
use std::path::PathBuf;
use std::time::Duration;

use given::{Given, chosen_context};
pub(super) use given::{context, schema};

/// What the daemon's own settings say about Kubernetes; never read from a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubernetesSettings {
    /// Credential programs of kubeconfigs that may be run, as the kubeconfig names them.
    pub exec_plugins: Vec<String>,
    /// The kubeconfig of connections that name none; `None` means `KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
}

/// Where a connection leads, ready to be connected to.
pub(super) struct Destination {
    /// Equal for equal destinations; over credentials, so never shown.
    pub(super) digest: Digest,
    /// The client's settings, without what runs a program.
    pub(super) config: Config,
    /// What answers the credentials, where the settings hold none.
    pub(super) program: Option<Program>,
}

/// Reads a connection's settings and what they point at.
pub(super) async fn destination(
    connection: &Connection,
    settings: &KubernetesSettings,
) -> Result<Destination, Failure> {
    let wrong = |reason: String| {
        Failure::user(
            "connection",
            format!("connection {}: {reason}", connection.name),
        )
    };
    let given = Given::read(&connection.settings).map_err(&wrong)?;
    let (mut config, digest) = if given.in_cluster {
        let config = Config::incluster().map_err(|_| {
            wrong("this process does not run in a cluster, so inCluster cannot be used".to_owned())
        })?;
        let digest = Digest::of(format!("in-cluster {}", config.cluster_url));
        (config, digest)
    } else {
        let kubeconfig = given.kubeconfig(settings).map_err(&wrong)?;
        let context = chosen_context(&kubeconfig, given.context.as_deref()).map_err(&wrong)?;
        let user = user_of(&kubeconfig, &context);
        check(user, &given, settings).map_err(&wrong)?;
        let digest = digest_of(&kubeconfig, &context);
        let options = KubeConfigOptions {
            context: Some(context),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        // The loader's text may quote what it could not read.
        (
            config.map_err(|_| wrong("the kubeconfig's context cannot be used".to_owned()))?,
            digest,
        )
    };
    let digest = with_files(&mut config, &digest).map_err(&wrong)?;
    let program = Program::taken(&mut config.auth_info);
    let digest = act_as(
        &mut config.auth_info,
        given.service_account.as_deref(),
        digest,
    )
    .map_err(&wrong)?;
    // Requests are repeated by the cluster's own sender alone.
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(10));
    let digest = match given.namespace {
        Some(namespace) => {
            let digest = Digest::of(format!("{digest}\0{namespace}"));
            config.default_namespace = namespace;
            digest
        }
        None => digest,
    };
    Ok(Destination {
        digest,
        config,
        program,
    })
}

/// Digests a kubeconfig. A program's variables are maps in it, whose order is another each time.
fn digest_of(kubeconfig: &Kubeconfig, context: &str) -> Digest {
    let mut written = serde_json::to_value(kubeconfig).unwrap_or_default();
    written.sort_all_objects();
    Digest::of(format!("{context}\0{written}"))
}

/// Takes the content of the files that certificates and keys are in, and has the digest move with it: they
/// are rotated in their place. Files of tokens, and the roots of the cluster we run in, the client reads
/// again by itself.
fn with_files(config: &mut Config, digest: &Digest) -> Result<Digest, String> {
    let read = |path: String| match std::fs::read(&path) {
        Ok(content) => Ok(STANDARD.encode(content)),
        Err(_) => Err(format!("{path} cannot be read")),
    };
    let user = &mut config.auth_info;
    if let Some(path) = user.client_certificate.take()
        && user.client_certificate_data.is_none()
    {
        user.client_certificate_data = Some(read(path)?);
    }
    if let Some(path) = user.client_key.take()
        && user.client_key_data.is_none()
    {
        user.client_key_data = Some(read(path)?.into());
    }
    let key = user.client_key_data.as_ref();
    let mut all = digest.to_string();
    for part in [
        user.client_certificate_data.as_deref(),
        key.map(ExposeSecret::expose_secret),
    ] {
        all.push('\0');
        all.push_str(part.unwrap_or_default());
    }
    if config.root_cert_file.is_none() {
        for root in config.root_cert.iter().flatten() {
            all.push('\0');
            all.push_str(&STANDARD.encode(root));
        }
    }
    Ok(Digest::of(all))
}

/// Has every request made as an account of the cluster: the server takes the user of a service account
/// for a member of its groups by itself.
///
/// # Errors
/// Credentials that are somebody else already, or nobody: an empty name would mean the credentials' own
/// rights.
fn act_as(user: &mut AuthInfo, account: Option<&str>, digest: Digest) -> Result<Digest, String> {
    if user.impersonate.as_deref().is_some_and(str::is_empty) {
        return Err("the kubeconfig impersonates nobody: its user's \"as\" is empty".to_owned());
    }
    let is_other = user.impersonate.is_some()
        || user.impersonate_uid.is_some()
        || user.impersonate_groups.is_some()
        || user.impersonate_user_extra.is_some();
    let Some(account) = account else {
        return Ok(digest);
    };
    if is_other {
        return Err(
            "serviceAccount goes with no kubeconfig that impersonates somebody by itself"
                .to_owned(),
        );
    }
    let (namespace, name) = account.split_once('/').unwrap_or_default();
    user.impersonate = Some(format!("system:serviceaccount:{namespace}:{name}"));
    Ok(Digest::of(format!("{digest}\0as {account}")))
}

fn user_of<'a>(kubeconfig: &'a Kubeconfig, context: &str) -> Option<&'a AuthInfo> {
    let context = kubeconfig
        .contexts
        .iter()
        .find(|named| named.name == context)?;
    let user = context.context.as_ref()?.user.as_ref()?;
    let named = kubeconfig
        .auth_infos
        .iter()
        .find(|named| named.name == *user)?;
    named.auth_info.as_ref()
}

/// Variables that have other code run in the place of, or before, what a program is.
const OTHER_CODE: [&str; 5] = [
    "PATH",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "NODE_OPTIONS",
    "BASH_ENV",
];

/// Returns a variable that has another program or library run than the one that was allowed.
fn other_program(exec: &ExecConfig) -> Option<&str> {
    let variables = exec.env.iter().flatten();
    let mut names = variables.filter_map(|variable| variable.get("name"));
    let is_such = |name: &&String| {
        let name = name.as_str();
        OTHER_CODE.contains(&name) || name.starts_with("LD_") || name.starts_with("DYLD_")
    };
    names.find(is_such).map(String::as_str)
}

/// A kubeconfig can name a program to run (this was a CVE of rating 9.9 in a forerunner), and files
/// whose content is then sent to the server it names.
fn check(
    user: Option<&AuthInfo>,
    given: &Given,
    settings: &KubernetesSettings,
) -> Result<(), String> {
    let Some(user) = user else { return Ok(()) };
    if let Some(exec) = &user.exec {
        let command = exec.command.as_deref().unwrap_or_default();
        if !settings
            .exec_plugins
            .iter()
            .any(|allowed| allowed == command)
        {
            return Err(format!(
                "the kubeconfig wants to run {command:?} for credentials; allow it in the daemon's settings (providers.kubernetes.execPlugins), or use a token or certificate"
            ));
        }
    }
    if let Some(name) = user.exec.as_ref().and_then(other_program) {
        return Err(format!(
            "the kubeconfig sets {name} for its credential program, which would make it another one; leave that to the daemon's environment"
        ));
    }
    if user.auth_provider.is_some() {
        return Err("the kubeconfig uses an auth-provider, which may run programs; use a token or certificate".to_owned());
    }
    let files = [&user.token_file, &user.client_certificate, &user.client_key];
    if given.inline.is_some() && files.iter().any(|file| file.is_some()) {
        return Err(
            "a secret kubeconfig may not name files of this machine; put their content into it"
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
