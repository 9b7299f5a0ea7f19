//! `reconciled explain`: what a kind is and what its fields mean, from its own row and schema.

use super::Exit;
use super::output::{Format, Output};
use crate::model::{Kind, KindName, Kinds};
use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Explain a kind of resource, or one of its fields
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled explain                                     every kind
  reconciled explain host/file
  reconciled explain digitalocean/database-cluster.version")]
pub(super) struct Args {
    /// The kind, with a field's path behind dots; without it every kind is listed
    #[arg(value_name = "KIND[.FIELD]")]
    what: Option<String>,
}

pub(super) fn run(args: &Args, out: &Output) -> anyhow::Result<Exit> {
    let kinds = Kinds::new(crate::provider::all_rows());
    let Some(what) = &args.what else {
        list(&kinds, out)?;
        return Ok(Exit::Same);
    };
    let (kind, field) = find(&kinds, what)?;
    match field {
        None => explain_kind(kind, out)?,
        Some(field) => explain_field(kind, field, out)?,
    }
    Ok(Exit::Same)
}

fn list(kinds: &Kinds, out: &Output) -> anyhow::Result<()> {
    if out.format == Format::Json {
        let rows: Vec<_> = kinds
            .iter()
            .map(|kind| json!({ "kind": kind.name, "summary": kind.summary }))
            .collect();
        return out.json(&rows);
    }
    let widest = kinds
        .iter()
        .map(|kind| kind.name.as_str().len())
        .max()
        .unwrap_or(0);
    let lines: String = kinds
        .iter()
        .map(|kind| format!("{:widest$}  {}\n", kind.name.as_str(), kind.summary))
        .collect();
    out.data(&lines)
}

/// Splits `kind.field.path`; a kind's own name may hold dots.
fn find<'k, 't>(kinds: &'k Kinds, what: &'t str) -> anyhow::Result<(&'k Kind, Option<&'t str>)> {
    let dots = what
        .match_indices('.')
        .map(|(at, _)| at)
        .chain([what.len()]);
    let named = |at: usize| {
        kinds
            .get(&KindName::new(&what[..at]))
            .map(|kind| (kind.as_ref(), at))
    };
    if let Some((kind, at)) = dots.rev().find_map(named) {
        return Ok((kind, what.get(at + 1..).filter(|field| !field.is_empty())));
    }
    let near = kinds
        .iter()
        .map(|kind| (strsim::jaro_winkler(kind.name.as_str(), what), kind))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near.filter(|(likeness, _)| *likeness > 0.75) {
        Some((_, kind)) => bail!(
            "explain {what:?}: there is no such kind; did you mean {}?",
            kind.name
        ),
        None => bail!("explain {what:?}: there is no such kind; `reconciled explain` lists them"),
    }
}

fn explain_kind(kind: &Kind, out: &Output) -> anyhow::Result<()> {
    let outputs: Vec<_> = kind
        .outputs
        .iter()
        .map(|output| json!({ "name": output.name, "sensitive": output.sensitive, "summary": output.summary }))
        .collect();
    if out.format == Format::Json {
        return out.json(&json!({
            "kind": kind.name, "summary": kind.summary, "schema": kind.schema, "outputs": outputs,
            "immutable": kind.immutable.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "stateful": kind.stateful.otherwise, "deadline_seconds": kind.deadline.as_secs(),
        }));
    }
    let mut text = format!("{}\n  {}\n", kind.name, kind.summary);
    match &kind.schema {
        Some(schema) => {
            text.push_str("\nFields of spec:\n");
            push_fields(&mut text, schema, kind);
        }
        None => text.push_str("\nThe live side's own schema applies to spec.\n"),
    }
    if !kind.outputs.is_empty() {
        text.push_str("\nOutputs, as ${resources.<id>.<output>}:\n");
        for output in &kind.outputs {
            let sensitive = if output.sensitive { " (sensitive)" } else { "" };
            writeln!(
                text,
                "  {}{sensitive}\n      {}",
                output.name, output.summary
            )?;
        }
    }
    if kind.stateful.otherwise {
        text.push_str("\nHolds data: never deleted or replaced unless lifecycle says so.\n");
    }
    out.data(&text)
}

fn push_fields(text: &mut String, schema: &Value, kind: &Kind) {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let mut notes = vec![type_of(field)];
        if required.contains(&name.as_str()) {
            notes.push("required".to_owned());
        }
        if kind
            .immutable
            .iter()
            .any(|pattern| pattern.parts() == [name.clone()])
        {
            notes.push("cannot change once created".to_owned());
        }
        let _infallible = writeln!(text, "  {name}  <{}>", notes.join(", "));
        for line in field["description"].as_str().unwrap_or_default().lines() {
            let _infallible = writeln!(text, "      {line}");
        }
    }
}

fn explain_field(kind: &Kind, field: &str, out: &Output) -> anyhow::Result<()> {
    let mut schema = kind
        .schema
        .as_ref()
        .with_context(|| format!("explain {field:?}: {} has no schema of its own", kind.name))?;
    for part in field.split('.') {
        if let Some(items) = schema.get("items") {
            schema = items;
        }
        let properties = schema["properties"].as_object();
        schema = properties
            .and_then(|known| known.get(part))
            .with_context(|| no_field(kind, field, part, properties))?;
    }
    if out.format == Format::Json {
        return out.json(schema);
    }
    let mut text = format!("{}.{field}  <{}>\n", kind.name, type_of(schema));
    for line in schema["description"]
        .as_str()
        .unwrap_or("No description.")
        .lines()
    {
        writeln!(text, "  {line}")?;
    }
    for (label, key) in [
        ("Default", "default"),
        ("One of", "enum"),
        ("Example", "examples"),
    ] {
        if let Some(value) = schema.get(key) {
            writeln!(text, "  {label}: {value}")?;
        }
    }
    push_fields(&mut text, schema.get("items").unwrap_or(schema), kind);
    out.data(&text)
}

/// Says that a field is not there, and which one may be meant.
fn no_field(
    kind: &Kind,
    field: &str,
    part: &str,
    properties: Option<&serde_json::Map<String, Value>>,
) -> String {
    let known: Vec<&String> = properties
        .into_iter()
        .flat_map(|known| known.keys())
        .collect();
    let near = known
        .iter()
        .map(|name| (strsim::jaro_winkler(name, part), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.75);
    let advice = match near {
        Some((_, near)) => format!("did you mean {near}?"),
        None if known.is_empty() => "it has none there".to_owned(),
        None => {
            let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
            format!("it has {}", known.join(", "))
        }
    };
    format!(
        "explain {field:?}: {} has no field {part:?}; {advice}",
        kind.name
    )
}

fn type_of(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(one) if one == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(one) => one.clone(),
        Value::Array(several) => several
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "any".to_owned(),
    }
}
