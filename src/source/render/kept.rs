//! What was rendered, by what it was rendered from: bounded, the longest unused goes first.

use super::RenderError;
use crate::model::Digest;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most that is kept, in bytes of text: a few very large charts, or hundreds of common ones.
const MOST: usize = 64 * 1024 * 1024;

/// How long a failure counts: a program that hangs must not be started again with every look.
const FAILURE: Duration = Duration::from_secs(300);

type Result = std::result::Result<Arc<str>, RenderError>;

/// What is kept.
#[derive(Default)]
pub(super) struct Kept {
    entries: HashMap<Digest, Entry>,
    bytes: usize,
    uses: u64,
}

struct Entry {
    result: Result,
    bytes: usize,
    used: u64,
    until: Option<Instant>,
}

impl Kept {
    pub(super) fn get(&mut self, digest: &Digest) -> Option<Result> {
        self.uses += 1;
        let entry = self.entries.get_mut(digest)?;
        if entry.until.is_some_and(|until| Instant::now() >= until) {
            return None;
        }
        entry.used = self.uses;
        Some(entry.result.clone())
    }

    pub(super) fn put(&mut self, digest: Digest, result: &Result) {
        if result.as_ref().is_err_and(RenderError::may_pass) {
            return;
        }
        // An entry costs something even where its text is short.
        let bytes = 1024 + result.as_ref().map_or(0, |text| text.len());
        let entry = Entry {
            result: result.clone(),
            bytes,
            used: self.uses,
            until: result.is_err().then(|| Instant::now() + FAILURE),
        };
        self.bytes += bytes;
        if let Some(old) = self.entries.insert(digest, entry) {
            self.bytes -= old.bytes;
        }
        while self.bytes > MOST {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(digest, _)| digest.clone()) else {
                break;
            };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.bytes -= entry.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let mut kept = Kept::default();
        let large: Arc<str> = "x".repeat(MOST / 3).into();
        let digest = |nth: u8| Digest::of([nth]);
        for nth in 0..3 {
            kept.put(digest(nth), &Ok(Arc::clone(&large)));
            // The first is used again and again.
            assert!(kept.get(&digest(0)).is_some());
        }
        let there = [0, 1, 2].map(|nth| kept.get(&digest(nth)).is_some());
        assert_eq!(there, [true, false, true]);
        assert!(kept.bytes <= MOST);
    }
}
