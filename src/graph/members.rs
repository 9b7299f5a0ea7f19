//! One resource that is many objects, as its members.

use super::manifests::Folder;
use super::node::Node;
use super::objects::{Named, cluster_scoped_by, in_namespace, is_cluster_scoped};
use super::rendered;
use crate::model::{Address, Diagnostic, Kinds, Lifecycle, Snapshot};
use crate::source::render::Rendered;
use crate::spec::manifests::{NAME as MANIFESTS, member_kind};
use crate::spec::template::{Shape, Template};
use crate::yaml::Place;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most objects one resource may hold.
const MOST: usize = 50_000;

/// One resource, about to become its members.
pub(super) struct Members<'a> {
    pub(super) of: &'a Node,
    pub(super) kinds: &'a Kinds,
    pub(super) snapshot: &'a Snapshot,
    pub(super) rendered: &'a Rendered,
    pub(super) wrong: &'a mut Vec<Diagnostic>,
    pub(super) warnings: &'a mut Vec<Diagnostic>,
}

impl Members<'_> {
    /// Returns its members; what is wrong in one file leaves the others.
    pub(super) fn members(&mut self) -> Vec<Node> {
        let before = (self.wrong.len(), self.warnings.len());
        let members = self.found();
        let (wrong, warnings) = (
            self.wrong.iter_mut().skip(before.0),
            self.warnings.iter_mut().skip(before.1),
        );
        for diagnostic in wrong.chain(warnings) {
            if rendered::is_output(diagnostic) {
                rendered::relocate(diagnostic, self.of);
                continue;
            }
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
        if objects.len() > MOST {
            let message = format!("this holds more than {MOST} objects");
            self.wrong
                .push(self.of.place.error("too-many-values", message));
            return Vec::new();
        }
        let default = self.default_namespace();
        let scoped: BTreeSet<(String, String)> =
            objects.iter().filter_map(cluster_scoped_by).collect();
        let mut nodes: Vec<Node> = Vec::new();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for object in objects {
            let Some(found) = Named::of(&object, self.wrong) else {
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
                let message = format!("{member} stands twice in this resource");
                self.wrong
                    .push(found.place.error("declared-twice", message));
                continue;
            }
            let lifecycle = self.lifecycle(&object);
            let spec = match &namespace {
                Some(namespace) if found.namespace.is_none() => in_namespace(object, namespace),
                _ => object,
            };
            let name = self.of.address.resource.member(member);
            nodes.push(Node {
                address: Address::new(self.of.address.environment.clone(), name),
                kind: Arc::clone(&kind),
                spec: Arc::new(spec),
                lifecycle,
                place: self.place(found.place),
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

    fn lifecycle(&self, object: &Template) -> Lifecycle {
        let mut lifecycle = self.of.lifecycle.clone();
        if lifecycle.protect.is_none() && rendered::is_kept(object) {
            lifecycle.protect = Some(true);
        }
        lifecycle
    }

    /// What was rendered has no place of its own in the repository.
    fn place(&self, of_object: Place) -> Place {
        if self.is_folder() {
            of_object
        } else {
            self.of.place.clone()
        }
    }

    fn is_folder(&self) -> bool {
        self.of.kind.name.as_str() == MANIFESTS
    }

    /// Returns every object, lists taken apart.
    fn objects(&mut self) -> Option<Vec<Template>> {
        if !self.is_folder() {
            return rendered::objects(self.of, self.rendered, (self.wrong, self.warnings));
        }
        let mut folder = Folder {
            of: self.of,
            snapshot: self.snapshot,
            wrong: self.wrong,
            warnings: self.warnings,
        };
        folder.objects()
    }
}
