//! One environment pinned to one Git state, and everything a run needs to make a graph of it.

use super::trust::Merged;
use super::{Trust, beside, cluster_secrets};
use crate::graph::{self, Allowance, Graph};
use crate::model::{
    Diagnostic, Digest, EnvironmentName, File, Kinds, RepoPath, Revision, Snapshot,
};
use crate::provider::Registry;
use crate::source::Outside;
use crate::source::render::Rendered;
use crate::source::secrets::Secrets;
use crate::spec::{Environment, EnvironmentReading};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// One environment of one snapshot.
#[derive(Clone)]
pub struct Pinned {
    /// What its file and layers say.
    pub environment: Arc<Environment>,
    /// The file it stands in.
    pub path: RepoPath,
    /// Every file and folder that has a say in it.
    pub files: BTreeSet<RepoPath>,
    /// The Git state it was read from; manifests are read from it too.
    pub snapshot: Arc<Snapshot>,
    /// What it may take from outside.
    pub outside: Outside,
    built: Built,
}

/// The graph of the last look, and within what trust it was made. Clones share it. The same files with the same secrets
/// make the same graph, and to read thousands of files again costs more than all the rest of a quiet look.
#[derive(Clone, Default)]
struct Built(Arc<Mutex<Option<Made>>>);

/// A graph, and the trust it was made within.
type Made = (Within, Arc<Graph>);

/// A trust, without keeping alive what it knows. `None` where it is without bounds.
type Within = Option<Weak<Merged>>;

/// Returns what a trust is known by; `None` of one under which nothing is kept.
fn within(trust: &Trust) -> Option<Within> {
    match trust {
        Trust::All => Some(None),
        Trust::Merged(merged) => Some(Some(Arc::downgrade(merged))),
        Trust::Nothing => None,
    }
}

impl Built {
    fn of(&self, fetched: &Secrets, trust: &Trust) -> Option<Arc<Graph>> {
        let asked = within(trust)?;
        let built = self.built();
        let (made, graph) = built.as_ref()?;
        let is_same = match (made, &asked) {
            (None, None) => true,
            (Some(made), Some(asked)) => Weak::ptr_eq(made, asked),
            _ => false,
        };
        (is_same && graph.is_of(fetched)).then(|| Arc::clone(graph))
    }

    fn keep(&self, graph: &Arc<Graph>, trust: &Trust) {
        if let Some(within) = within(trust) {
            *self.built() = Some((within, Arc::clone(graph)));
        }
    }

