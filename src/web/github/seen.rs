//! Which deliveries were here: the newest few thousand, by id and by signature.

use std::collections::{HashSet, VecDeque};

/// How many are remembered.
const REMEMBERED: usize = 4096;

/// The deliveries that were here.
#[derive(Debug, Default)]
pub(super) struct Seen {
    order: VecDeque<(String, [u8; 32])>,
    ids: HashSet<String>,
    signatures: HashSet<[u8; 32]>,
}

impl Seen {
    /// Remembers a delivery. Returns false where its id or its signature was here.
    pub(super) fn is_new(&mut self, id: &str, signature: [u8; 32]) -> bool {
        if self.ids.contains(id) || self.signatures.contains(&signature) {
            return false;
        }
        if self.order.len() == REMEMBERED
            && let Some((id, signature)) = self.order.pop_front()
        {
            self.ids.remove(&id);
            self.signatures.remove(&signature);
        }
        self.ids.insert(id.to_owned());
        self.signatures.insert(signature);
        self.order.push_back((id.to_owned(), signature));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_here_is_not_new_and_what_is_long_ago_is_forgotten() {
        let mut seen = Seen::default();
        let signature = |nth: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&nth.to_be_bytes());
            bytes
        };
        for nth in 0..REMEMBERED {
            assert!(seen.is_new(&nth.to_string(), signature(nth)));
        }
        assert!(!seen.is_new("0", signature(REMEMBERED)));
        assert!(!seen.is_new("another id", signature(0)));
        assert!(seen.is_new("one more", signature(REMEMBERED)));
        assert!(seen.is_new("0", signature(0)));
        let kept = (seen.order.len(), seen.ids.len(), seen.signatures.len());
        assert_eq!(kept, (REMEMBERED, REMEMBERED, REMEMBERED));
    }
}
