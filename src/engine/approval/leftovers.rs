//! Requests of ours that people ended, or that Git overtook, with their branches: taken away, one after the other.

use super::ask::{Asker, Place};
use super::memory::Memory;
use super::revert;
use crate::deliver::About;
use crate::deliver::forge::{ForgeError, Standing};
use crate::engine::Kept;

impl Asker {
    /// Takes away what is left of requests that are over. `is_back` says that the environment is kept at an older
    /// revision: then the revert that was asked for still counts. What cannot be done now is left for the next time.
    pub(super) async fn tidy(&self, kept: &Kept, is_back: bool, memory: &mut Memory) {
        let Some(place) = self.place(kept) else {
            return;
        };
        let name = kept.pinned.name();
        if let Some((revision, ..)) = memory.reverted.as_ref().filter(|_| !is_back) {
            let branch = revert::branch_of(name, revision);
            let why = format!("Git says something new of {name}: it is not kept back any more.");
            let over = over(place, &branch, Some(&why));
            if self.bounded((name, About::Revert), over).await.is_some() {
                memory.reverted = None;
            }
        }
        let mut left = Vec::new();
        for branch in std::mem::take(&mut memory.leftovers) {
            let over = over(place, &branch, None);
            if self.bounded((name, About::Approval), over).await != Some(true) {
                left.push(branch);
            }
        }
        memory.leftovers = left;
    }
}

/// Takes the branch of a request away that is over; one that is open is closed for a reason, where there is one.
/// Tells whether nothing is left of it.
async fn over(place: &Place, branch: &str, why: Option<&str>) -> Result<bool, ForgeError> {
    let Some(found) = place.forge.proposal(branch).await? else {
        return Ok(true);
    };
    match (&found.standing, why) {
        (Standing::Open, Some(why)) => place.forge.withdraw(&found, why).await?,
        (Standing::Open, None) => return Ok(false),
        _ => place.forge.clear(&found).await?,
    }
    Ok(true)
}
