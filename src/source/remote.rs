//! A server's objects as far as they were needed: `tips.git` holds commits with all their files,
//! `history.git` the history of commits without files (from a server that cannot leave them out,
//! history comes into `tips.git` too), and forks have another two. All are caches: each is thrown away
//! and made anew where it is damaged or has grown.

use super::history::{Line, line, walk};
use super::store::{corrupt, disk_or_corrupt, missing_branch, opened};
use super::wire::{Ask, Session, WHOLE};
use super::{Place, SourceError, Stop, Target, cache::Cache};
use crate::net::Client;
use git2::Oid;
use std::io::{self, Write};
use std::path::PathBuf;

/// How deep history is asked for, one after the other, until the question is answered.
const DEPTHS: [u32; 3] = [32, 1024, WHOLE];

/// Where a fetched commit is noted, so that the store itself says what it holds whole.
const TIPS: &str = "refs/tips";

/// Two stores that belong together.
pub(crate) struct Stores {
    /// Holds whole commits.
    whole: &'static str,
    /// Holds history without files.
    history: &'static str,
    /// Over this many packs a store is made anew: each fetch adds one, and reading asks them all.
    most_packs: usize,
}

/// What is in the repository itself.
pub(crate) const OURS: Stores = Stores {
    whole: "tips.git",
    history: "history.git",
    most_packs: 48,
};

/// What previews of forks need, apart: whatever a stranger offers, the branch's own stay as they are. With fewer packs,
/// since they say what the disk has to hold.
pub(crate) const FORKS: Stores = Stores {
    whole: "forks.git",
    history: "forks-history.git",
    most_packs: 16,
};

/// One target's server and what is here of it.
pub(crate) struct Remote<'a> {
    pub(crate) target: &'a Target,
    pub(crate) place: &'a Place,
    pub(crate) client: &'a Client,
    pub(crate) cache: &'a Cache,
    pub(crate) stores: &'static Stores,
    pub(crate) stop: &'a Stop,
    pub(crate) session: Option<Session<'a>>,
}

impl<'a> Remote<'a> {
    /// Asks where references stand, in their order.
    pub(crate) fn tips(&mut self, references: &[&str]) -> Result<Vec<Oid>, SourceError> {
        let found = self.session()?.references(references)?;
        let target = &self.target.name;
        let mut tips = Vec::new();
        for reference in references {
            match found.iter().find(|(name, _)| name == reference) {
                Some((_, id)) => tips.push(*id),
                // One more question, to tell a branch that is missing from a repository without any.
                None => {
                    let there = self.session()?.references(&["refs/"])?;
                    if there.is_empty() {
                        return Err(SourceError::EmptyRepository {
                            target: target.clone(),
                        });
                    }
                    let names = there.into_iter().map(|(name, _)| name);
                    return Err(missing_branch(target, reference, names));
                }
            }
        }
        Ok(tips)
    }

    /// Opens the store of whole commits.
    pub(crate) fn store(&self) -> Result<git2::Repository, SourceError> {
        self.opened(self.stores.whole)
    }

