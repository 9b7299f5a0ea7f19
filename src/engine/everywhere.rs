//! What all environments of one state declare together, as far as that can be known.

use crate::model::{Address, EnvironmentName};
use std::collections::BTreeSet;

/// What all environments declare.
#[derive(Clone, Debug, Default)]
pub struct Everywhere {
    addresses: BTreeSet<Address>,
    /// Declared, but not to be resolved now: whatever the ledger owns of these counts as declared,
    /// so that nobody takes it over by mistake.
    unresolved: BTreeSet<EnvironmentName>,
}

impl Everywhere {
    /// Takes in an environment; `None` where its addresses cannot be known.
    pub fn add(&mut self, name: &EnvironmentName, addresses: Option<BTreeSet<Address>>) {
        match addresses {
            Some(addresses) => self.addresses.extend(addresses),
            None => drop(self.unresolved.insert(name.clone())),
        }
    }

    /// Takes in what others declare.
    pub fn extend(&mut self, other: Self) {
        self.addresses.extend(other.addresses);
        self.unresolved.extend(other.unresolved);
    }

    /// Returns every address that counts as declared, of those the ledger knows and beyond.
    pub fn declared(&self, known: &BTreeSet<Address>) -> BTreeSet<Address> {
        let unresolved = known
            .iter()
            .filter(|address| self.unresolved.contains(&address.environment));
        self.addresses.iter().chain(unresolved).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;

    #[test]
    fn what_an_unresolved_environment_owns_counts_as_declared() {
        let address = |environment: &str| {
            Address::new(
                EnvironmentName::new(environment).unwrap(),
                ResourceId::new("api").unwrap(),
            )
        };
        let known = BTreeSet::from([address("broken"), address("gone")]);
        let mut everywhere = Everywhere::default();
        everywhere.add(&EnvironmentName::new("broken").unwrap(), None);
        everywhere.add(
            &EnvironmentName::new("good").unwrap(),
            Some(BTreeSet::from([address("good")])),
        );
        assert_eq!(
            everywhere.declared(&known),
            BTreeSet::from([address("broken"), address("good")])
        );
    }
}
