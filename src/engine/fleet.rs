//! Which environments there are, and from which Git state each is kept. A file that is broken
//! leaves its environment at the last good state; one that vanished deletes nothing.

mod at_hand;
mod counted;
pub(super) mod mistakes;
mod restored;

use super::{Claims, Everywhere, Instead, Pinned, Trust};
use crate::graph::{self, Allowance, Graph, Twice};
use crate::ledger::Version;
use crate::model::{
    Diagnostic, Digest, EnvironmentName, Every, Kinds, RepoPath, Revision, Snapshot,
};
use crate::source::Outside;
use crate::spec::{Approval, EnvironmentReading, Reading};
use at_hand::Broken;
use mistakes::{kept_elsewhere, same_name};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One environment that is kept.
#[derive(Clone)]
pub struct Kept {
    /// The name of the repository it stands in.
    pub repository: String,
    /// Its last good state.
    pub pinned: Pinned,
    /// What that state declares, with the secrets of when it was read.
    pub graph: Arc<Graph>,
    /// How often it is compared with nothing new in Git.
    pub every: Every,
    /// The newest state that changed any file with a say in it.
    pub changed_at: Revision,
    /// A digest of those files.
    pub content: Digest,
    /// The approval that stands beside it.
    pub approval: Option<Approval>,
    /// What is wrong with the newest state, where that is not the one that is kept.
    pub broken: Vec<Diagnostic>,
}

impl Kept {
    /// Returns what its files say, and the revision that made them say it.
    pub(super) fn version(&self) -> Version {
        Version {
            revision: self.changed_at.clone(),
            content: self.content.clone(),
        }
    }
}

/// What a new Git state changed.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// It says something new: run it.
    Changed(EnvironmentName),
    /// The newest state cannot be used; the last good one stays in force, where there is one.
    Broken(EnvironmentName, Vec<Diagnostic>),
    /// No file declares it any more. Nothing of it is deleted.
    Gone(EnvironmentName),
    /// Mistakes in files that name no environment.
    Unreadable(Vec<Diagnostic>),
}

/// The environments of every repository.
#[derive(Clone, Default)]
pub struct Fleet {
    kept: BTreeMap<EnvironmentName, Kept>,
    /// Broken, and without a good state to keep; with the repository and the mistakes of each.
    lost: BTreeMap<EnvironmentName, (String, Vec<Diagnostic>)>,
    /// What can be read of broken ones all the same, by repository.
    at_hand: BTreeMap<(String, EnvironmentName), Option<Arc<Graph>>>,
    /// Mistakes in files that name no environment, by repository.
    unreadable: BTreeMap<String, Vec<Diagnostic>>,
    /// Files of those that may hide an environment, by repository.
    hiding: BTreeMap<String, BTreeSet<RepoPath>>,
    /// What one repository declares of an environment that another keeps, and is refused.
    refused: BTreeMap<(String, EnvironmentName), Vec<Diagnostic>>,
}

/// One Git state of one repository, read.
pub struct Arrival<'a> {
    /// The repository's name.
    pub repository: &'a str,
    /// Its files.
    pub snapshot: &'a Arc<Snapshot>,
    /// What they say.
    pub reading: Reading,
    /// What its specs may take from outside.
    pub outside: &'a Outside,
    /// What is kept instead of what it says.
    pub instead: Instead,
}

/// A state, what its specs may take from outside, and what is left for its expressions.
type Source<'a> = (&'a Arc<Snapshot>, &'a Outside, &'a Arc<Allowance>);

impl Fleet {
    /// Returns what is kept, by name.
    pub fn kept(&self) -> &BTreeMap<EnvironmentName, Kept> {
        &self.kept
    }

    /// Tells whether some file declares an environment, be it broken.
    pub fn declares(&self, name: &EnvironmentName) -> bool {
        self.kept.contains_key(name) || self.lost.contains_key(name)
    }

    /// Returns the environments that are declared and of which no state can be used.
    pub(super) fn lost(&self) -> impl Iterator<Item = &EnvironmentName> {
        self.lost.keys()
    }

    /// Tells whether there are files that cannot be used, and nobody knows whose they are.
    pub(super) fn has_unreadable(&self) -> bool {
        self.unreadable.values().any(|wrong| !wrong.is_empty())
    }

    /// Returns what all environments declare.
    pub fn everywhere(&self) -> Everywhere {
        let mut everywhere = Everywhere::default();
        for (name, kept) in &self.kept {
            everywhere.add(name, Some(Arc::clone(&kept.graph)));
            if !kept.broken.is_empty() {
                everywhere.mark_behind(name, self.at_hand(name));
            }
        }
        for name in self
            .lost
            .keys()
            .filter(|name| !self.kept.contains_key(*name))
        {
            everywhere.add_broken(name, self.at_hand(name));
        }
        for file in self.hiding.values().flatten() {
            everywhere.mark_nameless(file);
        }
        everywhere
    }

