//! Says in the log what a run waits for, once for each reason.

use crate::deliver::Progress;
use crate::model::{Address, Step};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What was said last of each resource that is waited for.
#[derive(Default)]
pub(super) struct Waiting {
    said: Mutex<BTreeMap<Address, String>>,
}

impl Progress for Waiting {
    fn waiting(&self, step: &Step, why: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let before = said.insert(step.address.clone(), why.to_owned());
        if before.as_deref() != Some(why) {
            tracing::info!(address = %step.address, why, "Waiting until it is ready");
        }
    }
}
