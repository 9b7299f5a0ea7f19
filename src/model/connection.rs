//! Where a provider reaches.

use super::id::ConnectionName;
use super::value::Value;

/// A connection with its expressions resolved. Settings may hold secrets, and holes where they come
/// from a resource that is yet to be made; what uses such a connection waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Its name in the environment.
    pub name: ConnectionName,
    /// The provider it belongs to: `kubernetes`, `host`, `digitalocean` …
    pub provider: String,
    /// The provider's own settings, `provider` itself left out.
    pub settings: Value,
}
