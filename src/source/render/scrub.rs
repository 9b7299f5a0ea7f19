//! What a program said, fit to be shown: without the scratch folder, without what Secrets among its
//! files hold, and short.

use super::scratch::Scratch;
use crate::model::secret::MASK;
use crate::model::{File, Render, Snapshot};
use crate::yaml::{self, Flavour, Limits, Node};

/// The most that is repeated of what a program says, in characters.
const LONGEST: usize = 1000;

/// Makes one line of it.
pub(super) fn scrubbed(
    said: &str,
    render: &Render,
    snapshot: &Snapshot,
    scratch: &Scratch,
) -> String {
    let files = format!("{}/", scratch.files().display());
    let mut text = said
        .replace(&files, "")
        .replace(&scratch.files().display().to_string(), ".")
        .replace(&scratch.path().display().to_string(), ".");
    for hidden in hidden(render, snapshot) {
        text = text.replace(&hidden, MASK);
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join("; ");
    let plain = line.chars().filter(|letter| !letter.is_control());
    let mut short: String = plain.take(LONGEST).collect();
    if short.len() < line.len() && short.chars().count() == LONGEST {
        short.push('…');
    }
    short.strip_prefix("Error: ").unwrap_or(&short).to_owned()
}

/// What Secrets among the files hold, and what is to become part of one; the longest first, so that
/// no part of a longer one is left.
fn hidden(render: &Render, snapshot: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    for (path, file) in render.reads.iter().flat_map(|path| snapshot.under(path)) {
        let File::Bytes(bytes) = file else { continue };
        let text = String::from_utf8_lossy(bytes);
        if !text.contains("Secret") && !text.contains("secret") {
            continue;
        }
        let parsed = yaml::parse(path, bytes, Flavour::Kubernetes, &Limits::manifests());
        for document in &parsed.documents {
            let root = &document.root;
            if root.get("kind").and_then(Node::as_str) == Some("Secret") {
                texts(root.get("data"), &mut found);
                texts(root.get("stringData"), &mut found);
            }
            texts(root.get("secretGenerator"), &mut found);
        }
    }
    // What is this short stands in every sentence.
    found.retain(|text| text.len() >= 4);
    found.sort_by_key(|text| std::cmp::Reverse(text.len()));
    found
}

/// Gathers every text, of `key=value` also the value.
fn texts(node: Option<&Node>, found: &mut Vec<String>) {
    let Some(node) = node else { return };
    match &node.content {
        yaml::Content::Text(text) => {
            if let Some((_, value)) = text.text.split_once('=') {
                found.push(value.to_owned());
            }
            found.push(text.text.clone());
        }
        yaml::Content::List(items) => items.iter().for_each(|item| texts(Some(item), found)),
        yaml::Content::Map(entries) => entries
            .iter()
            .filter(|(key, _)| {
                !matches!(
                    key.text.as_str(),
                    "name" | "namespace" | "type" | "files" | "envs"
                )
            })
            .for_each(|(_, value)| texts(Some(value), found)),
        _ => {}
    }
}
