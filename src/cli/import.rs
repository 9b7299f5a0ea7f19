//! `reconciled import`: what is live in a namespace, as an environment whose first plan changes nothing.

use super::output::{Format, Output};
use super::{Exit, Global, settings};
use crate::config::Settings;
use crate::deliver::render::many;
use crate::model::{Connection, ConnectionName, DigestKey, EnvironmentName, ResourceId, Value};
use crate::net::Limiters;
use crate::provider::{Import, Kubernetes, KubernetesSettings, Search};
use anyhow::Context as _;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The longest id of a resource.
const LONGEST: usize = 63;

/// Write an environment from what is live in a namespace
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled import shop --namespace shop > environments/shop.yaml
  reconciled import shop --namespace shop --context production --selector app=api
  reconciled import shop --namespace shop --kinds Deployment,Service

Then:
  reconciled plan environments/shop.yaml             every object is adopted, no field changes

Left out, and said so: what controllers make, Secrets (their values do not belong into Git), and what another \
tool manages (see --adopt); of the rest finalizers and ownerReferences. Nothing is changed in the cluster.")]
pub(super) struct Args {
    /// The environment's name
    #[arg(value_name = "ENVIRONMENT", value_parser = super::environment)]
    name: EnvironmentName,
    /// The namespace to read
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: String,
    /// Only objects with these labels, as kubectl takes them
    #[arg(long, short = 'l', value_name = "SELECTOR")]
    selector: Option<String>,
    /// Only these kinds
    #[arg(long, value_delimiter = ',', value_name = "KIND")]
    kinds: Vec<String>,
    /// The kubeconfig's context; without it the current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig; without it that of the settings, `KUBECONFIG` or `~/.kube/config`
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Take also what Helm, Argo CD, Flux or an apply set manages, to be taken over from there
    #[arg(long)]
    adopt: bool,
}

pub(super) fn run(args: &Args, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    let settings = settings::of_path(global, out)?;
    let search = Search {
        namespace: args.namespace.clone(),
        selector: args.selector.clone(),
        kinds: args.kinds.clone(),
        adopt: args.adopt,
    };
    let connection = Connection {
        name: ConnectionName::new("cluster")?,
        provider: "kubernetes".to_owned(),
        settings: Value::from_json(Json::Object(connection(args))),
        location: None,
    };
    let import = super::block_on(async {
        let found = provider(&settings)?.import(&connection, &search).await;
        found.with_context(|| format!("import {}", args.namespace))
    })?;
    let environment = environment(args, &import);
    match out.format {
        Format::Json => out.json(&json!({
            "environment": environment,
            "left": reasons(&import.left),
            "undeclared": reasons(&import.undeclared),
            "unseen": reasons(&import.unseen),
        }))?,
        Format::Text | Format::Markdown => out.data(&yaml(&environment)?)?,
    }
    tell(args, &import, out);
    Ok(if import.unseen.is_empty() {
        Exit::Same
    } else {
        Exit::Failed
    })
}

fn provider(settings: &Settings) -> anyhow::Result<Kubernetes> {
    let kubernetes = &settings.providers.kubernetes;
    let own = KubernetesSettings {
        exec_plugins: kubernetes.exec_plugins.clone(),
        kubeconfig: kubernetes.kubeconfig.clone(),
    };
    // Nothing is remembered of what is read: any key will do.
    let key = DigestKey::new([0; 32]);
    Ok(Kubernetes::new(own, Limiters::default(), key, None))
}

/// Returns the connection's settings, as they are given.
fn connection(args: &Args) -> Map<String, Json> {
    let mut settings = Map::new();
    if let Some(path) = &args.kubeconfig {
        settings.insert("kubeconfig".to_owned(), json!(path));
    }
    if let Some(context) = &args.context {
        settings.insert("context".to_owned(), json!(context));
    }
    settings
}

