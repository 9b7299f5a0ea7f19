//! Claims that want a volume, and volumes.

use crate::model::Health;
use serde_json::Value as Json;

/// A claim whose class binds at the first pod stays pending until then, and that is as it should be:
/// which it is, its events tell.
pub(super) fn claim(object: &Json) -> Health {
    match object["status"]["phase"].as_str() {
        Some("Bound") => Health::Ready,
        Some("Lost") => Health::Failed(
            "its volume is gone\nRestore the volume from a backup, or delete the claim and make it new.".to_owned(),
        ),
        _ => Health::Progressing(
            "it has no volume yet\nCheck its storage class, and who provides volumes of it.".to_owned(),
        ),
    }
}

pub(super) fn volume(object: &Json) -> Health {
    match object["status"]["phase"].as_str() {
        Some("Failed") => {
            let message = object["status"]["message"].as_str().unwrap_or_default();
            Health::Failed(format!(
                "it could not be reclaimed: {message}\nFree what it holds, and delete it."
            ))
        }
        Some("Pending") => Health::Progressing("it is not available yet".to_owned()),
        _ => Health::Ready,
    }
}
