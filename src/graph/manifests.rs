//! A folder of plain Kubernetes YAML as its objects. Nothing in it is evaluated.

use super::node::Node;
use crate::model::{Address, Diagnostic, File, Kinds, RepoPath, Snapshot};
use crate::spec::environment::manifests_path;
use crate::spec::manifests::member_kind;
use crate::spec::template::{Shape, Template};
use crate::yaml::{self, Content, Flavour, Key, Limits, Parsed, Place, nearest};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most objects one folder may hold.
const MOST: usize = 50_000;

/// Kinds of the built-in groups that belong to no namespace.
/// Source: `kubectl api-resources --namespaced=false` of Kubernetes 1.36.
const CLUSTER_SCOPED: [&str; 29] = [
    "Namespace",
    "Node",
    "PersistentVolume",
    "ClusterRole",
    "ClusterRoleBinding",
    "StorageClass",
    "CustomResourceDefinition",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "CertificateSigningRequest",
    "ClusterTrustBundle",
    "FlowSchema",
    "PriorityLevelConfiguration",
    "IngressClass",
    "IPAddress",
    "ServiceCIDR",
    "RuntimeClass",
    "PriorityClass",
    "CSIDriver",
    "CSINode",
    "VolumeAttachment",
    "VolumeAttributesClass",
    "DeviceClass",
    "ResourceSlice",
];

/// One resource of kind `kubernetes/manifests`, about to become its members.
pub(super) struct Folder<'a> {
    pub(super) of: &'a Node,
    pub(super) kinds: &'a Kinds,
    pub(super) snapshot: &'a Snapshot,
    pub(super) wrong: &'a mut Vec<Diagnostic>,
    pub(super) warnings: &'a mut Vec<Diagnostic>,
}

