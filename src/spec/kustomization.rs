//! `kubernetes/kustomization`: which files a kustomization is made of, followed from file to file.
//!
//! kustomize sees those files and no others. What would reach out of the repository (remote bases, any
//! address) or start a program (charts, plugins) is refused here, before anything runs. Fields are
//! told by an allow-list, so a field this file does not know cannot name a file it has not seen.

use crate::model::{Diagnostic, File, RepoPath, Snapshot};
use crate::yaml::{self, Flavour, Limits, Node, Place, nearest};
use std::collections::BTreeSet;

mod refused;
#[cfg(test)]
mod tests;

use refused::{folded, is_inline, is_remote};

/// The names kustomize looks for, in its order.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The most folders with a kustomization that one resource may lead through.
const MOST: usize = 200;

/// Annotations by which kustomize would run a function. Source: kyaml/fn/runtime/runtimeutil.
const FUNCTIONS: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];

/// Fields that name no file. Source: kustomize 5.8, api/types/kustomization.go, as all below.
const PLAIN: [&str; 16] = [
    "apiVersion",
    "kind",
    "metadata",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "commonLabels",
    "commonAnnotations",
    "labels",
    "images",
    "imageTags",
    "replicas",
    "vars",
    "sortOptions",
    "generatorOptions",
    "buildMetadata",
];

/// What a field that names files holds.
#[derive(Clone, Copy)]
enum Names {
    /// Files, and folders with a kustomization.
    Roots,
    /// Files.
    Files,
    /// Files, or YAML written out.
    FilesOrYaml,
    /// Maps with files under keys such as `path`.
    Maps,
    /// Settings of generators, transformers or validators: files, or YAML written out.
    Plugins,
    /// Charts, which kustomize would have helm fetch and render.
    Charts,
}

const NAMING: [(&str, Names); 18] = [
    ("resources", Names::Roots),
    ("bases", Names::Roots),
    ("components", Names::Roots),
    ("crds", Names::Files),
    ("configurations", Names::Files),
    ("patchesStrategicMerge", Names::FilesOrYaml),
    ("patches", Names::Maps),
    ("patchesJson6902", Names::Maps),
    ("replacements", Names::Maps),
    ("openapi", Names::Maps),
    ("configMapGenerator", Names::Maps),
    ("secretGenerator", Names::Maps),
    ("generators", Names::Plugins),
    ("transformers", Names::Plugins),
    ("validators", Names::Plugins),
    ("helmCharts", Names::Charts),
    ("helmGlobals", Names::Charts),
    ("helmChartInflationGenerator", Names::Charts),
];

/// Keys of maps under which files are named.
const PATH_KEYS: [&str; 5] = ["path", "paths", "files", "envs", "env"];

/// What a kustomization is made of.
pub(super) struct Scan<'s> {
    snapshot: &'s Snapshot,
    folders: BTreeSet<RepoPath>,
    /// Every file kustomize has to see.
    pub(super) files: BTreeSet<RepoPath>,
    /// Every mistake, and everything that is refused.
    pub(super) wrong: Vec<Diagnostic>,
}

impl<'s> Scan<'s> {
    /// Follows the kustomization in a folder; `at` is where the folder is named.
    pub(super) fn of(folder: &RepoPath, at: &Place, snapshot: &'s Snapshot) -> Self {
        let mut scan = Self {
            snapshot,
            folders: BTreeSet::new(),
            files: BTreeSet::new(),
            wrong: Vec::new(),
        };
        scan.folder(folder, at);
        scan
    }

    fn folder(&mut self, folder: &RepoPath, at: &Place) {
        if !self.folders.insert(folder.clone()) {
            return;
        }
        if self.folders.len() > MOST {
            let message = format!("this leads through more than {MOST} kustomizations");
            self.wrong.push(at.error("too-many-values", message));
            return;
        }
        let paths = NAMES.map(|name| folder.resolve(name));
        let found: Vec<RepoPath> = paths
            .into_iter()
            .flatten()
            .filter(|path| self.snapshot.files.contains_key(path))
            .collect();
        match found.as_slice() {
            [path] => self.kustomization(folder, path, at),
            [] => self.wrong.push(self.missing(folder, at)),
            several => {
                let names: Vec<&str> = several.iter().map(RepoPath::as_str).collect();
                let message = format!("{folder} holds several kustomizations");
                let error = at.error("several-kustomizations", message);
                let hint = format!("Keep one of {}.", names.join(", "));
                self.wrong.push(error.with_hint(hint));
            }
        }
    }

