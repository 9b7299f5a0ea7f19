//! One environment, typed, every name in it checked.

use super::chart;
use super::cluster_secret;
use super::connection::{self, Connecting};
use super::find::Library;
use super::kustomization::Scan;
use super::layer::Layering;
use super::manifests;
use super::own_secret;
use super::reconcile;
use super::references::Symbols;
use super::resource::{self, Declared};
use super::secret;
use super::secret_reads::SecretReads;
use super::template::Template;
use crate::model::{
    ConnectionName, Diagnostic, EnvironmentName, KindName, Kinds, Location, Notify, Reconcile,
    RepoPath, SecretSource, Snapshot,
};
use crate::yaml::{Document, Node, Place, Reader};
use std::collections::{BTreeMap, BTreeSet};

/// One environment as a repository declares it.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// The file it stands in.
    pub path: RepoPath,
    /// What becomes labels or tags of every resource, in order.
    pub labels: Vec<(String, String)>,
    /// Where it is declared: its name.
    pub location: Location,
    /// Where each secret lives, by its name.
    pub secrets: BTreeMap<String, SecretSource>,
    /// How it wants to be kept.
    pub reconcile: Reconcile,
    /// What `reconcile.protect` names, and where.
    pub(crate) protecting: Vec<(String, Place)>,
    /// Who is told.
    pub notify: Notify,
    /// Where providers reach.
    pub connections: BTreeMap<ConnectionName, Connecting>,
    /// What it declares, in the order it is written.
    pub resources: Vec<Declared>,
    /// In an order in which each reads only those before it.
    pub(crate) vars: Vec<(String, Template)>,
    secret_places: BTreeMap<String, Place>,
    place: Place,
}

impl Environment {
    /// The code of what is said of a secret that cannot be had.
    pub const MISSING_SECRET: &str = "missing-secret";

    /// Makes an error about the secret of this name, at the place that says where it lives.
    pub fn secret_error(&self, name: &str, message: impl Into<String>) -> Diagnostic {
        let place = self.secret_places.get(name).unwrap_or(&self.place);
        place.error(Self::MISSING_SECRET, message)
    }

    /// Tells which secrets its expressions read.
    pub(crate) fn secret_reads(&self) -> SecretReads {
        SecretReads::through(&self.vars)
    }

    /// Returns the kind of each resource, by its id.
    pub(crate) fn kinds_of_resources(&self) -> BTreeMap<String, KindName> {
        let one = |declared: &Declared| (declared.id.name().to_owned(), declared.kind.name.clone());
        self.resources.iter().map(one).collect()
    }
}

/// What is said of something that is declared nowhere: where a layer could not be read it may well be declared there,
/// and the one mistake would be told as two.
const MISSED: [&str; 6] = [
    "missing-connection",
    "missing-key",
    "unknown-connection",
    "unknown-resource",
    "unknown-secret",
    "unknown-variable",
];

/// Reads one document over its layers. `files` gets every file and folder it depends on.
pub(super) fn read(
    library: &mut Library<'_>,
    document: Document,
    kinds: &Kinds,
    files: &mut BTreeSet<RepoPath>,
) -> Result<Environment, Vec<Diagnostic>> {
    let mut reader = Reader {
        diagnostics: document.diagnostics,
    };
    let path = document.root.place.file().clone();
    let mut layering = Layering::new(library, files, &mut reader);
    let root = layering.over(&document.root, std::slice::from_ref(&path));
    let is_incomplete = layering.is_incomplete;
    let known = reader.diagnostics.len();
    let mut environment = typed(&root, &path, kinds, &mut reader);
    if is_incomplete {
        let later = reader.diagnostics.split_off(known).into_iter();
        let later = later.filter(|one| !MISSED.contains(&one.code));
        reader.diagnostics.extend(later);
    }
    for declared in environment.iter_mut().flat_map(|one| &mut one.resources) {
        declared.reads = pointed_at(declared, library.snapshot, &mut reader);
        files.extend(declared.reads.iter().cloned());
    }
    for (name, source) in environment.iter().flat_map(|one| &one.secrets) {
        let SecretSource::Sops { file, .. } = source else {
            continue;
        };
        files.insert(file.clone());
        let place = environment
            .as_ref()
            .and_then(|one| one.secret_places.get(name));
        if let (Some(place), None) = (place, library.snapshot.bytes(file)) {
            let error = place.error("missing-file", format!("{file} is not there"));
            let hint = "It is taken relative to the file it is written in.";
            reader.report(error.with_hint(hint));
        }
    }
    match environment {
        Some(environment) if !reader.failed() => Ok(environment),
        _ => Err(reader.diagnostics),
    }
}

/// The files and folders that a resource of many objects reads. A folder of manifests is read by the
/// graph, which tells what is wrong with it.
fn pointed_at(declared: &Declared, snapshot: &Snapshot, reader: &mut Reader) -> BTreeSet<RepoPath> {
    if !manifests::has_members(&declared.kind) {
        return BTreeSet::new();
    }
    if declared.kind.name.as_str() == manifests::HELM_CHART {
        let files = chart::files(&declared.spec, snapshot);
        reader.diagnostics.extend(files.wrong);
        return files.reads;
    }
    let path = match manifests_path(&declared.spec) {
        Ok(path) => path,
        Err(_) if declared.kind.name.as_str() == manifests::NAME => return BTreeSet::new(),
        Err(node) => {
            reader.report(bad_path(&node.place));
            return BTreeSet::new();
        }
    };
    if declared.kind.name.as_str() == manifests::NAME {
        return BTreeSet::from([path]);
    }
    let node = declared.spec.get("path").unwrap_or(&declared.spec);
    let scan = Scan::of(&path, &node.place, snapshot);
    reader.diagnostics.extend(scan.wrong);
    let mut reads = scan.files;
    if reads.is_empty() {
        // What is missing may come with any file there.
        reads.insert(path);
    }
    reads
}

