//! Environments as people write them, with the mistakes they make.

use super::*;
use crate::model::{File, Kind, KindName, Output, PathPattern, Revision, Snapshot};
use serde_json::json;
use std::fmt::Write as _;

mod cluster_secrets;
mod files;
mod mistakes;
mod whole;

fn output(name: &str, sensitive: bool) -> Output {
    Output {
        name: name.to_owned(),
        sensitive,
        follows: Vec::new(),
        summary: String::new(),
    }
}

fn object() -> Kind {
    Kind {
        identity: [
            "/apiVersion",
            "/kind",
            "/metadata/namespace",
            "/metadata/name",
        ]
        .map(PathPattern::known)
        .to_vec(),
        outputs: vec![output("uid", false)],
        secret: crate::model::Select {
            field: PathPattern::known("/kind"),
            rows: [(
                "Secret".to_owned(),
                vec![
                    PathPattern::known("/data"),
                    PathPattern::known("/stringData"),
                ],
            )]
            .into(),
            otherwise: Vec::new(),
        },
        labels: Some(crate::model::Labels::Map(PathPattern::known(
            "/metadata/labels",
        ))),
        is_ruled: true,
        ..Kind::plain("kubernetes/object", "One object.")
    }
}

/// The kinds of a test: one with a schema and outputs, one of Kubernetes, one of the host.
pub(crate) fn kinds() -> Kinds {
    let database = Kind {
        schema: Some(json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["engine", "region"],
            "properties": {
                "name": { "type": "string" },
                "engine": { "enum": ["pg", "mysql"], "description": "The database." },
                "version": { "type": "string" },
                "region": { "type": "string" },
                "num_nodes": { "type": "integer", "minimum": 1, "maximum": 3 },
                "private": { "type": "boolean" },
                "tags": { "type": "array", "items": { "type": "string" } },
                "rules": { "type": "array", "items": { "$ref": "#/$defs/rule" } },
            },
            "$defs": { "rule": { "type": "object", "required": ["port"], "properties": { "port": { "type": "integer" } } } },
        })),
        identity: vec![PathPattern::known("/name")],
        outputs: vec![
            output("connection.uri", true),
            output("connection.host", false),
            output("id", false),
        ],
        labels: Some(crate::model::Labels::Tags(PathPattern::known("/tags"))),
        ..Kind::plain("digitalocean/database-cluster", "A managed database.")
    };
    let file = Kind {
        identity: vec![PathPattern::known("/path")],
        file: Some(PathPattern::known("/path")),
        ..Kind::plain("host/file", "One file.")
    };
    let manifests = Kind {
        schema: Some(json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["path"],
            "properties": { "path": { "type": "string" }, "namespace": { "type": "string" } },
        })),
        is_ruled: true,
        ..Kind::plain(manifests::NAME, "A folder of objects.")
    };
    let kustomization = Kind {
        name: KindName::new(manifests::KUSTOMIZATION),
        ..manifests.clone()
    };
    let chart = Kind {
        is_ruled: true,
        ..Kind::plain(manifests::HELM_CHART, "A chart.")
    };
    Kinds::new([database, object(), manifests, kustomization, chart, file])
}

/// Makes a snapshot of files.
pub(crate) fn snapshot(files: &[(&str, &str)]) -> Snapshot {
    let file = |(path, text): &(&str, &str)| {
        (
            RepoPath::new(path).unwrap(),
            File::Bytes(text.as_bytes().into()),
        )
    };
    Snapshot {
        revision: Revision::new("abc"),
        files: files.iter().map(file).collect(),
    }
}

/// Reads everything a snapshot holds.
pub(crate) fn reading(files: &[(&str, &str)]) -> Reading {
    let kinds = kinds();
    read(
        &snapshot(files),
        &ReadOptions {
            folder: None,
            only: None,
            kinds: &kinds,
        },
    )
}