fn environment(args: &Args, import: &Import) -> Json {
    let mut cluster = Map::from_iter([("provider".to_owned(), json!("kubernetes"))]);
    cluster.extend(connection(args));
    // Whoever follows the current context follows whichever cluster somebody chose last.
    if let Some(context) = &import.context {
        cluster.insert("context".to_owned(), json!(context));
    }
    let mut resources = BTreeMap::new();
    for (object, is_kept) in &import.objects {
        let mut resource = json!({ "kind": "kubernetes/object" });
        if *is_kept {
            resource["lifecycle"] = json!({ "adopt": true });
        }
        resource["spec"] = object.clone();
        resources.insert(id(object, &resources), resource);
    }
    let mut environment = json!({
        "apiVersion": "reconciled.dev/v1alpha1",
        "kind": "Environment",
        "metadata": { "name": args.name },
        "spec": { "connections": { "cluster": cluster }, "resources": resources },
    });
    escape(&mut environment);
    environment
}

/// Calls a resource after its object, and none like another.
fn id(object: &Json, taken: &BTreeMap<String, Json>) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str);
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    let plain: String = format!("{}-{}", kind.unwrap_or_default(), name.unwrap_or_default())
        .to_lowercase()
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    let mut ends = std::iter::once(String::new()).chain((2..).map(|nth| format!("-{nth}")));
    let free = ends.find_map(|end| {
        let start: String = plain.chars().take(LONGEST - end.len()).collect();
        let id = format!("{}{end}", start.trim_matches('-'));
        (ResourceId::new(&id).is_ok() && !taken.contains_key(&id)).then_some(id)
    });
    free.unwrap_or(plain)
}

/// What looks like an expression in a live object is a text.
fn escape(value: &mut Json) {
    match value {
        Json::String(text) => *text = text.replace("${", "$${"),
        Json::Array(items) => items.iter_mut().for_each(escape),
        Json::Object(fields) => {
            let taken = std::mem::take(fields);
            fields.extend(taken.into_iter().map(|(key, mut field)| {
                escape(&mut field);
                (key.replace("${", "$${"), field)
            }));
        }
        _ => {}
    }
}

fn yaml(environment: &Json) -> anyhow::Result<String> {
    serde_yaml::to_string(environment).context("write the environment")
}

fn reasons(all: &[(String, String)]) -> Vec<Json> {
    let one = |(what, reason): &(String, String)| json!({ "what": what, "reason": reason });
    all.iter().map(one).collect()
}

/// Says what was left out, by reason, and what to do next.
fn tell(args: &Args, import: &Import, out: &Output) {
    out.say(&format!(
        "Read {} of the namespace {}.",
        many(import.objects.len(), "object"),
        args.namespace
    ));
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (what, reason) in &import.left {
        by_reason.entry(reason).or_default().push(what);
    }
    for (reason, what) in by_reason {
        out.say(&format!("  left out: {}: {reason}", what.join(", ")));
    }
    for (what, fields) in &import.undeclared {
        out.say(&format!(
            "  not declared: {fields} of {what}: they stay, left to who put them there"
        ));
    }
    for (kind, reason) in &import.unseen {
        out.say(&format!("  failed to read any {kind}: {reason}"));
    }
    if import.objects.is_empty() {
        return;
    }
    out.say(&format!(
        "next: reconciled plan on the file; it adopts every object and changes no field. Then commit it where the daemon reads its environments ({}.yaml).",
        args.name
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str) -> Json {
        json!({ "kind": kind, "metadata": { "name": name } })
    }

    #[test]
    fn ids_are_names_and_no_two_are_alike() {
        let mut taken = BTreeMap::new();
        for (name, expected) in [
            ("api.v1:x", "role-api-v1-x"),
            ("api-v1-x", "role-api-v1-x-2"),
            ("api.v1-x", "role-api-v1-x-3"),
        ] {
            let id = id(&object("Role", name), &taken);
            assert_eq!(id, expected);
            taken.insert(id, Json::Null);
        }
        let long = id(&object("Role", &"x".repeat(200)), &taken);
        assert_eq!(long.len(), LONGEST);
    }

    #[test]
    fn what_looks_like_an_expression_stays_a_text() {
        let mut value = json!({ "a${b}": ["${x}", "$x"] });
        escape(&mut value);
        assert_eq!(value, json!({ "a$${b}": ["$${x}", "$x"] }));
    }
}
