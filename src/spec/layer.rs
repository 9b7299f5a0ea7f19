//! `extends`: the layers below a document, merged by key. The nearer one wins, `null` removes,
//! lists are replaced.

use super::API_VERSION;
use super::find::Library;
use crate::model::{File, RepoPath};
use crate::yaml::{Content, Key, Node, Parsed, Reader, nearest};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Layers below each other, at most.
const DEEPEST: usize = 16;

/// Layers one environment may read in all, repeated ones counted each time.
const MOST: usize = 64;

/// Merges a document with the layers it extends. What cannot be read is reported and left out.
pub(super) struct Layering<'l, 's> {
    pub(super) library: &'l mut Library<'s>,
    pub(super) files: &'l mut BTreeSet<RepoPath>,
    pub(super) reader: &'l mut Reader,
    read: usize,
    /// True where a layer could not be read: what it would have declared is not known.
    pub(super) is_incomplete: bool,
}

impl<'l, 's> Layering<'l, 's> {
    pub(super) fn new(
        library: &'l mut Library<'s>,
        files: &'l mut BTreeSet<RepoPath>,
        reader: &'l mut Reader,
    ) -> Self {
        Self {
            library,
            files,
            reader,
            read: 0,
            is_incomplete: false,
        }
    }

    /// Returns the document over everything it extends, `extends` itself left out.
    pub(super) fn over(&mut self, root: &Node, path: &[RepoPath]) -> Node {
        let extends = root.get("spec").and_then(|spec| spec.get("extends"));
        let mut below: Option<Node> = None;
        for item in extends.map(|node| self.items(node)).unwrap_or_default() {
            let Some(layer) = self.layer(item, path) else {
                self.is_incomplete = true;
                continue;
            };
            below = Some(match below {
                Some(lower) => merged(&lower, &layer),
                None => layer,
            });
        }
        match below {
            Some(lower) => merged(&lower, root),
            None => root.clone(),
        }
    }

    fn items<'n>(&mut self, node: &'n Node) -> Vec<&'n Node> {
        if node.is_null() {
            return Vec::new();
        }
        self.reader.list(node, |_, item| Some(item))
    }

    fn layer(&mut self, item: &Node, path: &[RepoPath]) -> Option<Node> {
        let written = self.reader.name(item)?;
        let from = item.place.file().folder();
        let Some(target) = from.resolve(written) else {
            let error = item
                .place
                .error("bad-path", format!("{written:?} leaves the repository"));
            self.reader
                .report(error.with_hint("Write a path relative to this file, with /. Outside of Git, what counts is the folder with reconciled.yaml, else the one the command stands in."));
            return None;
        };
        self.files.insert(target.clone());
        if path.contains(&target) {
            let chain: Vec<&str> = path.iter().chain([&target]).map(RepoPath::as_str).collect();
            let message = format!("the layers form a circle: {}", chain.join(" -> "));
            let error = item.place.error("layer-cycle", message);
            self.reader
                .report(error.with_hint("Take one of them out of `extends`."));
            return None;
        }
        self.read += 1;
        if path.len() > DEEPEST || self.read > MOST {
            self.reader.report(
                item.place
                    .error("too-many-layers", "there are too many layers"),
            );
            return None;
        }
        let root = self.document(item, written, &target)?;
        let path: Vec<RepoPath> = path.iter().cloned().chain([target]).collect();
        Some(self.over(&root, &path))
    }

    /// Reads the one document of ours in a file that is extended.
    fn document(&mut self, item: &Node, written: &str, target: &RepoPath) -> Option<Node> {
        let snapshot = self.library.snapshot;
        let bytes = match snapshot.files.get(target) {
            Some(File::Bytes(bytes)) => bytes,
            other => {
                let why = match other {
                    None => "is not there",
                    Some(File::Symlink) => "is a symbolic link, which is not followed",
                    Some(File::Submodule) => "is a submodule, which is not read",
                    Some(_) => "is too large",
                };
                let error = item
                    .place
                    .error("missing-file", format!("the file {target} {why}"));
                let all = snapshot.files.keys().map(RepoPath::as_str);
                let near = nearest(
                    target.as_str(),
                    all.filter(|path| path.ends_with("yaml") || path.ends_with("yml")),
                );
                self.reader.report(match near {
                    Some(near) => error.with_hint(format!("Did you mean {near}?")),
                    None => error.with_hint(format!("{written:?} is taken relative to this file.")),
                });
                return None;
            }
        };
        let parsed: Arc<Parsed> = self.library.parse(target, bytes);
        if let Some(broken) = &parsed.broken {
            self.reader.report(broken.clone());
            return None;
        }
        let ours: Vec<_> = parsed
            .documents
            .iter()
            .filter(|document| {
                let said = |key| document.root.get(key).and_then(Node::as_str);
                said("apiVersion") == Some(API_VERSION)
                    && matches!(said("kind"), Some("Layer" | "Environment"))
            })
            .collect();
        let [document] = ours.as_slice() else {
            let count = if ours.is_empty() {
                "no layer"
            } else {
                "more than one layer"
            };
            let error = item
                .place
                .error("bad-layer", format!("{target} holds {count}"));
            let hint = format!(
                "Let it hold one document with `apiVersion: {API_VERSION}` and `kind: Layer`."
            );
            self.reader.report(error.with_hint(hint));
            return None;
        };
        self.reader
            .diagnostics
            .extend(document.diagnostics.iter().cloned());
        Some(without_name(&document.root))
    }
}

/// A layer's own name means nothing to who extends it.
fn without_name(root: &Node) -> Node {
    let mut root = root.clone();
    if let Content::Map(entries) = &mut root.content {
        for (key, value) in entries {
            if key.text == "metadata"
                && let Content::Map(fields) = &mut value.content
            {
                fields.retain(|(key, _)| key.text != "name");
            }
        }
    }
    root
}

/// Lays one node over another: maps by key, everything else replaced, `null` removes what is below.
pub(super) fn merged(lower: &Node, upper: &Node) -> Node {
    let (Content::Map(below), Content::Map(above)) = (&lower.content, &upper.content) else {
        return upper.clone();
    };
    let mut entries: Vec<(Key, Node)> = Vec::with_capacity(below.len() + above.len());
    for (key, value) in below.iter().filter(|(key, _)| key.text != "extends") {
        match above.iter().find(|(name, _)| name.text == key.text) {
            None => entries.push((key.clone(), value.clone())),
            Some((_, over)) if over.is_null() => {}
            Some((name, over)) => entries.push((name.clone(), merged(value, over))),
        }
    }
    for (key, value) in above {
        if !below.iter().any(|(name, _)| name.text == key.text) {
            entries.push((key.clone(), value.clone()));
        }
    }
    Node {
        place: upper.place.clone(),
        content: Content::Map(entries),
    }
}
