//! What a watch tells of our objects in one place, kept as small as they come. Pure: is told what
//! happened, and says whose objects somebody changed.
//!
//! Guarantees: an older state never takes the place of a newer one; an object that a write of ours is
//! under way to, or may have reached unheard, is not answered from here; what we wrote ourselves is
//! nobody's change.

use crate::model::{Address, Owner};
use crate::provider::kubernetes::connection::written::Written;
use crate::provider::kubernetes::dry_run::essence::essence;
use crate::provider::kubernetes::error::Failure;
use crate::provider::kubernetes::marks;
use crate::provider::kubernetes::reference::Reference;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};

/// The objects of one place, by name.
#[derive(Debug)]
pub(super) struct Cache {
    group: String,
    kind: String,
    entries: HashMap<String, Entry>,
}

/// One object.
#[derive(Debug, Default)]
struct Entry {
    /// Its resourceVersion; 0 where it is not there as far as is known.
    version: u64,
    /// As the server writes it.
    text: Written,
    /// Digest of what has a say.
    essence: [u8; 32],
    /// Whose it is.
    address: Option<Address>,
    /// Writes of ours under way.
    writes: u32,
    /// Somebody's change was told while one was under way.
    stirred: bool,
    /// A write of ours may have reached it unheard: what is known may be older than we are.
    doubted: bool,
    /// Deleted by us, and not gone yet.
    leaving: bool,
}

/// The resourceVersion of an object or a list, where it is a number, as it is of everything that is
/// kept in etcd. Source: KEP-5504, which makes them comparable.
pub(super) fn version(object: &Json) -> Option<u64> {
    let text = object["metadata"]["resourceVersion"].as_str()?;
    text.parse().ok().filter(|version| *version > 0)
}