    fn missing(&self, folder: &RepoPath, at: &Place) -> Diagnostic {
        if self.snapshot.under(folder).next().is_none() {
            let error = at.error("missing-folder", format!("{folder} is not there"));
            return error.with_hint("It is taken relative to the file it is written in.");
        }
        let message = format!("{folder} holds no kustomization.yaml");
        let error = at.error("missing-file", message);
        error.with_hint(format!(
            "Add one, or use a resource of kind {} for a folder of plain YAML.",
            super::manifests::NAME
        ))
    }

    fn kustomization(&mut self, folder: &RepoPath, path: &RepoPath, at: &Place) {
        let before = self.wrong.len();
        let Some(bytes) = self.read(path, at) else {
            return;
        };
        let parsed = yaml::parse(path, bytes, Flavour::Kubernetes, &Limits::default());
        self.wrong.extend(parsed.diagnostics().cloned());
        if let [_, second, ..] = parsed.documents.as_slice() {
            let message = "a kustomization is one document";
            let error = second.root.place.error("several-documents", message);
            self.wrong.push(error);
        }
        for document in &parsed.documents {
            for (key, node) in document.root.entries() {
                self.field(folder, key, node);
            }
        }
        if String::from_utf8_lossy(bytes).contains("secret") {
            // The line may hold a literal of a generated Secret.
            for found in self.wrong.iter_mut().skip(before) {
                found.source_line.clear();
            }
        }
    }

