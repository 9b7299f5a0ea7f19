//! A connection's settings as they are written, and the kubeconfig's context that they mean.

use super::KubernetesSettings;
use crate::model::{Connection, Secret, Value};
use kube::config::Kubeconfig;
use serde_json::json;
use std::path::PathBuf;

/// The keys a connection of this provider may have.
pub(super) const KEYS: [&str; 5] = [
    "context",
    "kubeconfig",
    "inCluster",
    "namespace",
    "serviceAccount",
];

/// What [`Given::read`] takes, as far as a schema can say it.
pub(in crate::provider::kubernetes) fn schema() -> serde_json::Value {
    let alone =
        json!({ "not": {}, "description": "inCluster goes with neither context nor kubeconfig." });
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "context": { "type": "string", "minLength": 1, "x-shown": true, "description": "The kubeconfig's context; its current one where left out." },
            "kubeconfig": {
                "type": "string",
                "minLength": 1,
                "description": "A path on the daemon's machine, or the kubeconfig's own text from secrets. Left out: that of the daemon's settings, then KUBECONFIG, then ~/.kube/config.",
                "allOf": [{ "not": { "pattern": "\n" }, "description": "Take inline text from secrets." }],
            },
            "inCluster": { "type": "boolean", "default": false, "description": "Whether it is the cluster that the daemon itself runs in." },
            "namespace": { "type": "string", "minLength": 1, "x-shown": true, "description": "The namespace of objects that declare none." },
            "serviceAccount": {
                "type": "string",
                "pattern": "^[a-z0-9.-]+/[a-z0-9.-]+$",
                "x-shown": true,
                "description": "The account of the cluster that every request is made as, as NAMESPACE/NAME; the credentials themselves only need the right to impersonate it.",
            },
        },
        "if": { "required": ["inCluster"], "properties": { "inCluster": { "const": true } } },
        "then": { "properties": { "context": alone, "kubeconfig": alone } },
    })
}

/// Returns the context that a connection is of, named or the current one; `None` in a cluster, and where its
/// kubeconfig cannot be read or used.
pub(in crate::provider::kubernetes) fn context(
    connection: &Connection,
    settings: &KubernetesSettings,
) -> Option<String> {
    let given = Given::read(&connection.settings).ok()?;
    let kubeconfig = match given.in_cluster {
        true => return None,
        false => given.kubeconfig(settings).ok()?,
    };
    chosen_context(&kubeconfig, given.context.as_deref()).ok()
}

/// Tells whether a text names an account: its namespace, a slash, its name.
fn is_account(text: &str) -> bool {
    let is_name = |name: &str| {
        let mut letters = name.bytes();
        !name.is_empty()
            && letters.all(|one| matches!(one, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
    };
    text.split_once('/')
        .is_some_and(|(namespace, name)| is_name(namespace) && is_name(name))
}

/// A connection's settings as written.
pub(super) struct Given {
    pub(crate) context: Option<String>,
    pub(super) in_cluster: bool,
    pub(crate) namespace: Option<String>,
    path: Option<PathBuf>,
    pub(super) inline: Option<Secret>,
    pub(super) service_account: Option<String>,
}

impl Given {
    pub(crate) fn read(settings: &Value) -> Result<Self, String> {
        let text = |key: &str| match settings.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(format!("{key} is not a text")),
        };
        let unknown = settings.as_map().into_iter().flatten().map(|(key, _)| key);
        if let Some(key) = unknown
            .into_iter()
            .find(|key| !KEYS.contains(&key.as_str()))
        {
            return Err(format!("{key} is none of {}", KEYS.join(", ")));
        }
        let (path, inline) = match settings.get("kubeconfig") {
            None | Some(Value::Null) => (None, None),
            Some(Value::Secret(secret)) => (None, Some(secret.clone())),
            Some(Value::String(path)) if !path.contains('\n') => (Some(PathBuf::from(path)), None),
            Some(_) => {
                return Err(
                    "kubeconfig is neither a path nor a secret; take inline text from secrets"
                        .to_owned(),
                );
            }
        };
        let given = Self {
            context: text("context")?,
            in_cluster: match settings.get("inCluster") {
                None | Some(Value::Null) => false,
                Some(Value::Bool(on)) => *on,
                Some(_) => return Err("inCluster is neither true nor false".to_owned()),
            },
            namespace: text("namespace")?,
            path,
            inline,
            service_account: text("serviceAccount")?,
        };
        // Nothing in the place of a name must not mean the credentials' own rights.
        let account = settings.get("serviceAccount");
        if !account.is_none_or(|account| account.as_str().is_some_and(is_account)) {
            return Err("serviceAccount is no NAMESPACE/NAME".to_owned());
        }
        if given.in_cluster
            && (given.context.is_some() || given.path.is_some() || given.inline.is_some())
        {
            return Err("inCluster goes with neither context nor kubeconfig".to_owned());
        }
        Ok(given)
    }

    pub(crate) fn kubeconfig(&self, settings: &KubernetesSettings) -> Result<Kubeconfig, String> {
        if let Some(inline) = &self.inline {
            return Kubeconfig::from_yaml(inline.expose())
                .map_err(|_| "the secret kubeconfig is not a kubeconfig".to_owned());
        }
        let path = self.path.as_ref().or(settings.kubeconfig.as_ref());
        match path {
            Some(path) => Kubeconfig::read_from(path)
                .map_err(|_| format!("{} cannot be read as a kubeconfig", path.display())),
            None => Kubeconfig::read().map_err(|_| {
                "there is no kubeconfig at KUBECONFIG or ~/.kube/config; name one, or set inCluster".to_owned()
            }),
        }
    }
}

pub(super) fn chosen_context(
    kubeconfig: &Kubeconfig,
    named: Option<&str>,
) -> Result<String, String> {
    let known: Vec<&str> = kubeconfig
        .contexts
        .iter()
        .map(|context| context.name.as_str())
        .collect();
    let has = if known.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", known.join(", "))
    };
    let Some(name) = named
        .or(kubeconfig.current_context.as_deref())
        .filter(|name| !name.is_empty())
    else {
        return Err(format!(
            "the kubeconfig has no current context; name one as context: {has}"
        ));
    };
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    let near = known
        .iter()
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let meant = near
        .map(|(_, near)| format!("; did you mean {near}?"))
        .unwrap_or_default();
    Err(format!(
        "the kubeconfig has no context {name:?}; {has}{meant}"
    ))
}