impl Cache {
    /// Knows nothing of this kind yet.
    pub(super) fn new(group: &str, kind: &str) -> Self {
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            entries: HashMap::new(),
        }
    }

    /// Tells whether nothing is here.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns how many are known.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns an object where what is known of it can be relied on.
    pub(super) fn find(&self, name: &str) -> Option<Written> {
        let entry = self.entries.get(name)?;
        entry.is_certain().then(|| entry.text.clone())
    }

    /// Returns every object that can be relied on, by name.
    pub(super) fn all(&self) -> HashMap<String, Written> {
        let names = self.entries.keys();
        names
            .filter_map(|name| Some((name.clone(), self.find(name)?)))
            .collect()
    }

    /// Takes in a state the watch tells of. Returns whose object somebody changed.
    pub(super) fn heard(&mut self, object: &Json) -> Vec<Address> {
        let Some((name, version)) = named(object) else {
            return Vec::new();
        };
        let address = self.address(object);
        let entry = self.entries.entry(name).or_default();
        if version <= entry.version {
            // Told again after a doubt arose.
            entry.doubted &= version < entry.version;
            return Vec::new();
        }
        let (before, was) = (entry.address.clone(), entry.essence);
        let is_new = entry.version == 0;
        entry.take(object, version, address);
        entry.doubted = false;
        if entry.essence == was && !is_new || entry.leaving {
            return Vec::new();
        }
        if entry.writes > 0 {
            entry.stirred = true;
            return Vec::new();
        }
        let now = entry.address.clone();
        let moved = before.filter(|before| Some(before) != now.as_ref());
        now.into_iter().chain(moved).collect()
    }

    /// Takes in that an object is gone, or carries our label no more: it was last seen like this.
    pub(super) fn heard_gone(&mut self, object: &Json) -> Vec<Address> {
        let Some((name, version)) = named(object) else {
            return Vec::new();
        };
        let Some(entry) = self.entries.get_mut(&name) else {
            return Vec::new();
        };
        if version < entry.version {
            return Vec::new();
        }
        if entry.writes > 0 {
            entry.forget();
            entry.stirred = true;
            return Vec::new();
        }
        let entry = self.entries.remove(&name).unwrap_or_default();
        let told = entry.address.filter(|_| !entry.leaving);
        told.into_iter().collect()
    }

    /// Takes in a whole list. Returns whose objects somebody changed since what was known.
    ///
    /// # Errors
    /// One of them cannot be read; then nothing is taken to be gone.
    pub(super) fn listed(&mut self, objects: &[Written], at: u64) -> Result<Vec<Address>, Failure> {
        let mut told = Vec::new();
        let mut there = HashSet::new();
        for object in objects {
            let object = object.object()?;
            told.extend(self.heard(&object));
            there.extend(object["metadata"]["name"].as_str().map(str::to_owned));
        }
        // What a write made after the list was taken is no less there.
        let gone = |name: &String, entry: &Entry| {
            !there.contains(name) && entry.version <= at && entry.writes == 0
        };
        self.entries.retain(|name, entry| {
            let gone = gone(name, entry);
            if gone && entry.version > 0 && !entry.leaving {
                told.extend(entry.address.take());
            }
            !gone
        });
        Ok(told)
    }

    /// Takes in that the server counts from an earlier moment than before: whatever it tells next is
    /// newer than what is known.
    pub(super) fn rewound(&mut self) {
        for entry in self.entries.values_mut() {
            entry.version = entry.version.min(1);
            entry.doubted = true;
        }
    }

    /// A write of ours to this name begins.
    pub(super) fn writing(&mut self, name: &str) {
        self.entries.entry(name.to_owned()).or_default().writes += 1;
    }

    /// It ended with this answer. Returns whose object somebody else changed meanwhile.
    pub(super) fn wrote(&mut self, name: &str, answer: Option<&Json>) -> Vec<Address> {
        let taken =
            answer.and_then(|object| Some((object, version(object)?, self.address(object))));
        let Some(entry) = self.entries.get_mut(name) else {
            return Vec::new();
        };
        entry.writes = entry.writes.saturating_sub(1);
        let stirred = std::mem::take(&mut entry.stirred);
        let Some((object, version, address)) = taken else {
            entry.doubted = true;
            return told(stirred, entry);
        };
        entry.leaving = false;
        if !marks::is_labelled(object) {
            entry.doubted = true;
            return Vec::new();
        }
        if version >= entry.version {
            entry.take(object, version, address);
            return Vec::new();
        }
        // Somebody wrote after us; where that changed nothing that has a say, it is as we left it.
        told(stirred && essence_of(object) != entry.essence, entry)
    }

    /// A delete of ours ended: it is going, or gone, and that is nobody's change.
    pub(super) fn deleted(&mut self, name: &str) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.writes = entry.writes.saturating_sub(1);
            (entry.stirred, entry.doubted, entry.leaving) = (false, true, true);
        }
    }

    /// Takes in what the server answered when it was asked for one object. Returns whose it is where
    /// somebody changed it unheard: who asked may have asked for another reason.
    pub(super) fn read(&mut self, name: &str, answer: Option<&Json>) -> Vec<Address> {
        // One that carries our label no more is told of no more: it has to be asked for each time.
        let Some(object) = answer.filter(|object| marks::is_labelled(object)) else {
            // One that came in the meantime was told of since.
            let is_old = |entry: &Entry| entry.writes == 0 && !entry.is_certain();
            if self.entries.get(name).is_some_and(is_old) {
                self.entries.remove(name);
            }
            return Vec::new();
        };
        let is_known = self
            .entries
            .get(name)
            .is_some_and(|entry| entry.version > 0);
        if is_known {
            self.heard(object)
        } else {
            Vec::new()
        }
    }

    fn address(&self, object: &Json) -> Option<Address> {
        let reference = Reference::of_live(&self.group, &self.kind, object);
        match marks::owner(object, &reference) {
            Some(Owner::Resource(address)) => Some(address),
            _ => None,
        }
    }
}

fn told(so: bool, entry: &Entry) -> Vec<Address> {
    entry.address.clone().filter(|_| so).into_iter().collect()
}

fn named(object: &Json) -> Option<(String, u64)> {
    let name = object["metadata"]["name"].as_str()?;
    Some((name.to_owned(), version(object)?))
}

fn essence_of(object: &Json) -> [u8; 32] {
    Sha256::digest(essence(object).to_string()).into()
}

impl Entry {
    fn is_certain(&self) -> bool {
        self.version > 0 && self.writes == 0 && !self.doubted
    }

    fn take(&mut self, object: &Json, version: u64, address: Option<Address>) {
        self.version = version;
        self.text = Written::of(object);
        self.essence = essence_of(object);
        // A mark that was taken off does not make it anybody else's: who is told is who had it.
        if address.is_some() {
            self.address = address;
        }
    }

    fn forget(&mut self) {
        (self.version, self.text) = (0, Written::default());
    }
}

#[cfg(test)]
mod tests;
