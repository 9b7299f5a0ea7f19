//! What helm is told, and whether what it makes of a chart is the same each time. Templates only: no
//! release, no hooks, no cluster, no plugins, no names looked up.

use crate::model::{Chart, File, Snapshot};
use crate::net::process::Command;
use serde_json::Value;

/// What makes up a value in a template. Source: sprig's crypto, random and date functions.
const MADE_UP: [&str; 17] = [
    "randAlpha",
    "randNumeric",
    "randAscii",
    "randBytes",
    "randInt",
    "genPrivateKey",
    "genCA",
    "genSelfSignedCert",
    "genSignedCert",
    "htpasswd",
    "bcrypt",
    "encryptAES",
    "uuidv4",
    "now |",
    "now|",
    "now)",
    "now }",
];

/// Has helm render a chart. Values go through its standard input; paths begin with a dot, so that none
/// is taken for an option or an address.
pub(super) fn told(command: Command, chart: &Chart, snapshot: &Snapshot) -> Command {
    let mut command = command.arg("template");
    if let Some(namespace) = &chart.namespace {
        command = command.arg(format!("--namespace={namespace}"));
    }
    if chart.crds {
        command = command.arg("--include-crds");
    }
    if !has_closed_schemas(chart, snapshot) {
        command = command.arg("--skip-schema-validation");
    }
    if let Some(version) = &chart.kube_version {
        command = command.arg(format!("--kube-version={version}"));
    }
    for version in &chart.api_versions {
        command = command.arg(format!("--api-versions={version}"));
    }
    for file in &chart.values_files {
        command = command.arg(format!("--values=./{}", file.as_str()));
    }
    command = command.arg("--values=-").stdin(chart.values.to_string());
    for (path, value) in &chart.set {
        command = command.arg(format!("--set-json={path}={value}"));
    }
    command
        .arg("--")
        .arg(&chart.release)
        .arg(format!("./{}", chart.path.as_str()))
}

/// Tells whether every schema of the chart stands by itself. One that refers to others would have helm
/// read any file of this machine, or any address; those of packed charts cannot be seen.
fn has_closed_schemas(chart: &Chart, snapshot: &Snapshot) -> bool {
    snapshot.under(&chart.path).all(|(path, file)| {
        let name = path.as_str().rsplit('/').next().unwrap_or_default();
        match file {
            _ if path.extension().as_deref() == Some("tgz") => false,
            File::Bytes(bytes) if name == "values.schema.json" => {
                serde_json::from_slice(bytes).is_ok_and(|schema| is_closed(&schema))
            }
            _ => true,
        }
    })
}

fn is_closed(schema: &Value) -> bool {
    match schema {
        Value::Array(items) => items.iter().all(is_closed),
        Value::Object(fields) => fields
            .iter()
            .all(|(key, value)| match (key.as_str(), value) {
                ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(text)) => {
                    text.starts_with('#')
                }
                ("$schema", Value::String(text)) => {
                    text.starts_with("http://json-schema.org/")
                        || text.starts_with("https://json-schema.org/")
                }
                (_, value) => is_closed(value),
            }),
        _ => true,
    }
}

/// Tells whether the chart's templates may make something up. What is packed cannot be seen.
pub(super) fn may_vary(chart: &Chart, snapshot: &Snapshot) -> bool {
    snapshot.under(&chart.path).any(|(path, file)| {
        let File::Bytes(bytes) = file else {
            return false;
        };
        let text = String::from_utf8_lossy(bytes);
        path.extension().as_deref() == Some("tgz") || MADE_UP.iter().any(|word| text.contains(word))
    })
}

/// Returns which templates came out differently, by what helm writes above each document.
pub(super) fn varying(one: &str, other: &str) -> Vec<String> {
    if one == other {
        return Vec::new();
    }
    let documents =
        |text: &str| -> Vec<String> { text.split("\n---\n").map(str::to_owned).collect() };
    let (ones, others) = (documents(one), documents(other));
    let source = |document: &String| {
        let line = document
            .lines()
            .find_map(|line| line.strip_prefix("# Source: "));
        line.unwrap_or("a template").to_owned()
    };
    let mut found: Vec<String> = ones
        .iter()
        .filter(|document| !others.contains(document))
        .map(source)
        .collect();
    found.dedup();
    if found.is_empty() {
        found.push("the order of its documents".to_owned());
    }
    found
}