    /// Takes a file that kustomize has to see.
    fn read(&mut self, path: &RepoPath, at: &Place) -> Option<&'s [u8]> {
        match self.snapshot.files.get(path) {
            Some(File::Bytes(bytes)) => {
                self.files.insert(path.clone());
                Some(bytes)
            }
            Some(other) => {
                let why = other.refusal().unwrap_or_default();
                let error = at.error("unreadable-file", format!("{path} {why}"));
                self.wrong.push(error);
                None
            }
            None => {
                let error = at.error("missing-file", format!("{path} is not there"));
                self.wrong.push(error);
                None
            }
        }
    }

    fn field(&mut self, folder: &RepoPath, key: &yaml::Key, node: &Node) {
        if PLAIN.contains(&key.text.as_str()) {
            return;
        }
        let naming = NAMING.iter().find(|(name, _)| *name == key.text);
        let Some((_, names)) = naming else {
            let message = format!("a kustomization has no field `{}`", key.text);
            let known = PLAIN.into_iter().chain(NAMING.map(|(name, _)| name));
            let error = key.place.error("unknown-key", message);
            self.wrong.push(match nearest(&key.text, known) {
                Some(near) => error.with_hint(format!("Did you mean `{near}`?")),
                None => error,
            });
            return;
        };
        match names {
            Names::Charts => {
                let message = "charts are not fetched or rendered by kustomize here";
                let error = key.place.error("chart-in-kustomization", message);
                self.wrong.push(error.with_hint(
                    "Declare the chart as a resource of its own, or render it into the repository.",
                ));
            }
            Names::Maps => self.maps(folder, node),
            Names::Roots => each_text(node, &mut |node, text| self.root(folder, node, text)),
            Names::Files => each_text(node, &mut |node, text| self.file(folder, node, text)),
            Names::FilesOrYaml => each_text(node, &mut |node, text| {
                if !is_inline(text) {
                    self.file(folder, node, text);
                }
            }),
            Names::Plugins => each_text(node, &mut |node, text| self.plugin(folder, node, text)),
        }
    }

    /// Follows every file below a map, whatever its case: kustomize reads keys so too.
    fn maps(&mut self, folder: &RepoPath, node: &Node) {
        match &node.content {
            yaml::Content::List(items) => items.iter().for_each(|item| self.maps(folder, item)),
            yaml::Content::Map(entries) => {
                for (key, value) in entries {
                    if PATH_KEYS.contains(&folded(&key.text).as_str()) {
                        each_text(value, &mut |node, text| {
                            // Generators write `key=file`.
                            let path = text.split_once('=').map_or(text, |(_, path)| path);
                            self.file(folder, node, path);
                        });
                    // Written out, or naming fields of objects.
                    } else if !matches!(
                        folded(&key.text).as_str(),
                        "patch" | "literals" | "fieldspecs"
                    ) {
                        self.maps(folder, value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Follows a file or a folder with a kustomization.
    fn root(&mut self, folder: &RepoPath, node: &Node, text: &str) {
        let Some(path) = self.local(folder, node, text) else {
            return;
        };
        if self.snapshot.files.contains_key(&path) {
            self.inside(folder, &path, node);
        } else {
            self.folder(&path, &node.place);
        }
    }

    fn file(&mut self, folder: &RepoPath, node: &Node, text: &str) {
        if let Some(path) = self.local(folder, node, text) {
            self.inside(folder, &path, node);
        }
    }

    /// Takes a file, which has to stand below the kustomization that names it.
    fn inside(&mut self, folder: &RepoPath, path: &RepoPath, node: &Node) -> Option<&'s [u8]> {
        if !path.is_under(folder) {
            let message = format!("{path} is not below {folder}, where this kustomization stands");
            let error = node.place.error("outside-folder", message);
            self.wrong.push(error.with_hint("kustomize reads files only below the kustomization that names them: move the file, or give its folder a kustomization.yaml and name the folder."));
            return None;
        }
        self.read(path, &node.place)
    }

    /// Returns the path in the repository; refuses what is none.
    fn local(&mut self, folder: &RepoPath, node: &Node, text: &str) -> Option<RepoPath> {
        if is_remote(text) {
            let message = "nothing is fetched from elsewhere while planning";
            let error = node.place.error("remote-reference", message);
            self.wrong
                .push(error.with_hint("Copy it into the repository and name it by its path."));
            return None;
        }
        let path = folder.resolve(text).filter(|_| !text.is_empty());
        if path.is_none() {
            let error = node.place.error(
                "bad-path",
                format!("{text:?} names nothing in the repository"),
            );
            self.wrong.push(error);
        }
        path
    }

    /// Takes settings of a generator, a transformer or a validator that kustomize itself has.
    fn plugin(&mut self, folder: &RepoPath, node: &Node, text: &str) {
        let parsed = if is_inline(text) {
            let path = node.place.file();
            yaml::parse(
                path,
                text.as_bytes(),
                Flavour::Kubernetes,
                &Limits::default(),
            )
        } else {
            let Some(path) = self.local(folder, node, text) else {
                return;
            };
            let Some(bytes) = self.inside(folder, &path, node) else {
                return;
            };
            yaml::parse(&path, bytes, Flavour::Kubernetes, &Limits::default())
        };
        if parsed.diagnostics().next().is_some() || parsed.documents.is_empty() {
            let message = "this cannot be read as settings of a generator or transformer";
            self.wrong.push(node.place.error("bad-yaml", message));
            return;
        }
        for document in &parsed.documents {
            if !is_built_in(&document.root) {
                let message = "only generators and transformers that kustomize itself has may be used: others are programs, and planning runs none of a repository's";
                self.wrong
                    .push(node.place.error("program-in-kustomization", message));
                return;
            }
            let before = self.wrong.len();
            self.maps(folder, &document.root);
            for found in self.wrong.iter_mut().skip(before) {
                // Places inside YAML that is written out are none of the file.
                found.location = node.place.location();
            }
        }
    }
}

/// Tells whether this is of kustomize itself, and starts nothing.
fn is_built_in(root: &Node) -> bool {
    let text = |key: &str| root.get(key).and_then(Node::as_str);
    let annotations = root
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"));
    let annotated = annotations
        .into_iter()
        .flat_map(Node::entries)
        .any(|(key, _)| FUNCTIONS.contains(&key.text.as_str()));
    text("apiVersion") == Some("builtin")
        && text("kind").is_some_and(|kind| !kind.starts_with("Helm"))
        && !annotated
}

fn each_text(node: &Node, visit: &mut impl FnMut(&Node, &str)) {
    match &node.content {
        yaml::Content::Text(text) => visit(node, &text.text),
        yaml::Content::List(items) => items.iter().for_each(|item| each_text(item, visit)),
        _ => {}
    }
}
