//! An older state of one environment, put in force again; or why it cannot be.

use super::at_hand::Broken;
use super::mistakes::told;
use super::{Arrival, Claims, Fleet, News};
use crate::model::{EnvironmentName, Kinds};
use std::sync::Arc;

impl Fleet {
    /// Takes in the last good state of one environment whose newest cannot be used.
    ///
    /// # Errors
    /// Why it is not kept, in words.
    pub(in crate::engine) async fn restore(
        &mut self,
        arrival: Arrival<'_>,
        name: &EnvironmentName,
        (kinds, claims): (&Kinds, &Claims),
    ) -> Result<Option<News>, String> {
        let Arrival {
            repository,
            snapshot,
            reading,
            outside,
            ..
        } = arrival;
        if let Some(home) = claims.kept_unread(name, repository) {
            return Err(format!(
                "the repository {home} keeps it, and it has not been read yet"
            ));
        }
        let mut all = reading.environments.into_iter();
        let Some(read) = all.find(|read| read.name == *name) else {
            return Err("no file declares it there".to_owned());
        };
        let allowance = Arc::default();
        let kept = self.kept_of(repository, read, snapshot, (outside, &allowance), kinds);
        match kept.await {
            Ok(kept) => Ok(self.keep(name.clone(), kept)),
            Err(Broken { mistakes, .. }) => {
                Err(told(&mistakes).unwrap_or_else(|| "it cannot be read there".to_owned()))
            }
        }
    }
}
