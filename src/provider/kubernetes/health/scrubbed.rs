//! What is secret in an object is in no reason why it does not work, wherever that is cut.

use super::{events, explain, words};
use crate::model::{Health, Map, Secret, Value};
use crate::provider::kubernetes::rows;
use crate::provider::kubernetes::seal::Sealer;
use proptest::prelude::*;
use serde_json::json;

proptest! {
    #[test]
    fn a_secret_is_taken_out_before_anything_is_cut(
        text in "canary[ -~]{2,60}",
        before in 0_usize..1300,
        wide in any::<bool>(),
    ) {
        let fields: Map = [("a".to_owned(), Value::Secret(Secret::new(text.as_str())))].into_iter().collect();
        let desired = Value::Map(fields);
        let rows = rows();
        let sealer = Sealer::of(&rows[0], Some(&desired));
        let quote = if wide { text.replace(' ', "   ") } else { text };
        let message = format!("{} {quote} it said", "x".repeat(before));
        let waits = || Health::Progressing("it waits".to_owned());
        let event = json!({ "reason": "Failed", "message": message });
        let told = events::told(waits(), &event, &sealer);
        prop_assert!(!told.why().unwrap_or_default().contains("canary"), "{told:?}");
        let last = words::shown(&message, &words::in_order(sealer.spoken()).unwrap());
        prop_assert!(!last.contains("canary"), "{last}");
        let told = explain::bounded(waits().reworded(|_| message), &sealer);
        prop_assert!(!told.why().unwrap_or_default().contains("canary"), "{told:?}");
    }
}