/// Shows diagnostics as a terminal would: place, mark, hint.
pub(crate) fn shown(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for d in diagnostics {
        let at = &d.location;
        writeln!(text, "{at} {}: {}", d.code, d.message).unwrap();
        if !d.source_line.is_empty() {
            writeln!(text, "  {}", d.source_line).unwrap();
            writeln!(
                text,
                "  {}{}",
                " ".repeat(at.column - 1),
                "^".repeat(at.length)
            )
            .unwrap();
        }
        if let Some((place, label)) = &d.related {
            writeln!(text, "  {label}: {place}").unwrap();
        }
        if let Some(hint) = &d.hint {
            writeln!(text, "  = {hint}").unwrap();
        }
    }
    text
}

/// Wraps `spec` into an environment file and shows every mistake in it.
pub(crate) fn check(spec: &str) -> String {
    shown(&reading(&[("e.yaml", &environment(spec))]).all_diagnostics())
}

/// An environment named `test` around a `spec`, which is indented by two already.
pub(crate) fn environment(spec: &str) -> String {
    format!(
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: {{ name: test }}\nspec:\n{spec}"
    )
}

#[test]
fn the_schema_explains_every_key_that_is_read() {
    let schema = schema(&kinds());
    let mut unexplained = Vec::new();
    every_property(&schema, "", &mut |path, property| {
        let by_reference = property.get("$ref").and_then(serde_json::Value::as_str);
        let meant = by_reference
            .and_then(|at| schema.pointer(at.trim_start_matches('#')))
            .unwrap_or(property);
        if !["/$defs", "/if", "/then"]
            .iter()
            .any(|start| path.starts_with(start))
            && meant.get("description").is_none()
        {
            unexplained.push(path.to_owned());
        }
    });
    assert!(unexplained.is_empty(), "{unexplained:?}");
    // A key nobody knows, at each place: the hint lists those that are, and the schema has them.
    for (place, at) in [
        ("  zz: 1\n", "/properties/spec/properties"),
        (
            "  reconcile: { zz: 1 }\n",
            "/properties/spec/properties/reconcile/properties",
        ),
        (
            "  reconcile: { windows: [{ zz: 1 }] }\n",
            "/properties/spec/properties/reconcile/properties/windows/items/properties",
        ),
        (
            "  reconcile: { deletionBudget: { zz: 1 } }\n",
            "/properties/spec/properties/reconcile/properties/deletionBudget/properties",
        ),
        (
            "  notify: { zz: 1 }\n",
            "/properties/spec/properties/notify/properties",
        ),
        (
            "  resources: { a: { zz: 1 } }\n",
            "/$defs/resource/properties",
        ),
        (
            "  resources: { a: { lifecycle: { zz: 1 } } }\n",
            "/$defs/resource/properties/lifecycle/properties",
        ),
    ] {
        let reading = reading(&[("e.yaml", &environment(place))]);
        let found = reading.all_diagnostics();
        let hint = found
            .iter()
            .find(|d| d.code == "unknown-key")
            .and_then(|d| d.hint.clone())
            .unwrap();
        let mut read: Vec<&str> = hint
            .trim_start_matches("Known here: ")
            .trim_end_matches('.')
            .split(", ")
            .collect();
        let mut said: Vec<&String> = schema
            .pointer(at)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .collect();
        read.sort_unstable();
        said.sort_unstable();
        assert_eq!(read, said, "{place}");
    }
}

fn every_property(
    schema: &serde_json::Value,
    path: &str,
    visit: &mut impl FnMut(&str, &serde_json::Value),
) {
    match schema {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                let at = format!("{path}/{key}");
                if path.ends_with("/properties") {
                    visit(&at, value);
                }
                every_property(value, &at, visit);
            }
        }
        serde_json::Value::Array(items) => items
            .iter()
            .for_each(|item| every_property(item, path, visit)),
        _ => {}
    }
}
