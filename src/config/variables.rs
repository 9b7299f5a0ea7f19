//! Environment variables laid over the settings file, so that both are read and checked by the
//! same code. The rule stands in [`super`].

use crate::model::{Diagnostic, RepoPath};
use crate::yaml::{Content, Flavour, Key, Limits, Node, Place, Source, Text, parse};
use std::collections::BTreeMap;
use std::sync::Arc;

const PREFIX: &str = "RECONCILED_";

/// Variables of ours that are no settings: where the settings are, and the crash points of tests.
const OTHERS: [&str; 3] = [
    "RECONCILED_SETTINGS",
    "RECONCILED_CRASH_AT",
    "RECONCILED_CRASH_TRACE",
];

/// What Kubernetes sets in every pod beside a Service that is called `reconciled`.
/// Source: kubernetes.io/docs/concepts/services-networking/service, "Environment variables".
const FOREIGN: [&str; 3] = ["RECONCILED_SERVICE_", "RECONCILED_PORT_", "RECONCILED_PORT"];

/// Returns the variable a place is of.
pub(super) fn of(place: &Place) -> Option<&str> {
    place.file().as_str().strip_prefix('$')
}

/// Lays every variable that means a setting over the file's tree.
pub(super) fn overlay(root: &mut Node, variables: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    let named_as_secret = secret_names(root, variables);
    let mut diagnostics = Vec::new();
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let foreign = FOREIGN.iter().any(|foreign| {
            name == foreign || (foreign.ends_with('_') && name.starts_with(foreign))
        });
        if value.is_empty() || foreign || OTHERS.contains(&name.as_str()) {
            continue;
        }
        if named_as_secret.contains(&name.as_str()) {
            continue;
        }
        let source = Source::new(RepoPath::named(&format!("${name}")), value.clone());
        match value_of(&source) {
            Ok(node) => diagnostics.extend(put(root, rest, node)),
            Err(mistakes) => diagnostics.extend(mistakes),
        }
    }
    diagnostics
}

/// The variables that some `{ env: NAME }` names: secrets, whatever they are called.
fn secret_names<'v>(root: &Node, variables: &'v BTreeMap<String, String>) -> Vec<&'v str> {
    let mut names: Vec<&str> = variables
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && name.ends_with("__ENV"))
        .filter_map(|(_, value)| variables.get_key_value(value))
        .map(|(name, _)| name.as_str())
        .collect();
    let mut nodes = vec![root];
    while let Some(node) = nodes.pop() {
        let named = node.get("env").and_then(Node::as_str);
        names.extend(
            named
                .and_then(|name| variables.get_key_value(name))
                .map(|(name, _)| name.as_str()),
        );
        match &node.content {
            Content::List(items) => nodes.extend(items),
            _ => nodes.extend(node.entries().iter().map(|(_, node)| node)),
        }
    }
    names
}

fn value_of(source: &Arc<Source>) -> Result<Node, Vec<Diagnostic>> {
    let text = source.text();
    let place = Place::new(source, 0..text.len());
    let whole = !text.starts_with('0') || text.len() == 1;
    let content = match text {
        "true" => Content::Bool(true),
        "false" => Content::Bool(false),
        _ if text.starts_with(['[', '{', '"', '\'']) => {
            let parsed = parse(
                source.file(),
                text.as_bytes(),
                Flavour::Strict,
                &Limits::default(),
            );
            let mistakes: Vec<Diagnostic> = parsed.diagnostics().cloned().collect();
            return match parsed.documents.into_iter().next() {
                Some(document) if mistakes.is_empty() => Ok(document.root),
                _ => Err(mistakes),
            };
        }
        _ => match text.parse::<u64>() {
            Ok(number) if whole => Content::Number(number.into()),
            _ => Content::Text(Text {
                text: text.to_owned(),
                plain: false,
            }),
        },
    };
    Ok(Node { place, content })
}

/// Puts a value where its variable's name says.
fn put(root: &mut Node, name: &str, value: Node) -> Option<Diagnostic> {
    let place = value.place.clone();
    let mut node = root;
    for part in name.split("__") {
        let next = if let Ok(index) = part.parse::<usize>() {
            item(node, index, &place)
        } else {
            field(node, &camel_case(part), &place)
        };
        let Some(next) = next else {
            let message = format!("item {part} has no item before it");
            let error = place.error("bad-variable", message);
            return Some(error.with_hint("Count list items from 0, without gaps."));
        };
        node = next;
    }
    *node = value;
    None
}

/// Returns a list's item, made where it is the next one.
fn item<'n>(node: &'n mut Node, index: usize, place: &Place) -> Option<&'n mut Node> {
    if !matches!(node.content, Content::List(_)) {
        node.content = Content::List(Vec::new());
        node.place = place.clone();
    }
    let Content::List(items) = &mut node.content else {
        return None;
    };
    if index == items.len() {
        items.push(nothing(place));
    }
    items.get_mut(index)
}

/// Returns a map's field, made where it is missing. Anything but a map gives way to one.
fn field<'n>(node: &'n mut Node, key: &str, place: &Place) -> Option<&'n mut Node> {
    if !matches!(node.content, Content::Map(_)) {
        node.content = Content::Map(Vec::new());
        node.place = place.clone();
    }
    let Content::Map(entries) = &mut node.content else {
        return None;
    };
    let at = entries.iter().position(|(name, _)| name.text == key);
    let at = at.unwrap_or_else(|| {
        let name = Key {
            place: place.clone(),
            text: key.to_owned(),
        };
        entries.push((name, nothing(place)));
        entries.len() - 1
    });
    entries.get_mut(at).map(|(_, node)| node)
}

fn nothing(place: &Place) -> Node {
    Node {
        place: place.clone(),
        content: Content::Null,
    }
}

/// `API_URL` -> `apiUrl`.
fn camel_case(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for (index, word) in part.split('_').enumerate() {
        let lower = word.to_ascii_lowercase();
        let mut letters = lower.chars();
        match letters.next() {
            Some(first) if index > 0 => text.push(first.to_ascii_uppercase()),
            Some(first) => text.push(first),
            None => {}
        }
        text.push_str(letters.as_str());
    }
    text
}
