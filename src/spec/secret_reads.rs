//! Which secrets the expressions of an environment read, through its variables too. Reads no value.

use super::template::{Computed, Template};
use std::collections::{BTreeMap, BTreeSet};

/// What the variables of an environment read.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretReads {
    of_vars: BTreeMap<String, BTreeSet<String>>,
}

impl SecretReads {
    /// Takes the variables, in an order in which each reads only those before it.
    pub(crate) fn through(vars: &[(String, Template)]) -> Self {
        let mut reads = Self::default();
        for (name, template) in vars {
            let names = reads.of(template);
            reads.of_vars.insert(name.clone(), names);
        }
        reads
    }

    /// Returns the names of the secrets that a template reads.
    pub(crate) fn of(&self, template: &Template) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        template.walk(&mut |computed: &Computed| {
            let chains = computed
                .expressions()
                .flat_map(|(expression, _)| expression.chains());
            for chain in chains {
                match (chain.first().map(String::as_str), chain.get(1)) {
                    (Some("secrets"), Some(name)) => drop(names.insert(name.clone())),
                    (Some("vars"), Some(name)) => {
                        names.extend(self.of_vars.get(name).into_iter().flatten().cloned());
                    }
                    (Some("vars"), None) => names.extend(self.of_vars.values().flatten().cloned()),
                    _ => {}
                }
            }
        });
        names
    }
}
