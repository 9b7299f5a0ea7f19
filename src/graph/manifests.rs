//! A folder of plain Kubernetes YAML as its objects. Nothing in it is evaluated.

use super::node::Node;
use super::objects::taken_apart;
use crate::model::{Diagnostic, File, RepoPath, Snapshot};
use crate::spec::environment::{bad_path, manifests_path};
use crate::spec::manifests::KUSTOMIZATION;
use crate::spec::template::Template;
use crate::yaml::{self, Content, Flavour, Limits, Parsed, Place, nearest};
use std::collections::BTreeSet;

/// One resource of kind `kubernetes/manifests`.
pub(super) struct Folder<'a> {
    pub(super) of: &'a Node,
    pub(super) snapshot: &'a Snapshot,
    pub(super) wrong: &'a mut Vec<Diagnostic>,
    pub(super) warnings: &'a mut Vec<Diagnostic>,
}

impl Folder<'_> {
    /// Returns every object below the path, lists taken apart.
    pub(super) fn objects(&mut self) -> Option<Vec<Template>> {
        let path = match manifests_path(&self.of.spec) {
            Ok(path) => path,
            Err(node) => {
                self.wrong.push(bad_path(&node.place));
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
            match content {
                File::Bytes(bytes) if is_manifest(file) => self.file(file, bytes, &mut objects),
                File::Bytes(_) => {}
                // It may stand for a whole folder, whatever its name: read as nothing, all of that would be deleted.
                File::Symlink | File::Submodule | File::BadName => self.unread(&at, file, content),
                File::TooLarge(_) | File::LfsPointer if is_manifest(file) => {
                    self.unread(&at, file, content);
                }
                File::TooLarge(_) | File::LfsPointer => {}
            }
        }
        if objects.is_empty() && self.wrong.len() == before {
            let error = at.error("empty-folder", format!("{path} holds no Kubernetes object"));
            let hint = "Nothing is deleted for it. Take the resource away if that is meant.";
            self.wrong.push(error.with_hint(hint));
        }
        Some(objects)
    }

    fn unread(&mut self, at: &Place, file: &RepoPath, content: &File) {
        let why = content.refusal().unwrap_or_default();
        let error = at.error("unreadable-file", format!("{file} {why}"));
        let hint = "Put what it stands for here, or take it out of this folder. Nothing is deleted for it.";
        self.wrong.push(error.with_hint(hint));
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
                let message = "a folder of plain objects holds a kustomization, which is none";
                let error = kustomization.place.error("kustomization-here", message);
                self.wrong.push(error.with_hint(format!(
                    "Declare the resource as kind {KUSTOMIZATION}, or take the file away."
                )));
                continue;
            }
            self.booleans(&document.root);
            taken_apart(Template::literal(&document.root), objects);
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
}

fn is_manifest(file: &RepoPath) -> bool {
    let ending = file.extension().unwrap_or_default();
    matches!(ending.as_str(), "yaml" | "yml" | "json")
}