/// Says that a path names nothing in the repository.
pub(crate) fn bad_path(place: &Place) -> Diagnostic {
    let error = place.error("bad-path", "this path names nothing in the repository");
    error.with_hint("Write a plain path relative to this file, as in ../k8s/api.")
}

/// Returns the folder or file that a resource of manifests names, relative to the file it is
/// written in.
///
/// # Errors
/// The node that names nothing in the repository.
pub(crate) fn manifests_path(spec: &Template) -> Result<RepoPath, &Template> {
    let node = spec.get("path").ok_or(spec)?;
    match &node.content {
        super::template::Shape::Text(text) => node.place.file().folder().resolve(text).ok_or(node),
        _ => Err(node),
    }
}

fn typed(root: &Node, path: &RepoPath, kinds: &Kinds, reader: &mut Reader) -> Option<Environment> {
    let mut fields = reader.fields(root, &root.place)?;
    let _checked_when_found = (fields.get("apiVersion"), fields.get("kind"));
    let metadata = fields.require(reader, "metadata");
    let spec = fields.require(reader, "spec");
    fields.finish(reader);
    let (name, labels) = metadata
        .map(|node| read_metadata(node, reader))
        .unwrap_or_default();
    let name_node = metadata.and_then(|node| node.get("name"));
    let place = name_node.map_or(&root.place, |node| &node.place).clone();
    let mut spec = reader.fields(spec?, &root.place)?;
    let _merged_already = spec.get("extends");
    let vars = spec
        .get("vars")
        .map_or_else(Vec::new, |node| read_vars(node, reader));
    let connections = spec
        .get("connections")
        .map(|node| connection::read(node, kinds, reader))
        .unwrap_or_default();
    let secrets = spec
        .get("secrets")
        .map(|node| secret::read(node, &connections, reader))
        .unwrap_or_default();
    let reconcile = spec.get("reconcile");
    let protecting = reconcile.map(reconcile::protecting).unwrap_or_default();
    let reconcile = reconcile.map(|node| reconcile::read(node, reader));
    let notify = spec
        .get("notify")
        .map(|node| reconcile::notify(node, reader));
    let resources = spec.get("resources");
    let declared = keys(resources);
    let resources = resources
        .map(|node| resource::read(node, Some(&connections), kinds, reader))
        .unwrap_or_default();
    spec.finish(reader);
    let symbols = Symbols::new(&vars, secrets.keys(), &declared, &resources);
    let vars = symbols.check(vars, &connections, &resources, reader);
    cluster_secret::check(&secrets, &connections, &vars, reader);
    own_secret::check(&secrets, &resources, &connections, &vars, reader);
    let (secret_places, secrets) = secrets
        .into_iter()
        .map(|(name, entry)| ((name.clone(), entry.place), (name, entry.source)))
        .unzip();
    Some(Environment {
        name: name?,
        path: path.clone(),
        labels,
        reconcile: reconcile.unwrap_or_default(),
        protecting,
        notify: notify.unwrap_or_default(),
        connections,
        resources,
        vars,
        location: place.location(),
        secret_places,
        secrets,
        place,
    })
}

fn keys(node: Option<&Node>) -> BTreeSet<String> {
    let entries = node.into_iter().flat_map(Node::entries);
    entries.map(|(key, _)| key.text.clone()).collect()
}

type Labels = Vec<(String, String)>;

fn read_metadata(node: &Node, reader: &mut Reader) -> (Option<EnvironmentName>, Labels) {
    let Some(mut fields) = reader.fields(node, &node.place) else {
        return Default::default();
    };
    let name = fields
        .require(reader, "name")
        .and_then(|node| reader.name(node))
        .and_then(|name| EnvironmentName::new(name).ok());
    let labels = fields.get("labels").map(|node| read_labels(node, reader));
    fields.finish(reader);
    (name, labels.unwrap_or_default())
}

fn read_labels(node: &Node, reader: &mut Reader) -> Labels {
    let entries = reader.entries(node).unwrap_or_default();
    let label = |(key, value): &(crate::yaml::Key, Node)| {
        let text = reader.text(value)?;
        if text.contains("${") {
            let error = value
                .place
                .error("expression-not-here", "a label is a plain text");
            reader.report(error);
        }
        Some((key.text.clone(), text.to_owned()))
    };
    entries.iter().filter_map(label).collect()
}

fn read_vars(node: &Node, reader: &mut Reader) -> Vec<(String, Template)> {
    let mut vars = Vec::new();
    for (key, value) in reader.entries(node).unwrap_or_default() {
        if !secret::is_name(&key.text) {
            reader.report(secret::bad_name(&key.place, &key.text));
        }
        vars.push((key.text.clone(), Template::read(value, reader)));
    }
    vars
}
