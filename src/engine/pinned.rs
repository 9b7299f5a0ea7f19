//! One environment pinned to one Git state, and everything a run needs to make a graph of it.

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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// The graph of the last look. Clones share it. The same files with the same secrets make the same graph,
/// and to read thousands of files again costs more than all the rest of a quiet look.
#[derive(Clone, Default)]
struct Built(Arc<Mutex<Option<Arc<Graph>>>>);

impl Built {
    fn of(&self, fetched: &Secrets) -> Option<Arc<Graph>> {
        let graph = self.graph();
        graph.as_ref().filter(|graph| graph.is_of(fetched)).cloned()
    }

    fn keep(&self, graph: &Arc<Graph>) {
        *self.graph() = Some(Arc::clone(graph));
    }

    fn graph(&self) -> MutexGuard<'_, Option<Arc<Graph>>> {
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
        let is_bounded = !matches!(trust, Trust::All);
        if let Some(graph) = self.built.of(&fetched).filter(|_| !is_bounded) {
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
        if is_whole && !is_bounded {
            self.built.keep(&graph);
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
