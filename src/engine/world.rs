//! What every run of one process shares: the door to live resources, the ledger, the clock.

use crate::ledger::Ledger;
use crate::model::DigestKey;
use crate::provider::Registry;
use crate::telemetry::Clock;
use std::sync::Arc;

/// How much a run may do at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many writes of one run are under way at once.
    pub concurrency: usize,
}

/// What every run shares.
#[derive(Clone)]
pub struct World {
    /// The door to live resources.
    pub registry: Arc<Registry>,
    /// What was intended and what happened.
    pub ledger: Ledger,
    /// The key for digests of secrets, from the ledger.
    pub digest_key: DigestKey,
    /// The time.
    pub clock: Clock,
    /// How much a run may do at once.
    pub limits: Limits,
}

impl World {
    /// Gathers what runs share.
    pub fn new(registry: Registry, ledger: Ledger, clock: Clock, limits: Limits) -> Self {
        let digest_key = ledger.digest_key();
        Self {
            registry: Arc::new(registry.keyed(&digest_key)),
            ledger,
            digest_key,
            clock,
            limits,
        }
    }
}
