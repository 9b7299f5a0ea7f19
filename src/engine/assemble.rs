//! Settings -> the parts of a daemon: providers, repositories, forges, chat, the webhook. Opens and checks what
//! can be checked without asking anybody.

use super::{Audience, Folder, Followed, Origin, Polling, Ways};
use crate::config::{self, Access, Settings};
use crate::deliver::forge::{Forge, ForgeError, GitHub, GitHubAccess, GitHubSettings, LoggedForge};
use crate::deliver::notify::{
    LoggedNotifier, Notifier, Slack, SlackAccess, SlackSettings, Webhook, WebhookError,
};
use crate::model::{DigestKey, Secret, SecretSource};
use crate::net::{Client, HttpError, HttpSettings, Limiters};
use crate::provider::{Catalogue, Host, Kubernetes, KubernetesSettings, Nudge, Registry, Rest};
use crate::source::charts::Charts;
use crate::source::render::{Programs, Renderer};
use crate::source::sops::Sops;
use crate::source::{Credentials, Limits, Outside, Repository, SourceError, Target, secrets};
use crate::telemetry::{Clock, Readiness};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// What the settings are made into.
pub struct Assembly {
    /// The repositories, in the order of the settings.
    pub followed: Vec<Followed>,
    /// Where pull requests are, by the name of the repository.
    pub forges: BTreeMap<String, Arc<dyn Forge>>,
    /// Where people and programs are told.
    pub ways: Ways,
}

