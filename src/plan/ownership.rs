//! Whose a live object is, and whether we may have it.

use crate::model::{Address, Owner};
use std::collections::BTreeSet;

/// What the mark on a live object means for one wanted resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It carries this very address.
    Ours,
    /// It may be marked as ours, and why that is new; the old address where it is a rename.
    Take {
        reason: String,
        from: Option<Address>,
    },
    /// It carries no mark and was never ours.
    Nobodys,
    /// Another tool keeps it, by this name.
    Kept(String),
    /// It is another environment's, or another resource's.
    Refused(String),
}

/// What is known of addresses.
pub(super) struct Claims<'a> {
    /// Declared by any environment at this revision.
    pub(super) declared: &'a BTreeSet<Address>,
    /// Owned by any environment in the ledger.
    pub(super) known: &'a BTreeSet<Address>,
}

impl Claims<'_> {
    /// Tells what a mark means for the resource at `address`; `was_ours` where the ledger owns it.
    pub(super) fn of(&self, address: &Address, owner: Option<&Owner>, was_ours: bool) -> Claim {
        match owner {
            Some(Owner::Resource(other)) if other == address => Claim::Ours,
            Some(Owner::Resource(other)) => self.of_another(address, other),
            Some(Owner::Foreign(other)) => Claim::Kept(other.clone()),
            None if was_ours => Claim::Take {
                reason: "our mark was taken off it; it is marked again".to_owned(),
                from: None,
            },
            None => Claim::Nobodys,
        }
    }

    fn of_another(&self, address: &Address, other: &Address) -> Claim {
        if self.declared.contains(other) {
            return Claim::Refused(format!(
                "it belongs to {other}, which still declares it, and {address} declares it too"
            ));
        }
        // A lost ledger knows no old addresses, but nobody else keeps this environment.
        if self.known.contains(other) || other.environment == address.environment {
            return Claim::Take {
                reason: format!("it was {other}, which is no longer declared; it moves here"),
                from: Some(other.clone()),
            };
        }
        Claim::Refused(format!(
            "it carries the mark of {other}, of which nothing is known here, and {address} declares it too"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn claim(declared: &[&str], known: &[&str], owner: Option<&str>, was_ours: bool) -> Claim {
        let set = |all: &[&str]| all.iter().map(|text| address(text)).collect();
        let owner = owner.map(|text| Owner::Resource(address(text)));
        let (declared, known) = (set(declared), set(known));
        let claims = Claims {
            declared: &declared,
            known: &known,
        };
        claims.of(&address("prod/api"), owner.as_ref(), was_ours)
    }

    #[test]
    fn a_mark_of_what_is_still_declared_is_refused_and_both_are_named() {
        let Claim::Refused(reason) =
            claim(&["other/api"], &["other/api"], Some("other/api"), false)
        else {
            panic!("it must be refused");
        };
        assert!(reason.contains("other/api") && reason.contains("prod/api"));
    }

    #[test]
    fn a_mark_of_what_we_knew_and_nobody_declares_moves() {
        let from = |claim| match claim {
            Claim::Take { from, .. } => from,
            _ => None,
        };
        let old = Some(address("old/api"));
        assert_eq!(from(claim(&[], &["old/api"], Some("old/api"), false)), old);
        let lost = claim(&[], &[], Some("prod/api-old"), false);
        assert_eq!(from(lost), Some(address("prod/api-old")));
        assert!(matches!(
            claim(&[], &[], Some("old/api"), false),
            Claim::Refused(_)
        ));
    }

    #[test]
    fn a_mark_that_was_taken_off_is_put_back() {
        assert_eq!(claim(&[], &[], Some("prod/api"), true), Claim::Ours);
        assert!(
            matches!(claim(&[], &[], None, true), Claim::Take { reason, .. } if reason.contains("taken off"))
        );
    }
}
