//! Fields that several owners share are written like the value itself.

use serde::{Serialize, Serializer};
use std::sync::Arc;

/// Writes what is shared, where there is any.
#[expect(clippy::ref_option, reason = "serde hands over the field")]
pub(super) fn option<T: Serialize, S: Serializer>(
    value: &Option<Arc<T>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    value.as_deref().serialize(to)
}