    fn built(&self) -> MutexGuard<'_, Option<Made>> {
        // Only ever changed whole: a panic elsewhere leaves it usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pinned {
    /// Pins what was read of one environment.
    ///
    /// # Errors
    /// Its mistakes, where it has any.
    pub fn new(
        reading: EnvironmentReading,
        snapshot: &Arc<Snapshot>,
        outside: &Outside,
    ) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self {
            environment: Arc::new(reading.environment?),
            path: reading.path,
            files: reading.files,
            snapshot: Arc::clone(snapshot),
            outside: outside.clone(),
            built: Built::default(),
        })
    }

    /// Returns whose it is.
    pub fn name(&self) -> &EnvironmentName {
        &self.environment.name
    }

    /// Returns the Git state.
    pub fn revision(&self) -> &Revision {
        &self.snapshot.revision
    }

    /// Fetches its secrets, those of clusters included, as far as they may be read, renders what has to be,
    /// and resolves it.
    ///
    /// # Errors
    /// Every mistake that only shows with secrets and manifests at hand, located.
    pub async fn graph(
        &self,
        registry: &Registry,
        trust: &Trust,
    ) -> Result<Arc<Graph>, Vec<Diagnostic>> {
        let (environment, allowance) = (trust.bounded(&self.environment), Arc::default());
        let fetched = self.fetched(trust).await;
        let of = (registry, trust);
        let fetched = cluster_secrets::read(of, &environment, fetched, &allowance).await;
        self.resolved(&environment, fetched, (registry.kinds(), trust), &allowance)
            .await
    }

    /// Like `graph`, without asking any cluster: what is made of a cluster's secret is not known. From
    /// what is left for the environments of one repository.
    ///
    /// # Errors
    /// As of `graph`, and that nothing is left.
    pub async fn graph_within(
        &self,
        kinds: &Kinds,
        trust: &Trust,
        allowance: &Arc<Allowance>,
    ) -> Result<Arc<Graph>, Vec<Diagnostic>> {
        let environment = trust.bounded(&self.environment);
        let fetched = self.fetched(trust).await;
        self.resolved(&environment, fetched, (kinds, trust), allowance)
            .await
    }

    async fn fetched(&self, trust: &Trust) -> Secrets {
        let sources = trust.secrets(self.environment.secrets.clone());
        self.outside.secrets(&sources, &self.snapshot).await
    }

    async fn resolved(
        &self,
        environment: &Arc<Environment>,
        fetched: Secrets,
        (kinds, trust): (&Kinds, &Trust),
        allowance: &Arc<Allowance>,
    ) -> Result<Arc<Graph>, Vec<Diagnostic>> {
        if let Some(graph) = self.built.of(&fetched, trust) {
            return Ok(graph);
        }
        let (fetched, asked) = beside::renders(environment, fetched, kinds, allowance).await;
        let rendered = if trust.renders() {
            self.outside.render(&asked, &self.snapshot).await
        } else {
            Rendered::refused(&asked)
        };
        let of = (environment, &self.snapshot);
        // What could not be read or rendered may be there at the next look.
        let is_whole = fetched.is_whole() && rendered.failed.is_empty();
        let graph = beside::build(of, (fetched, rendered), kinds, allowance).await?;
        let graph = Arc::new(graph);
        if is_whole {
            self.built.keep(&graph, trust);
        }
        Ok(graph)
    }

    /// Resolves it with what is at hand: no secret is fetched and nothing rendered, so their values are holes.
    ///
    /// # Errors
    /// Every mistake that shows without them, located.
    pub fn graph_at_hand(
        &self,
        kinds: &Kinds,
        allowance: &Allowance,
    ) -> Result<Graph, Vec<Diagnostic>> {
        let nothing = (&Secrets::default(), &Rendered::default());
        graph::build_within(&self.environment, nothing, kinds, &self.snapshot, allowance)
    }

    /// Returns the files with a say in it that are not the same in another state.
    pub fn touched_files(&self, other: &Snapshot) -> Vec<RepoPath> {
        let (ours, theirs) = (self.files_of(&self.snapshot), self.files_of(other));
        let paths: BTreeSet<_> = ours.keys().chain(theirs.keys()).copied().collect();
        paths
            .into_iter()
            .filter(|path| ours.get(path) != theirs.get(path))
            .cloned()
            .collect()
    }

    /// Returns a digest of the files with a say in it: where each stands, and what it holds.
    pub fn content(&self) -> Digest {
        let mut all = Vec::new();
        for (path, file) in self.files_of(&self.snapshot) {
            let held = match file {
                File::Bytes(bytes) => Digest::of(bytes),
                unread => Digest::of(format!("{unread:?}")),
            };
            all.extend_from_slice(format!("{path}\0{held}\0").as_bytes());
        }
        Digest::of(all)
    }

    fn files_of<'s>(&'s self, snapshot: &'s Snapshot) -> BTreeMap<&'s RepoPath, &'s File> {
        self.files
            .iter()
            .flat_map(|path| snapshot.under(path))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::render::Renderer;
    use crate::source::sops::Sops;
    use crate::spec::{self, ReadOptions};
    use std::path::PathBuf;

    const SPEC: &str = "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: { name: shop }\nspec:\n  \
        connections: { here: { provider: host } }\n  \
        resources: { page: { kind: host/file, spec: { path: /page, content: x } } }\n";

    #[tokio::test]
    async fn a_graph_is_that_of_the_trust_it_was_made_within() {
        let snapshot = Arc::new(crate::spec::tests::snapshot(&[("e.yaml", SPEC)]));
        let kinds = Kinds::new(crate::provider::all_rows());
        let options = ReadOptions {
            folder: None,
            only: None,
            kinds: &kinds,
        };
        let read = spec::read(&snapshot, &options).environments.remove(0);
        let outside = Outside::new(PathBuf::new(), Renderer::default(), Sops::default());
        let pinned = Pinned::new(read, &snapshot, &outside).unwrap();
        let graph = async |trust: &Trust| {
            let graph = pinned.graph_within(&kinds, trust, &Arc::default()).await;
            graph.unwrap()
        };
        let merged = || Trust::Merged(Arc::default());
        for trust in [merged(), Trust::All] {
            let made = graph(&trust).await;
            assert!(Arc::ptr_eq(&made, &graph(&trust.clone()).await));
            assert!(!Arc::ptr_eq(&made, &graph(&Trust::Nothing).await));
            assert!(Arc::ptr_eq(&made, &graph(&trust).await));
            assert!(!Arc::ptr_eq(&made, &graph(&merged()).await));
            assert!(!Arc::ptr_eq(&made, &graph(&trust).await));
        }
    }
}
