//! File contents by blob id, shared between one snapshot and the next, so that a push costs memory
//! and reading only for what it changed.

use git2::Oid;
use std::collections::HashMap;
use std::sync::Arc;

/// The contents of the snapshot read last.
#[derive(Clone, Default)]
pub(crate) struct Blobs(HashMap<Oid, Arc<[u8]>>);

/// One reading: what it meets replaces what was known, once it is done.
pub(crate) struct Turn<'a> {
    blobs: &'a mut Blobs,
    met: HashMap<Oid, Arc<[u8]>>,
}

impl Blobs {
    /// Begins a reading.
    pub(crate) fn turn(&mut self) -> Turn<'_> {
        Turn {
            blobs: self,
            met: HashMap::new(),
        }
    }
}

impl Turn<'_> {
    /// Returns a blob's contents where they are known.
    pub(crate) fn known(&mut self, id: Oid) -> Option<Arc<[u8]>> {
        let bytes = self.met.get(&id).or_else(|| self.blobs.0.get(&id))?.clone();
        self.met.insert(id, Arc::clone(&bytes));
        Some(bytes)
    }

    /// Takes a blob's contents.
    pub(crate) fn learn(&mut self, id: Oid, bytes: &Arc<[u8]>) {
        self.met.insert(id, Arc::clone(bytes));
    }

    /// Ends the reading: what it did not meet is forgotten.
    pub(crate) fn done(self) {
        self.blobs.0 = self.met;
    }
}
