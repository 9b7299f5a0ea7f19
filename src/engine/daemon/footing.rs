//! What the daemon stands on: its ledger. Without that file nothing begins, since nobody could tell later
//! what was done; looked at before anything begins. What cannot begin though the file is there is told once,
//! and tried again as soon as the ledger can be written.

use super::super::schedule::Reason;
use super::super::tell::Shortfall;
use super::Daemon;
use std::collections::BTreeMap;

/// Under what name it is said that the daemon waits for its ledger.
const LEDGER: &str = "ledger";

/// How the ledger stands, as far as it was said.
#[derive(Default)]
pub(super) struct Footing {
    /// It was taken from under us: nothing begins.
    pub(super) lost: bool,
    /// What could not begin for want of it, and has not begun since: an environment's name, or `repository infra`.
    wanting: BTreeMap<String, Shortfall>,
    /// It could not be written when that was last tried for what could not begin.
    unwritable: bool,
}

impl Daemon {
    /// Tells whether the ledger is in its place; says so where that changed.
    pub(super) fn has_ledger(&mut self) -> bool {
        let checked = self.parts.world.ledger.in_place();
        let lost = checked.is_err();
        if lost != self.footing.lost {
            self.footing.lost = lost;
            match checked {
                Err(error) => self.parts.teller.ledger_lost(&Shortfall::of(&error)),
                Ok(()) => self.parts.teller.ledger_back(),
            }
        }
        !lost
    }

    /// Takes in whether the ledger did what something needed of it. Returns whether that is news of it.
    pub(super) fn needed_ledger(&mut self, what: String, failed: Option<Shortfall>) -> bool {
        let wanting = &mut self.footing.wanting;
        let stood = wanting.is_empty();
        let before = match failed.filter(|failed| !failed.is_loss()) {
            Some(failed) => wanting.insert(what, failed).is_none(),
            None => wanting.remove(&what).is_some(),
        };
        let (readiness, teller) = (&self.parts.readiness, &self.parts.teller);
        match wanting.first_key_value() {
            Some((what, failed)) => {
                let hint = failed.hint.as_deref().unwrap_or_default();
                readiness.wait_for(LEDGER, format!("{what}: {}. {hint}", failed.reason));
                if stood {
                    teller.ledger_fails(failed);
                }
            }
            None if !stood => {
                readiness.done(LEDGER);
                teller.ledger_works();
            }
            None => {}
        }
        before
    }

    /// Has what failed for want of the ledger tried again where that can be written again.
    pub(super) async fn look_at_ledger(&mut self) {
        if self.footing.wanting.is_empty() {
            self.footing.unwritable = false;
            return;
        }
        let was_unwritable = self.footing.unwritable;
        self.footing.unwritable = self.parts.world.ledger.writable().await.is_err();
        if !was_unwritable || self.footing.unwritable {
            return;
        }
        let wanting = &self.footing.wanting;
        let names = self.fleet.kept().keys();
        let names = names.filter(|name| wanting.contains_key(name.as_str()));
        for name in names.cloned().collect::<Vec<_>>() {
            self.tell(&name, Reason::Retry);
        }
    }

    /// Takes back what was said of the ledger, for whoever comes next.
    pub(super) fn ledger_over(&self) {
        self.parts.readiness.done(LEDGER);
    }
}