    /// Tells whether a repository holds what cannot be used now and may be later without a commit: a
    /// secret that is missing here, a name that another repository has.
    pub fn is_troubled(&self, repository: &str) -> bool {
        // What costs too much costs that with every look.
        let lasts = |one: &Diagnostic| one.code.ends_with("too-costly");
        let broken = |kept: &Kept| kept.repository == repository && !kept.broken.iter().all(lasts);
        let lost = |(of, why): &(String, Vec<Diagnostic>)| {
            of == repository && (why.is_empty() || !why.iter().all(lasts))
        };
        self.kept.values().any(broken)
            || self.lost.values().any(lost)
            || self.refused.keys().any(|(of, _)| of == repository)
    }

    /// Returns what is wrong in files of a repository that name no environment.
    pub(super) fn unreadable(&self, repository: &str) -> &[Diagnostic] {
        self.unreadable.get(repository).map_or(&[], Vec::as_slice)
    }

    fn mark_unreadable(&mut self, repository: &str, nameless: Vec<Diagnostic>) -> Option<News> {
        let before = self
            .unreadable
            .insert(repository.to_owned(), nameless.clone());
        let is_news = !nameless.is_empty() && before.as_ref() != Some(&nameless);
        is_news.then_some(News::Unreadable(nameless))
    }

    /// Takes note that an environment is declared and that no state of it can be had.
    pub fn lose(&mut self, name: &EnvironmentName, repository: &str) {
        let nothing_told = (repository.to_owned(), Vec::new());
        self.lost.entry(name.clone()).or_insert(nothing_told);
    }

    /// Takes in a new Git state.
    pub async fn take(
        &mut self,
        arrival: Arrival<'_>,
        kinds: &Kinds,
        claims: &Claims,
    ) -> Vec<News> {
        let Arrival {
            repository,
            snapshot,
            reading,
            outside,
            mut instead,
        } = arrival;
        let mut news = Vec::new();
        let mut there = BTreeSet::new();
        let mut mistakes: BTreeMap<EnvironmentName, Vec<Diagnostic>> = BTreeMap::new();
        let (mut candidates, mut at_hand) = (BTreeMap::new(), BTreeMap::new());
        let allowance = Arc::default();
        for read in reading.environments {
            let name = read.name.clone();
            there.insert(name.clone());
            let newest = (read, Arc::clone(snapshot));
            let (read, snapshot) = instead.remove(&name).unwrap_or(newest);
            let from = (&snapshot, outside, &allowance);
            let kept = self.claimed(repository, read, from, kinds, claims);
            match kept.await {
                Ok(kept) => drop(candidates.insert(name, kept)),
                Err(broken) => {
                    at_hand.insert(name.clone(), broken.at_hand);
                    mistakes.entry(name).or_default().extend(broken.mistakes);
                }
            }
        }
        let nameless = self.nameless(repository, reading.diagnostics, &mut mistakes);
        let unreadable = !nameless.is_empty();
        let hiding = mistakes::hiding(&nameless, &reading.hiding);
        self.hiding.insert(repository.to_owned(), hiding);
        news.extend(self.mark_unreadable(repository, nameless));
        there.extend(mistakes.keys().cloned());
        let goes = |name: &EnvironmentName, kept: &Kept| {
            kept.repository == repository && !there.contains(name)
        };
        for twice in self.declared_twice(&candidates, goes) {
            let name = twice.address.environment.clone();
            let known = candidates.contains_key(&name) || mistakes.contains_key(&name);
            if known && !claims.prefers(&twice.address, &twice.other) {
                mistakes.entry(name).or_default().push(twice.error);
            }
        }
        candidates.retain(|name, _| !mistakes.contains_key(name));
        let kept = candidates.into_iter();
        news.extend(kept.flat_map(|(name, kept)| self.keep(name, kept)));
        for (name, diagnostics) in mistakes {
            self.note_at_hand(repository, &name, at_hand.remove(&name).flatten());
            news.extend(self.mark_broken(repository, name, diagnostics));
        }
        news.extend(self.drop_gone(repository, &there, unreadable));
        news
    }

    /// As [`Fleet::kept_of`], where no other repository has it.
    async fn claimed(
        &self,
        repository: &str,
        read: EnvironmentReading,
        (snapshot, outside, allowance): Source<'_>,
        kinds: &Kinds,
        claims: &Claims,
    ) -> Result<Kept, Broken> {
        match (
            claims.kept_unread(&read.name, repository),
            &read.environment,
        ) {
            (Some(home), Ok(environment)) => Err(vec![kept_elsewhere(home, environment)].into()),
            _ => {
                self.kept_of(repository, read, snapshot, (outside, allowance), kinds)
                    .await
            }
        }
    }

