//! What a pull request touches: the environments whose files are not the same after its merge, and
//! every mistake in them that shows without a look at anything live, or at any secret.

use super::super::{Everywhere, Fleet, Followed, Pinned, Trust, beside};
use crate::graph::Allowance;
use crate::model::{Diagnostic, EnvironmentName, Kinds, RepoPath, Severity, Snapshot};
use crate::source::render::Rendered;
use crate::source::secrets::Secrets;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The environments a pull request touches.
#[derive(Default)]
pub(super) struct Touched {
    pub pinned: Vec<Pinned>,
    pub names: BTreeSet<EnvironmentName>,
    /// Those that no file would declare any more.
    pub gone: Vec<EnvironmentName>,
    pub wrong: Vec<Diagnostic>,
    pub everywhere: Everywhere,
}

impl Touched {
    /// Finds what differs between the merged state and the branch it would go into; `trust` says what
    /// may be read for that.
    pub(super) async fn find(
        preview: &Arc<Snapshot>,
        base: &Snapshot,
        (followed, fleet): (&Followed, &Fleet),
        (kinds, trust): (&Kinds, &Trust),
    ) -> Self {
        let reading = beside::environments(followed, preview, kinds).await;
        let left = (Arc::default(), Arc::default());
        let mut touched = Self {
            everywhere: fleet.everywhere(),
            ..Self::default()
        };
        let changed = |path: &RepoPath| preview.files.get(path) != base.files.get(path);
        touched.wrong.extend(
            reading
                .diagnostics
                .into_iter()
                .filter(|one| one.severity == Severity::Error && changed(&one.location.file)),
        );
        let mut there = BTreeSet::new();
        for read in reading.environments {
            there.insert(read.name.clone());
            let path = read.path.clone();
            let name = read.name.clone();
            match Pinned::new(read, preview, &followed.outside) {
                Ok(pinned) if pinned.touched_files(base).is_empty() => {}
                Ok(pinned) => {
                    touched.resolve(&pinned, (kinds, trust), &left).await;
                    touched.names.insert(name);
                    touched.pinned.push(pinned);
                }
                Err(diagnostics) => {
                    if changed(&path) || diagnostics.iter().any(|one| changed(&one.location.file)) {
                        touched.names.insert(name);
                        touched.wrong.extend(diagnostics);
                    }
                }
            }
        }
        let mine = fleet
            .kept()
            .iter()
            .filter(|(_, kept)| kept.repository == followed.origin.name());
        touched.gone = mine
            .map(|(name, _)| name.clone())
            .filter(|name| !there.contains(name))
            .collect();
        touched.names.extend(touched.gone.iter().cloned());
        // What they have is for another to take over, as after the merge.
        for name in &touched.gone {
            touched.everywhere.remove(name);
        }
        touched
    }

    /// Resolves an environment, and takes in what it declares or what is wrong with it. From what is left for all of
    /// them, with their secrets and without.
    async fn resolve(
        &mut self,
        pinned: &Pinned,
        (kinds, trust): (&Kinds, &Trust),
        (allowance, checking): &(Arc<Allowance>, Arc<Allowance>),
    ) {
        let graph = pinned.graph_within(kinds, trust, allowance).await.ok();
        // What was resolved without any secret is resolved.
        let is_sound = graph.is_some() && pinned.environment.secrets.is_empty();
        if let Some(graph) = graph {
            self.everywhere.add(pinned.name(), Some(graph));
        }
        if !is_sound {
            self.wrong.extend(unresolved(pinned, kinds, checking).await);
        }
    }

    /// Keeps what stands, or stood, below a path.
    pub(super) fn keep(&mut self, within: &RepoPath, fleet: &Fleet) {
        self.pinned.retain(|pinned| pinned.path.is_under(within));
        self.wrong.retain(|one| one.location.file.is_under(within));
        let stood = |name: &EnvironmentName| {
            let kept = fleet.kept().get(name);
            kept.is_some_and(|kept| kept.pinned.path.is_under(within))
        };
        self.gone.retain(stood);
        let there = |name: &EnvironmentName| self.pinned.iter().any(|one| one.name() == name);
        let gone = &self.gone;
        self.names
            .retain(|name| stood(name) || there(name) || gone.contains(name));
    }
}

/// Returns the mistakes that show only when expressions are resolved, as far as they show without
/// any secret and without rendering: nothing live is read for them.
async fn unresolved(pinned: &Pinned, kinds: &Kinds, allowance: &Arc<Allowance>) -> Vec<Diagnostic> {
    let nothing = (Secrets::default(), Rendered::default());
    let of = (&pinned.environment, &pinned.snapshot);
    let built = beside::build(of, nothing, kinds, allowance).await;
    built.err().unwrap_or_default()
}