/// Why settings that can be read cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// A repository's settings, or its folder on disk.
    #[error("set up the repository {repository}")]
    Source {
        /// Which.
        repository: String,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// A secret the settings name cannot be had.
    #[error("read {what}, which the settings name")]
    Secret {
        /// What it is for.
        what: &'static str,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// GitHub's settings.
    #[error("set up GitHub")]
    Forge(#[from] ForgeError),
    /// The webhook's settings.
    #[error("set up the webhook")]
    Webhook(#[from] WebhookError),
    /// The HTTP client.
    #[error("set up the HTTP client")]
    Http(#[from] HttpError),
}

/// Makes the client every request of this process goes through.
///
/// # Errors
/// As [`Client::new`].
pub fn client(settings: &Settings) -> Result<Client, HttpError> {
    Client::new(&HttpSettings {
        timeout: settings.limits.request_timeout,
        ..HttpSettings::default()
    })
}

/// Puts every provider of this binary behind one door.
pub fn registry(
    settings: &Settings,
    client: &Client,
    limiters: &Limiters,
    key: &DigestKey,
    (nudge, readiness): (Option<&Nudge>, &Readiness),
) -> Registry {
    let mut catalogue = Catalogue::built_in();
    for (api, url) in &settings.providers.rest.base_urls {
        catalogue = catalogue.with_base_url(api, url);
    }
    let kubernetes = KubernetesSettings {
        exec_plugins: settings.providers.kubernetes.exec_plugins.clone(),
        kubeconfig: settings.providers.kubernetes.kubeconfig.clone(),
    };
    let (limits, heard) = (limiters.clone(), nudge.cloned());
    let kubernetes = Kubernetes::new(kubernetes, limits, key.clone(), heard);
    let kubernetes = Arc::new(kubernetes.telling(readiness.clone()));
    let host = &settings.providers.host;
    Registry::new(vec![
        Arc::new(
            Host::new()
                .bounded(host.allowed, host.root.clone())
                .keyed(key),
        ),
        kubernetes.clone(),
        Arc::new(Rest::new(
            client.clone(),
            limiters.clone(),
            catalogue,
            key.clone(),
        )),
    ])
    .with_untiring(&*kubernetes)
    .with_secrets_of(kubernetes)
}

/// Opens the repositories and the ways to people.
///
/// # Errors
/// The first part that cannot be used, named.
pub fn assemble(
    settings: &Settings,
    client: &Client,
    limiters: &Limiters,
) -> Result<Assembly, AssemblyError> {
    let outside = outside(settings, secrets_base(settings));
    let mut all = Vec::new();
    let mut forges: BTreeMap<String, Arc<dyn Forge>> = BTreeMap::new();
    for repository in &settings.repositories {
        all.push(followed(settings, repository, &outside, client)?);
        if let Some(forge) = forge(settings, repository, client, limiters)? {
            forges.insert(repository.name.clone(), forge);
        }
    }
    Ok(Assembly {
        followed: all,
        forges,
        ways: Ways {
            notifier: notifier(settings, client, limiters)?,
            webhook: webhook(settings, client, limiters)?,
            audience: audience(settings),
        },
    })
}

/// Opens one repository of the settings.
///
/// # Errors
/// It cannot be used as it is set, or its copy here is another process's.
pub fn followed(
    settings: &Settings,
    repository: &config::Repository,
    outside: &Outside,
    client: &Client,
) -> Result<Followed, AssemblyError> {
    Ok(Followed {
        origin: origin(settings, repository, client)?,
        environments: repository.environments.clone(),
        polling: Polling {
            interval: repository.interval,
            jitter: repository.jitter,
        },
        outside: outside.clone(),
    })
}

/// Makes what specs may take from outside: secret files by paths relative to `base`, and the programs
/// of the settings.
pub fn outside(settings: &Settings, base: PathBuf) -> Outside {
    let kubernetes = &settings.providers.kubernetes;
    let programs = Programs {
        kustomize: kubernetes.kustomize.clone(),
        helm: kubernetes.helm.clone(),
    };
    let sops = Sops::new(&settings.sops.program, settings.sops.age_key.clone());
    let charts = Charts::new(&kubernetes.registries, settings.charts_folder.clone());
    Outside::new(base, Renderer::new(programs, charts), sops)
}

/// Returns where relative secret files count from: the settings file's folder.
pub fn secrets_base(settings: &Settings) -> PathBuf {
    let folder = settings
        .file
        .as_deref()
        .and_then(Path::parent)
        .unwrap_or(Path::new(""));
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

fn origin(
    settings: &Settings,
    repository: &config::Repository,
    client: &Client,
) -> Result<Origin, AssemblyError> {
    let limits = Limits {
        file_bytes: settings.limits.source.file_bytes,
        total_bytes: settings.limits.source.total_bytes,
        files: settings.limits.source.files,
        fetch_bytes: settings.limits.source.fetch_bytes,
        fork_bytes: settings.limits.source.fork_bytes,
        deadline: settings.limits.source.deadline,
    };
    match &repository.access {
        Access::Folder(root) => Ok(Origin::Folder(Arc::new(Folder::new(
            repository.name.clone(),
            root.clone(),
            limits,
        )))),
        Access::Git {
            url,
            branch,
            credentials,
        } => {
            let target = Target {
                folder: repository.folder.clone(),
                credentials: given(credentials)?,
                limits,
                ..Target::new(&repository.name, url, branch)
            };
            let named = |source| AssemblyError::Source {
                repository: repository.name.clone(),
                source,
            };
            Repository::open(&settings.cache_folder(), target, client)
                .map(Origin::Git)
                .map_err(named)
        }
    }
}

fn given(credentials: &config::Credentials) -> Result<Credentials, AssemblyError> {
    Ok(match credentials {
        config::Credentials::None => Credentials::None,
        config::Credentials::Token { username, token } => Credentials::Token {
            username: username.clone(),
            token: secret("the repository's token", token)?,
        },
        config::Credentials::Key { key, known_hosts } => Credentials::Key {
            key: key.clone(),
            known_hosts: known_hosts.clone(),
        },
    })
}

fn secret(what: &'static str, source: &SecretSource) -> Result<Secret, AssemblyError> {
    let asked = BTreeMap::from([(what.to_owned(), source.clone())]);
    let mut found = secrets::fetch(&asked, Path::new(""));
    match (found.values.remove(what), found.missing.remove(what)) {
        (Some(secret), _) => Ok(secret),
        (None, Some(source)) => Err(AssemblyError::Secret { what, source }),
        (None, None) => Ok(Secret::new(String::new())),
    }
}

fn forge(
    settings: &Settings,
    repository: &config::Repository,
    client: &Client,
    limiters: &Limiters,
) -> Result<Option<Arc<dyn Forge>>, AssemblyError> {
    let Some(name) = &repository.github else {
        return Ok(None);
    };
    let Some(access) = access(&settings.github)? else {
        return Ok(Some(Arc::new(LoggedForge::default())));
    };
    let settings = GitHubSettings {
        page: page_of(&settings.github.api_url, name),
        api_url: settings.github.api_url.to_string(),
        repository: name.clone(),
        access,
    };
    let github = GitHub::new(settings, (client, limiters, &Clock::system()))?;
    Ok(Some(Arc::new(github)))
}

fn access(settings: &config::GitHub) -> Result<Option<GitHubAccess>, AssemblyError> {
    Ok(match (&settings.token, &settings.app) {
        (Some(token), _) => Some(GitHubAccess::Token(secret("GitHub's token", token)?)),
        (None, Some(app)) => Some(GitHubAccess::App {
            id: app.id.clone(),
            key: secret("the GitHub App's key", &app.key)?,
            installation: app.installation,
        }),
        (None, None) => None,
    })
}

/// Opens the secret that webhooks of GitHub are signed with, where the settings name one.
///
/// # Errors
/// It cannot be had.
pub fn webhook_secret(settings: &Settings) -> Result<Option<Secret>, AssemblyError> {
    let source = settings.github.webhook_secret.as_ref();
    source
        .map(|source| secret("the secret of GitHub's webhooks", source))
        .transpose()
}

/// Returns where a repository on GitHub is read on the web.
fn page_of(api: &Url, name: &str) -> String {
    // An Enterprise server has its pages where its API is; github.com has not.
    let host = match api.host_str() {
        Some("api.github.com") => "https://github.com".to_owned(),
        _ => api.origin().ascii_serialization(),
    };
    format!("{host}/{name}")
}

/// Gathers what the settings say of who is told, with the pages of the repositories on GitHub.
fn audience(settings: &Settings) -> Audience {
    let slack = settings.slack.as_ref();
    let page = |repository: &config::Repository| {
        let name = repository.github.as_ref()?;
        let page = page_of(&settings.github.api_url, name);
        Some((repository.name.clone(), page))
    };
    Audience {
        notify: slack.map(|slack| slack.notify.clone()).unwrap_or_default(),
        daily: slack.and_then(|slack| slack.daily.clone()),
        pages: settings.repositories.iter().filter_map(page).collect(),
    }
}

fn notifier(
    settings: &Settings,
    client: &Client,
    limiters: &Limiters,
) -> Result<Arc<dyn Notifier>, AssemblyError> {
    let Some(slack) = &settings.slack else {
        let is_carried = settings.webhook.is_some();
        return Ok(Arc::new(LoggedNotifier { is_carried }));
    };
    let access = match &slack.access {
        config::SlackAccess::Token(source) => SlackAccess::Token(secret("Slack's token", source)?),
        config::SlackAccess::Webhook(source) => {
            SlackAccess::Webhook(secret("Slack's webhook", source)?)
        }
    };
    let settings = SlackSettings {
        access,
        channel: slack.channel.clone(),
        api_url: slack.api_url.clone(),
    };
    Ok(Arc::new(Slack::new(
        settings,
        client.clone(),
        limiters.clone(),
    )))
}

fn webhook(
    settings: &Settings,
    client: &Client,
    limiters: &Limiters,
) -> Result<Option<Webhook>, AssemblyError> {
    let Some(webhook) = &settings.webhook else {
        return Ok(None);
    };
    let secret = secret("the webhook's secret", &webhook.secret)?;
    let parts = (client, limiters, &Clock::system());
    Ok(Some(Webhook::new(webhook.url.clone(), &secret, parts)?))
}
