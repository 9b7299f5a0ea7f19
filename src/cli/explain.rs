//! `reconciled explain`: what a word of a spec or of the settings means, from the generated schemas and the
//! kinds' own rows.

mod fields;
mod topics;

use super::Exit;
use super::output::{Format, Output};
use crate::model::{Kind, Kinds};
use anyhow::bail;
use serde_json::{Value, json};
use std::fmt::Write as _;
use topics::{Topic, What};

/// Explain a kind of resource, a connection, a key, a function or a setting
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled explain                                     everything there is to explain
  reconciled explain host/file
  reconciled explain digitalocean/database-cluster.version
  reconciled explain connections.kubernetes
  reconciled explain lifecycle.adopt
  reconciled explain functions.split
  reconciled explain settings.web")]
pub(super) struct Args {
    /// What, with a field's path behind dots; without it everything is listed
    #[arg(value_name = "WHAT[.FIELD]")]
    what: Option<String>,
}

pub(super) fn run(args: &Args, out: &Output) -> anyhow::Result<Exit> {
    let kinds = Kinds::new(crate::provider::all_rows());
    let schema = crate::spec::schema(&kinds);
    let (settings, approval) = (crate::config::schema(), crate::spec::approval_schema());
    let topics = topics::all((&schema, &settings, &approval), &kinds);
    let Some(what) = &args.what else {
        list(&topics, out)?;
        return Ok(Exit::Same);
    };
    let what = what.strip_prefix("spec.").unwrap_or(what);
    let (topic, field) = find(&topics, what)?;
    let root = topic.root;
    match (field, topic.kind) {
        (None, Some(kind)) => explain_kind(kind, root, out)?,
        (None, None) => explain_node(topic.name.as_str(), topic.node, root, None, out)?,
        (Some(field), kind) => {
            let node = fields::of(root, topic.node, &topic.name, field)?;
            let name = format!("{}.{field}", topic.name);
            explain_node(&name, node, root, kind, out)?;
        }
    }
    Ok(Exit::Same)
}

fn list(topics: &[Topic<'_>], out: &Output) -> anyhow::Result<()> {
    if out.format == Format::Json {
        let rows: Vec<_> = topics
            .iter()
            .map(|topic| json!({ "name": topic.name, "what": topic.what.as_str(), "summary": topic.summary() }))
            .collect();
        return out.json(&rows);
    }
    let widest = topics.iter().map(|topic| topic.name.len()).max();
    let widest = widest.unwrap_or(0);
    let mut text = String::new();
    for what in What::ALL {
        writeln!(text, "{}:", what.title())?;
        for topic in topics.iter().filter(|topic| topic.what == what) {
            writeln!(text, "  {:widest$}  {}", topic.name, topic.summary())?;
        }
        text.push('\n');
    }
    text.push_str("`reconciled explain WHAT.FIELD` goes into the fields.\n");
    out.data(&text)
}

/// Splits `what.field.path`; a kind's own name may hold dots.
fn find<'t, 's, 'w>(
    topics: &'t [Topic<'s>],
    what: &'w str,
) -> anyhow::Result<(&'t Topic<'s>, Option<&'w str>)> {
    let ends = what.match_indices('.').map(|(at, _)| at);
    let ends: Vec<usize> = ends.chain([what.len()]).collect();
    let named = |at: &usize| {
        let topic = topics.iter().find(|topic| topic.name == what[..*at])?;
        Some((topic, *at))
    };
    if let Some((topic, at)) = ends.iter().rev().find_map(named) {
        return Ok((topic, what.get(at + 1..).filter(|field| !field.is_empty())));
    }
    if let Some(settings) = topics.iter().find(|topic| topic.what == What::Settings)
        && fields::of(settings.root, settings.node, &settings.name, what).is_ok()
    {
        let name = &settings.name;
        bail!("explain {what:?}: there is no such thing; did you mean {name}.{what}?");
    }
    match topics::near(topics, what) {
        Some(near) => bail!("explain {what:?}: there is no such thing; did you mean {near}?"),
        None => {
            bail!(
                "explain {what:?}: there is no such thing; `reconciled explain` lists what there is"
            )
        }
    }
}

fn explain_kind(kind: &Kind, root: &Value, out: &Output) -> anyhow::Result<()> {
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
            fields::push(&mut text, root, schema, Some(kind));
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

fn explain_node(
    name: &str,
    node: &Value,
    root: &Value,
    kind: Option<&Kind>,
    out: &Output,
) -> anyhow::Result<()> {
    if out.format == Format::Json {
        return out.json(node);
    }
    let mut text = format!("{name}  <{}>\n", fields::type_of(root, node));
    for line in fields::about(root, node).lines() {
        writeln!(text, "  {line}")?;
    }
    for (label, value) in fields::notes(root, node) {
        writeln!(text, "  {label}: {value}")?;
    }
    fields::push(&mut text, root, node, kind);
    out.data(&text)
}
