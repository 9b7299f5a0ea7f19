//! What is secret in a live object, by all who had it: whatever environment applied or declares it, and under
//! whatever address, its secrets stay sealed for everybody who compares with it.
//!
//! Records of other addresses are read only where a resource has none of its own: only then can it be about what
//! somebody else has.

use super::{Trust, World};
use crate::graph::Graph;
use crate::ledger::LedgerError;
use crate::model::{
    Address, EnvironmentName, Live, Observation, Owned, Prediction, Value, Veil, Wanted,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was applied with secrets, as far as it may be what one environment wants.
#[derive(Default)]
pub(super) struct Veils {
    records: Arc<[Owned]>,
}

impl Veils {
    /// Reads what the ledger says beside the records of an environment's own resources.
    pub(super) async fn read(
        world: &World,
        graph: &Graph,
        owned: &[Owned],
    ) -> Result<Self, LedgerError> {
        let known: BTreeSet<&Address> = owned.iter().map(|owned| &owned.address).collect();
        let wanted = graph.addresses();
        if wanted.iter().all(|address| known.contains(address)) {
            return Ok(Self::default());
        }
        let records = world.ledger.owned_with_secrets().await?;
        Ok(Self { records })
    }

    /// Notes what others say of the objects that are wanted, as far as Git tells which these are.
    pub(super) fn cover(&self, wanted: &mut [Wanted], trust: &Trust) {
        trust.said_elsewhere(wanted);
        for one in wanted {
            let is_it = |record: &&Owned| {
                record.kind == one.kind.name
                    && one.identity.as_ref() == Some(&record.identity)
                    && one.connection.may_lead_to(record.place.as_deref())
            };
            let said = self.said(&one.address, is_it);
            add(one, said);
        }
    }

    /// Notes what others say of the objects that were found, by the ids the live side made for them, and seals
    /// all that was seen.
    pub(super) fn seal(&self, wanted: &mut [Wanted], seen: &mut BTreeMap<Address, Observation>) {
        for one in wanted {
            let Some(Observation::Present(live)) = seen.get_mut(&one.address) else {
                continue;
            };
            let said = self.said(&one.address, |record| {
                record.external_id.is_some()
                    && record.external_id == live.external_id
                    && record.kind.provider() == one.kind.name.provider()
            });
            add(one, said);
            seal(live, &one.veils);
        }
    }

    /// Returns what the records of an object say, but for that of one address.
    fn said(&self, but: &Address, is_it: impl Fn(&&Owned) -> bool) -> Vec<Veil> {
        let others = self.records.iter().filter(|record| record.address != *but);
        let veil = |record: &Owned| Veil {
            of: record.address.clone(),
            said: Arc::new(record.applied.value()),
        };
        others.filter(is_it).map(veil).collect()
    }
}

fn add(to: &mut Wanted, said: Vec<Veil>) {
    for veil in said {
        if !to.veils.contains(&veil) {
            to.veils.push(veil);
        }
    }
}

/// Returns the environments whose word counts, so that what they know for secret is told by nobody.
pub(super) fn speakers(wanted: &[Wanted]) -> BTreeSet<&EnvironmentName> {
    let veils = wanted.iter().flat_map(|one| &one.veils);
    veils.map(|veil| &veil.of.environment).collect()
}

fn seal(live: &mut Live, veils: &[Veil]) {
    for place in veils.iter().flat_map(|veil| veil.said.secret_places()) {
        let sealed = |value: &mut Value| *value = std::mem::take(value).sealed_at(&place);
        sealed(Arc::make_mut(&mut live.value));
        let outputs = Value::Map(std::mem::take(&mut live.outputs)).sealed_at(&place);
        if let Value::Map(outputs) = outputs {
            live.outputs = outputs;
        }
        if let Some(Prediction::Becomes { value, .. }) = &mut live.prediction {
            sealed(Arc::make_mut(value));
        }
    }
}