    /// Brings commits with all their files into their store, where they are not there yet.
    pub(crate) fn bring(&mut self, ids: &[Oid]) -> Result<(), SourceError> {
        self.thin(self.stores.whole)?;
        let store = self.store()?;
        let failed = |error| disk_or_corrupt(&self.target.name, "note what was fetched", error);
        let mut wants: Vec<Oid> = Vec::new();
        for id in ids {
            if !self.holds(&store, *id)? && !wants.contains(id) {
                wants.push(*id);
            }
        }
        if wants.is_empty() {
            return Ok(());
        }
        let ask = Ask {
            wants: &wants,
            haves: &self.noted(&store)?,
            depth: 1,
            commits_only: false,
        };
        self.fetch(&store, &ask)?;
        for id in &wants {
            store
                .reference(&format!("{TIPS}/{id}"), *id, true, "fetched")
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Tells whether a commit was brought with all its files.
    pub(crate) fn holds(&self, store: &git2::Repository, id: Oid) -> Result<bool, SourceError> {
        let odb = store.odb();
        let odb =
            odb.map_err(|error| corrupt(&self.target.name, "open the object store", error))?;
        Ok(store.find_reference(&format!("{TIPS}/{id}")).is_ok() && odb.exists(id))
    }

    /// Throws away the whole commits: they are damaged.
    pub(crate) fn forget(&self) -> Result<(), SourceError> {
        self.removed(self.stores.whole)
    }

    /// Throws away the history, too.
    pub(crate) fn forget_all(&self) -> Result<(), SourceError> {
        self.forget()?;
        self.removed(self.stores.history)
    }

    /// Tells whether `new` holds `old` in its history, and the other way round. A commit that the
    /// server no longer has is in nobody's history.
    pub(crate) fn relation(&mut self, old: Oid, new: Oid) -> Result<(bool, bool), SourceError> {
        let answer = |store: &git2::Repository, name: &str, last: bool| {
            let forward = walk(store, name, new, Some(old))?;
            if forward.holds(old) {
                return Ok(Some((true, false)));
            }
            let back = walk(store, name, old, Some(new))?;
            if back.holds(new) {
                return Ok(Some((false, true)));
            }
            let sure = forward.reaches_behind(&back, old) && back.reaches_behind(&forward, new);
            Ok((sure || last).then_some((false, false)))
        };
        match self.deepen(&[new, old], answer) {
            Err(SourceError::MissingRevision { revision, .. }) if revision == old.to_string() => {
                Ok((false, false))
            }
            other => Ok(other?.unwrap_or((false, false))),
        }
    }

    /// Returns the newest commit both hold; `None` where there is none.
    pub(crate) fn common(&mut self, base: Oid, head: Oid) -> Result<Option<Oid>, SourceError> {
        self.deepen(&[base, head], |store, name, last| {
            let base = walk(store, name, base, None)?;
            let head = walk(store, name, head, None)?;
            let best = |found: &Oid| {
                base.reaches_behind(&base, *found) && head.reaches_behind(&head, *found)
            };
            Ok(base.common(&head).filter(|found| last || best(found)))
        })
    }

    /// Returns what came onto a branch between two of its states, newest first, as `history::line`.
    pub(crate) fn line(&mut self, from: Oid, to: Oid) -> Result<Line, SourceError> {
        let found = self.deepen(&[to, from], |store, name, last| {
            line(store, name, (from, to), last)
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Asks for more and more history until the question has an answer that more of it could not
    /// change; `true` says that there is no more. `None` where all of it has no answer.
    fn deepen<T>(
        &mut self,
        wants: &[Oid],
        answer: impl Fn(&git2::Repository, &str, bool) -> Result<Option<T>, SourceError>,
    ) -> Result<Option<T>, SourceError> {
        let filters = self.session()?.filters();
        let name = if filters {
            self.stores.history
        } else {
            self.stores.whole
        };
        self.thin(name)?;
        for depth in DEPTHS {
            let store = self.opened(name)?;
            if let Some(answer) = answer(&store, &self.target.name, false)? {
                return Ok(Some(answer));
            }
            let haves = if filters { vec![] } else { self.noted(&store)? };
            let ask = Ask {
                wants,
                haves: &haves,
                depth,
                commits_only: true,
            };
            let cut = self.fetch(&store, &ask)?;
            if !cut || depth == WHOLE {
                break;
            }
        }
        answer(&self.opened(name)?, &self.target.name, true)
    }

    /// Returns the commits that a store holds whole.
    fn noted(&self, store: &git2::Repository) -> Result<Vec<Oid>, SourceError> {
        let failed = |error| disk_or_corrupt(&self.target.name, "read what was fetched", error);
        let odb = store.odb().map_err(failed)?;
        let noted = store
            .references_glob(&format!("{TIPS}/*"))
            .map_err(failed)?
            .filter_map(|reference| reference.ok()?.target())
            .filter(|id| odb.exists(*id));
        Ok(noted.collect())
    }

    fn fetch(&mut self, store: &git2::Repository, ask: &Ask<'_>) -> Result<bool, SourceError> {
        let target = self.target;
        let limit = target.limits.fetch_bytes;
        let failed = |error| disk_or_corrupt(&target.name, "keep what was fetched", error);
        let odb = store.odb().map_err(failed)?;
        let mut pack = Pack {
            writer: odb.packwriter().map_err(failed)?,
            head: Vec::new(),
        };
        let cut = self.session()?.fetch(ask, &mut pack, limit)?;
        if pack.holds_something() {
            pack.writer.commit().map_err(failed)?;
        }
        Ok(cut)
    }

    fn session(&mut self) -> Result<&mut Session<'a>, SourceError> {
        if self.session.is_none() {
            let session = Session::open(self.target, self.place, self.client, self.stop)?;
            self.session = Some(session);
        }
        Ok(self.session.as_mut().expect("it was just opened"))
    }

    /// Opens a store, made empty where there is none that can be opened.
    fn opened(&self, name: &str) -> Result<git2::Repository, SourceError> {
        let path = self.path(name);
        if let Ok(store) = opened(&self.target.name, &path) {
            return Ok(store);
        }
        self.removed(name)?;
        git2::Repository::init_bare(&path)
            .map_err(|error| disk_or_corrupt(&self.target.name, "make the object store", error))
    }

    /// Throws a store away that has grown too many packs.
    fn thin(&self, name: &str) -> Result<(), SourceError> {
        // No folder means no packs.
        let packs = std::fs::read_dir(self.path(name).join("objects/pack"))
            .map_or(0, |files| files.count() / 2);
        if packs > self.stores.most_packs {
            return self.removed(name);
        }
        Ok(())
    }

    fn removed(&self, name: &str) -> Result<(), SourceError> {
        let path = self.path(name);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.cache.disk("remove", &path, error))
            }
            _ => Ok(()),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.cache.path(name)
    }
}

/// Takes a pack on its way to the store.
struct Pack<'a> {
    writer: git2::OdbPackwriter<'a>,
    /// Its first twelve bytes, for the count of its objects.
    head: Vec<u8>,
}

impl Pack<'_> {
    /// A pack of nothing is a valid answer that no store takes.
    fn holds_something(&self) -> bool {
        self.head.get(8..12).is_some_and(|count| count != [0; 4])
    }
}

impl Write for Pack<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.head.len() < 12 {
            let missing = (12 - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..missing]);
        }
        match self.writer.write(bytes) {
            Ok(count) => Ok(count),
            Err(_) => Err(io::Error::other(git2::Error::last_error(-1))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
