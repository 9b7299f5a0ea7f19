//! The environment as it is after some fields were written, read again after each.

use super::live::{self, escaped, written};
use super::place;
use super::ways::Way;
use super::{Fate, Keeping, labels};
use crate::graph::node::{self, Node};
use crate::model::{Address, Change, File, RepoPath, Snapshot};
use crate::source::render::Rendered;
use crate::spec::manifests::{NAME as MANIFESTS, has_members};
use crate::spec::template::Template;
use crate::spec::{Environment, ReadOptions, read};
use crate::yaml::Flavour;
use crate::yaml::edit::{self, Text, Uneditable};
use serde_json::Value as Json;
use std::collections::BTreeMap;

pub(super) struct State<'a> {
    pub(super) of: &'a Keeping<'a>,
    pub(super) snapshot: Snapshot,
    nodes: BTreeMap<Address, Node>,
    pub(super) environment: Environment,
}

impl<'a> State<'a> {
    /// Starts from what is merged; `None` where that cannot be read.
    pub(super) fn new(of: &'a Keeping<'a>) -> Option<Self> {
        let files = of.files.iter().flat_map(|path| of.snapshot.under(path));
        let snapshot = Snapshot {
            revision: of.snapshot.revision.clone(),
            files: files
                .map(|(path, file)| (path.clone(), file.clone()))
                .collect(),
        };
        let (environment, nodes) = read_again(of, &snapshot).ok()?;
        Some(Self {
            of,
            snapshot,
            nodes,
            environment,
        })
    }

    /// Returns every file that is another than it was.
    pub(super) fn changed(&self) -> BTreeMap<RepoPath, String> {
        let files = self.snapshot.files.iter();
        let changed = files.filter(|(path, file)| self.of.snapshot.files.get(*path) != Some(*file));
        let text = |(path, file): (&RepoPath, &File)| match file {
            File::Bytes(bytes) => Some((path.clone(), String::from_utf8_lossy(bytes).into_owned())),
            _ => None,
        };
        changed.filter_map(text).collect()
    }

    /// Writes one field.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub(super) fn keep(&mut self, address: &Address, change: &Change) -> Result<Fate, String> {
        let node = self.nodes.get(address);
        let declared = node.and_then(|node| self.environment.resources.get(node.declared));
        let (Some(node), Some(declared)) = (node, declared) else {
            return Err(self.rendered(address));
        };
        let to = live::of(&node.kind, change)?;
        let literal = has_members(&declared.kind);
        let to = if literal { to } else { to.map(escaped) };
        let to = labels::without(&self.environment, node, change, to)?;
        let spec = std::sync::Arc::clone(&node.spec);
        let found = place::find(&spec, change)?;
        let ways = if literal {
            self.in_manifest(node, &found, to)?
        } else {
            let id = declared.id.name().to_owned();
            self.in_specs(&id, &spec, &found, to)?
        };
        let mut last = String::from("it could not be written without changing something else");
        for way in ways {
            match self.taken(address, &spec, &way) {
                Ok(()) => {
                    return Ok(Fate::Written {
                        file: way.file,
                        note: way.note,
                    });
                }
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    /// Returns why nothing of a resource can be written.
    pub(super) fn rendered(&self, address: &Address) -> String {
        let id = address.resource.name();
        let mut resources = self.environment.resources.iter();
        match resources.find(|declared| declared.id.name() == id) {
            Some(declared)
                if has_members(&declared.kind) && declared.kind.name.as_str() != MANIFESTS =>
            {
                format!(
                    "it is rendered ({}): change what it is rendered from",
                    declared.kind.name
                )
            }
            _ => "it is declared nowhere that can be written".to_owned(),
        }
    }

    /// Writes one field in one way, and keeps it where the environment then says what was meant.
    fn taken(&mut self, address: &Address, spec: &Template, way: &Way) -> Result<(), String> {
        let literal = self.is_literal(address);
        let bytes = self.snapshot.bytes(&way.file).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())?;
        let flavour = if literal {
            Flavour::Kubernetes
        } else {
            Flavour::Strict
        };
        let text = Text {
            file: &way.file,
            text,
            flavour,
        };
        let told = |error: Uneditable| format!("{}: {error}", way.file);
        let edited = text.with(&way.spot, way.to.as_ref()).map_err(told)?;
        let mut snapshot = self.snapshot.clone();
        let bytes = File::Bytes(edited.into_bytes().into());
        snapshot.files.insert(way.file.clone(), bytes);
        let (environment, nodes) = read_again(self.of, &snapshot)?;
        let mut meant = written(spec, literal);
        let to = way.to.clone().filter(|to| !to.is_null());
        edit::put(&mut meant, &way.steps, to.as_ref()).map_err(told)?;
        let says = |node: &Node| written(&node.spec, self.is_literal(&node.address));
        let same = nodes.len() == self.nodes.len()
            && nodes
                .iter()
                .zip(&self.nodes)
                .all(|((one, now), (other, was))| {
                    one == other
                        && if one == address {
                            without_nulls(says(now)) == without_nulls(meant.clone())
                        } else {
                            says(now) == says(was)
                        }
                });
        if !same {
            return Err("it could not be written without changing something else".to_owned());
        }
        (self.snapshot, self.environment, self.nodes) = (snapshot, environment, nodes);
        Ok(())
    }

    fn is_literal(&self, address: &Address) -> bool {
        let node = self.nodes.get(address);
        let declared = node.and_then(|node| self.environment.resources.get(node.declared));
        declared.is_some_and(|declared| has_members(&declared.kind))
    }
}

/// Reads the environment and what it declares from a state.
fn read_again(
    of: &Keeping<'_>,
    snapshot: &Snapshot,
) -> Result<(Environment, BTreeMap<Address, Node>), String> {
    let options = ReadOptions {
        folder: None,
        only: Some(of.environment.path.clone()),
        kinds: of.kinds,
    };
    let found = read(snapshot, &options).environments.into_iter();
    let mut found = found.filter(|reading| reading.name == of.environment.name);
    let reading = found
        .next()
        .ok_or("the environment could not be read with it")?;
    let environment = reading.environment.map_err(|wrong| {
        let first = wrong
            .first()
            .map(|one| one.message.clone())
            .unwrap_or_default();
        format!("the environment could not be read with it: {first}")
    })?;
    let (mut wrong, mut warnings) = (Vec::new(), Vec::new());
    let outside = (snapshot, &Rendered::default());
    let nodes = node::expand(&environment, of.kinds, outside, &mut wrong, &mut warnings);
    let nodes = nodes.into_iter().map(|node| (node.address.clone(), node));
    Ok((environment, nodes.collect()))
}

/// A field that is declared to be nothing is as good as one that is not declared.
fn without_nulls(json: Json) -> Json {
    match json {
        Json::Object(fields) => {
            let some = fields.into_iter().filter(|(_, value)| !value.is_null());
            Json::Object(
                some.map(|(key, value)| (key, without_nulls(value)))
                    .collect(),
            )
        }
        other => other,
    }
}