impl Folder<'_> {
    /// Returns its members; what is wrong in one file leaves the others.
    pub(super) fn members(&mut self) -> Vec<Node> {
        let before = (self.wrong.len(), self.warnings.len());
        let members = self.found();
        let (wrong, warnings) = (
            self.wrong.iter_mut().skip(before.0),
            self.warnings.iter_mut().skip(before.1),
        );
        for diagnostic in wrong.chain(warnings) {
            let bytes = self
                .snapshot
                .bytes(&diagnostic.location.file)
                .unwrap_or_default();
            if diagnostic.location.file != *self.of.place.file()
                && String::from_utf8_lossy(bytes).contains("Secret")
            {
                // The line may hold the value of a Secret.
                diagnostic.source_line.clear();
            }
        }
        members
    }

    fn found(&mut self) -> Vec<Node> {
        let Some(kind) = self.kinds.get(&member_kind()).map(Arc::clone) else {
            let message = format!("there is no kind {}", member_kind());
            self.wrong
                .push(self.of.place.error("unknown-kind", message));
            return Vec::new();
        };
        let Some(objects) = self.objects() else {
            return Vec::new();
        };
        let default = self.default_namespace();
        let scoped: BTreeSet<(String, String)> =
            objects.iter().filter_map(cluster_scoped_by).collect();
        let mut nodes: Vec<Node> = Vec::new();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for object in &objects {
            let Some(found) = self.name(object) else {
                continue;
            };
            let namespaced = !(is_cluster_scoped(&found)
                || scoped.contains(&(found.group.clone(), found.kind.clone())));
            let namespace = found
                .namespace
                .clone()
                .or_else(|| default.clone().filter(|_| namespaced));
            let member = found.member(namespace.as_deref());
            if !names.insert(member.clone()) {
                let message = format!("{member} stands twice in this folder");
                self.wrong
                    .push(found.place.error("declared-twice", message));
                continue;
            }
            let spec = match &namespace {
                Some(namespace) if found.namespace.is_none() => in_namespace(object, namespace),
                _ => object.clone(),
            };
            nodes.push(Node {
                address: Address::new(
                    self.of.address.environment.clone(),
                    self.of.address.resource.member(member),
                ),
                kind: Arc::clone(&kind),
                spec: Arc::new(spec),
                place: found.place,
                ..self.of.clone()
            });
        }
        nodes
    }

    /// Returns the namespace of objects that declare none.
    fn default_namespace(&mut self) -> Option<String> {
        let node = self.of.spec.get("namespace")?;
        if let Shape::Text(name) = &node.content {
            return Some(name.clone());
        }
        let error = node
            .place
            .error("wrong-type", "the namespace has to be a plain text here");
        self.wrong.push(error);
        None
    }

    /// Returns every object below the path, lists taken apart.
    fn objects(&mut self) -> Option<Vec<Template>> {
        let path = match manifests_path(&self.of.spec) {
            Ok(path) => path,
            Err(node) => {
                let error = node
                    .place
                    .error("bad-path", "this path names nothing in the repository");
                self.wrong.push(
                    error.with_hint("Write a plain path relative to this file, as in ../k8s/api."),
                );
                return None;
            }
        };
        let at = self
            .of
            .spec
            .get("path")
            .map_or(&self.of.place, |node| &node.place)
            .clone();
        let files: Vec<(&RepoPath, &File)> = self.snapshot.under(&path).collect();
        if files.is_empty() {
            self.wrong.push(self.missing(&path, &at));
            return None;
        }
        let before = self.wrong.len();
        let mut objects = Vec::new();
        for (file, content) in files {
            let ending = file.extension().unwrap_or_default();
            if !matches!(ending.as_str(), "yaml" | "yml" | "json") {
                continue;
            }
            match content {
                File::Bytes(bytes) => self.file(file, bytes, &mut objects),
                other => {
                    let what = match other {
                        File::Symlink => "a symbolic link, which is not followed",
                        File::Submodule => "a submodule, which is not read",
                        _ => "too large",
                    };
                    self.wrong
                        .push(at.error("unreadable-file", format!("{file} is {what}")));
                }
            }
        }
        if objects.is_empty() && self.wrong.len() == before {
            let error = at.error("empty-folder", format!("{path} holds no Kubernetes object"));
            let hint = "Nothing is deleted for it. Take the resource away if that is meant.";
            self.wrong.push(error.with_hint(hint));
        }
        if objects.len() > MOST {
            self.wrong.push(at.error(
                "too-many-values",
                format!("{path} holds more than {MOST} objects"),
            ));
            return None;
        }
        Some(objects)
    }

    fn missing(&self, path: &RepoPath, at: &Place) -> Diagnostic {
        let error = at.error("missing-folder", format!("{path} is not there"));
        let folders: BTreeSet<RepoPath> =
            self.snapshot.files.keys().map(RepoPath::folder).collect();
        match nearest(path.as_str(), folders.iter().map(RepoPath::as_str)) {
            Some(near) => error.with_hint(format!("Did you mean {near}?")),
            None => error.with_hint("It is taken relative to the file it is written in."),
        }
    }

    fn file(&mut self, path: &RepoPath, bytes: &[u8], objects: &mut Vec<Template>) {
        let parsed: Parsed = yaml::parse(path, bytes, Flavour::Kubernetes, &Limits::manifests());
        self.wrong.extend(parsed.diagnostics().cloned());
        for document in &parsed.documents {
            if let Some(kustomization) = document
                .root
                .get("kind")
                .filter(|kind| kind.as_str() == Some("Kustomization"))
            {
                let error = kustomization
                    .place
                    .error("not-yet", "kustomizations are not supported yet");
                self.wrong
                    .push(error.with_hint("Render it into the folder, or take the file away."));
                continue;
            }
            self.booleans(&document.root);
            let object = Template::literal(&document.root);
            match object.get("items").map(|items| &items.content) {
                Some(Shape::List(items)) if is_list(&object) => {
                    objects.extend(items.iter().cloned());
                }
                _ => objects.push(object),
            }
        }
    }

    /// Names what YAML 1.1 makes of `yes` and `on`: kubectl does the same, and people mean a text.
    fn booleans(&mut self, node: &yaml::Node) {
        match &node.content {
            Content::Bool(value) => {
                let written = node.place.written();
                if !matches!(written.to_lowercase().as_str(), "true" | "false") {
                    let warning = node.place.error(
                        "yaml-1.1-boolean",
                        format!("{written} is read as {value}, as kubectl does"),
                    );
                    self.warnings.push(
                        warning
                            .with_hint(format!(
                                "Write {value}, or quote it where a text is meant: \"{written}\"."
                            ))
                            .as_warning(),
                    );
                }
            }
            Content::List(items) => items.iter().for_each(|item| self.booleans(item)),
            Content::Map(entries) => entries.iter().for_each(|(_, value)| self.booleans(value)),
            _ => {}
        }
    }

    /// Reads what an object is called; reports one that cannot be called anything.
    fn name(&mut self, object: &Template) -> Option<Named> {
        let text = |node: Option<&Template>| match node.map(|node| &node.content) {
            Some(Shape::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let metadata = object.get("metadata");
        let field = |key: &str| metadata.and_then(|metadata| metadata.get(key));
        let (version, kind, name) = (
            text(object.get("apiVersion")),
            text(object.get("kind")),
            text(field("name")),
        );
        let missing = match (&version, &kind, &name) {
            (None, ..) => "apiVersion",
            (_, None, _) => "kind",
            (.., None) => "metadata.name",
            _ => "",
        };
        if !missing.is_empty() {
            let place = metadata
                .filter(|_| missing == "metadata.name")
                .map_or(&object.place, |node| &node.place);
            let error = place.error(
                "missing-key",
                format!("`{missing}` is missing here, as a text"),
            );
            self.wrong.push(match field("generateName") {
                Some(_) => error.with_hint("A generated name cannot be kept: give it a name."),
                None => error.with_hint("Every file of the folder has to hold Kubernetes objects."),
            });
            return None;
        }
        let group = version
            .as_deref()
            .and_then(|version| version.split_once('/'))
            .map_or("", |(group, _)| group);
        Some(Named {
            group: group.to_owned(),
            kind: kind?,
            namespace: text(field("namespace")),
            name: name?,
            place: field("name")
                .map_or(&object.place, |node| &node.place)
                .clone(),
        })
    }
}

/// What an object is called.
struct Named {
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    place: Place,
}

impl Named {
    /// `Deployment.apps/shop/api`, `Namespace/shop`.
    fn member(&self, namespace: Option<&str>) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        let kind = format!("{}{dot}{}", self.kind, self.group);
        match namespace {
            Some(namespace) => format!("{kind}/{namespace}/{}", self.name),
            None => format!("{kind}/{}", self.name),
        }
    }
}

