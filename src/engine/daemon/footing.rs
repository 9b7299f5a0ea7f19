//! What the daemon stands on: its ledger. Without that file nothing begins, since nobody could tell later
//! what was done; looked at before anything begins.

use super::Daemon;

impl Daemon {
    /// Tells whether the ledger is in its place; says so where that changed.
    pub(super) fn has_ledger(&mut self) -> bool {
        let checked = self.parts.world.ledger.in_place();
        let lost = checked.is_err();
        if lost != self.lost {
            self.lost = lost;
            match checked {
                Err(error) => self.parts.teller.ledger_lost(&error),
                Ok(()) => self.parts.teller.ledger_back(),
            }
        }
        !lost
    }
}
