//! Every kind there is, by name.

use super::digest::DigestKey;
use super::id::KindName;
use super::kind::Kind;
use super::observation::Identity;
use super::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every kind this binary knows, by name, and the key for secrets that tell objects apart.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    rows: BTreeMap<KindName, Arc<Kind>>,
    key: Option<DigestKey>,
}

impl Kinds {
    /// Gathers rows; of two with one name the later wins.
    pub fn new(rows: impl IntoIterator<Item = Kind>) -> Self {
        let rows = rows
            .into_iter()
            .map(|row| (row.name.clone(), Arc::new(row)));
        Self {
            rows: rows.collect(),
            key: None,
        }
    }

    /// Returns the same kinds with the ledger's key. Without one, a resource that only a secret tells
    /// from others has no identity: that does for checking a spec.
    #[must_use]
    pub fn keyed(self, key: &DigestKey) -> Self {
        let key = Some(key.clone());
        Self { key, ..self }
    }

    /// Returns which live object a resource of this kind means, see [`Kind::identity_of`].
    pub fn identity(&self, kind: &Kind, desired: &Value) -> Option<Identity> {
        kind.identity_with(desired, self.key.as_ref())
    }

    /// Returns the row of a kind.
    pub fn get(&self, name: &KindName) -> Option<&Arc<Kind>> {
        self.rows.get(name)
    }

    /// Returns the schema of a provider's connections.
    pub fn connection(&self, provider: &str) -> Option<&serde_json::Value> {
        let mut rows = self.rows.values();
        let row = rows.find(|row| row.name.provider() == provider && row.connection.is_some());
        row?.connection.as_deref()
    }

    /// Returns every row, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.rows.values()
    }
}