fn is_list(object: &Template) -> bool {
    matches!(object.get("kind").map(|kind| &kind.content), Some(Shape::Text(kind)) if kind.ends_with("List"))
}

fn is_cluster_scoped(named: &Named) -> bool {
    let is_built_in =
        named.group.is_empty() || !named.group.contains('.') || named.group.ends_with(".k8s.io");
    is_built_in && CLUSTER_SCOPED.contains(&named.kind.as_str())
}

/// A CRD in the folder says whether its resources belong to namespaces.
fn cluster_scoped_by(object: &Template) -> Option<(String, String)> {
    let text = |node: &Template| match &node.content {
        Shape::Text(text) => Some(text.clone()),
        _ => None,
    };
    (text(object.get("kind")?)? == "CustomResourceDefinition").then_some(())?;
    let spec = object.get("spec")?;
    (text(spec.get("scope")?)? == "Cluster").then_some(())?;
    Some((
        text(spec.get("group")?)?,
        text(spec.get("names")?.get("kind")?)?,
    ))
}

fn in_namespace(object: &Template, namespace: &str) -> Template {
    let mut object = object.clone();
    if let Shape::Map(entries) = &mut object.content
        && let Some((_, metadata)) = entries.iter_mut().find(|(key, _)| key.text == "metadata")
        && let Shape::Map(fields) = &mut metadata.content
    {
        fields.retain(|(key, _)| key.text != "namespace");
        let place = metadata.place.clone();
        let key = Key {
            place: place.clone(),
            text: "namespace".to_owned(),
        };
        fields.push((
            key,
            Template {
                place,
                content: Shape::Text(namespace.to_owned()),
            },
        ));
    }
    object
}