    async fn kept_of(
        &self,
        repository: &str,
        read: EnvironmentReading,
        snapshot: &Arc<Snapshot>,
        (outside, allowance): (&Outside, &Arc<Allowance>),
        kinds: &Kinds,
    ) -> Result<Kept, Broken> {
        let approval = read.approval.clone();
        let pinned = Pinned::new(read, snapshot, outside)?;
        let graph = pinned.graph_within(kinds, &Trust::All, allowance).await;
        let graph = graph.map_err(|mistakes| Broken {
            mistakes,
            at_hand: pinned.graph_at_hand(kinds, allowance).ok().map(Arc::new),
        })?;
        if let Some(other) = self
            .kept
            .get(pinned.name())
            .filter(|kept| kept.repository != repository)
        {
            return Err(vec![same_name(other, &pinned)].into());
        }
        Ok(Kept {
            repository: repository.to_owned(),
            every: graph.reconcile().comparing(),
            graph,
            changed_at: pinned.revision().clone(),
            content: pinned.content(),
            pinned,
            approval,
            broken: Vec::new(),
        })
    }

    /// Finds live objects that two environments declare: new states with each other, and with those
    /// that are kept as they are. What `goes` leaves its objects to who takes them over.
    fn declared_twice(
        &self,
        candidates: &BTreeMap<EnvironmentName, Kept>,
        goes: impl Fn(&EnvironmentName, &Kept) -> bool,
    ) -> Vec<Twice> {
        let stay = self
            .kept
            .iter()
            .filter(|(name, kept)| !candidates.contains_key(*name) && !goes(name, kept));
        let all = candidates
            .iter()
            .chain(stay)
            .map(|(_, kept)| kept.graph.as_ref());
        graph::declared_twice(&all.collect::<Vec<_>>())
    }

    /// Returns the environment that was last read from a file.
    fn at(&self, repository: &str, path: &RepoPath) -> Option<EnvironmentName> {
        let of = |kept: &Kept| kept.repository == repository && kept.pinned.path == *path;
        self.kept
            .iter()
            .find(|(_, kept)| of(kept))
            .map(|(name, _)| name.clone())
    }

    fn keep(&mut self, name: EnvironmentName, new: Kept) -> Option<News> {
        self.lost.remove(&name);
        let key = (new.repository.clone(), name.clone());
        self.refused.remove(&key);
        self.at_hand.remove(&key);
        let old = self.kept.insert(name.clone(), new);
        let same = |old: &Kept| {
            let new = &self.kept[&name];
            old.pinned.files == new.pinned.files
                && new.pinned.touched_files(&old.pinned.snapshot).is_empty()
        };
        let changed = !old.as_ref().is_some_and(same);
        // It lets what is held go, and changes nothing of what the environment says.
        let approved = old
            .as_ref()
            .is_some_and(|old| old.approval != self.kept[&name].approval);
        if let (false, Some(old), Some(new)) = (changed, &old, self.kept.get_mut(&name)) {
            new.changed_at.clone_from(&old.changed_at);
        }
        (changed || approved).then_some(News::Changed(name))
    }

    fn mark_broken(
        &mut self,
        repository: &str,
        name: EnvironmentName,
        diagnostics: Vec<Diagnostic>,
    ) -> Option<News> {
        match self.kept.get_mut(&name) {
            Some(kept) if kept.repository != repository => {
                let key = (repository.to_owned(), name);
                if self.refused.get(&key) == Some(&diagnostics) {
                    return None;
                }
                self.refused.insert(key, diagnostics.clone());
                return Some(News::Unreadable(diagnostics));
            }
            Some(kept) if kept.broken == diagnostics => return None,
            Some(kept) => kept.broken.clone_from(&diagnostics),
            None => {
                let lost = (repository.to_owned(), diagnostics.clone());
                if self.lost.insert(name.clone(), lost.clone()) == Some(lost) {
                    return None;
                }
            }
        }
        Some(News::Broken(name, diagnostics))
    }

    fn drop_gone(
        &mut self,
        repository: &str,
        there: &BTreeSet<EnvironmentName>,
        unreadable: bool,
    ) -> Vec<News> {
        let gone = |(name, kept): &(&EnvironmentName, &Kept)| {
            kept.repository == repository && !there.contains(*name)
        };
        let kept = self.kept.iter().filter(gone).map(|(name, _)| name);
        // A file too broken to name its environment may be that of a lost one.
        let lost = self
            .lost
            .iter()
            .filter(|(name, (of, _))| of == repository && !there.contains(*name) && !unreadable);
        let gone: BTreeSet<_> = kept.chain(lost.map(|(name, _)| name)).cloned().collect();
        self.kept.retain(|name, _| !gone.contains(name));
        self.lost.retain(|name, _| !gone.contains(name));
        let stays =
            |(of, name): &(String, EnvironmentName)| of != repository || there.contains(name);
        self.refused.retain(|key, _| stays(key));
        self.at_hand.retain(|key, _| stays(key));
        gone.into_iter().map(News::Gone).collect()
    }
}
