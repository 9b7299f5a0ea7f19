//! Why what was merged may need an approval: the environment says so, or it is more dangerous than what people saw
//! of it before they merged it. Opens nothing.

use super::memory::Memory;
use super::{Gate, reviewed};
use crate::deliver::Sight;
use crate::engine::merges::{Merges, MergesError, merges};
use crate::engine::{CycleError, Looked, Origin, World};
use crate::ledger::Version;
use crate::model::OnMerge;
use crate::plan::Plan;
use crate::source::SourceError;
use jiff::Timestamp;

/// Why something needs an approval.
pub(super) struct Need {
    /// As a sentence.
    pub(super) sentence: String,
    /// As it is said of what waits for it.
    pub(super) hold: String,
}

/// Whom what was merged needs.
pub(super) enum Needed {
    /// Nobody; what is to be said where it is not as people saw it.
    Nobody(Option<String>),
    /// Who approves it.
    Approval(Need),
    /// That cannot be told now: how this is said of what waits, and when to ask again where that is before the next
    /// look.
    Unsure(String, Option<Timestamp>),
}

impl Needed {
    /// Returns what is to be said where it is not as people saw it.
    pub(super) fn strays(&self) -> Option<String> {
        match self {
            Self::Nobody(said) => said.clone(),
            _ => None,
        }
    }
}

/// What people saw of what was merged.
enum Seen {
    /// This.
    Shown(Sight),
    /// Nothing: all of it was pushed, or it came from forks.
    Nothing,
    /// Nobody can tell now which pull requests it came from.
    Unsure,
    /// The forge may not know yet, and is asked again then.
    Early(Timestamp),
}

impl Gate<'_> {
    /// Says whom it needs.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) async fn need(
        &self,
        world: &World,
        looked: &Looked,
        memory: &mut Memory,
    ) -> Result<Needed, CycleError> {
        match looked.reconcile.on_merge {
            OnMerge::Observe => return Ok(Needed::Nobody(None)),
            OnMerge::Propose => {
                return Ok(Needed::Approval(Need {
                    sentence: "The environment says onMerge: propose.".to_owned(),
                    hold: "onMerge: propose waits for an approval".to_owned(),
                }));
            }
            OnMerge::Apply => {}
        }
        let (name, content, plan) = (self.kept.pinned.name(), &self.kept.content, &looked.plan);
        if plan.declared().next().is_none() {
            return Ok(Needed::Nobody(None));
        }
        let versions = world.ledger.versions(name).await?;
        // One that went well before something else was in force shows another plan today than it did then.
        if versions.is_in_force(content) {
            return Ok(Needed::Nobody(None));
        }
        let seen = match reviewed::of(&world.ledger, name, content).await? {
            Some(seen) => Seen::Shown(seen),
            // What is safe needs nobody who saw it.
            None if !plan.declared().any(Sight::needs_eyes) => Seen::Nothing,
            None => {
                let since = versions.good.first();
                self.together((world, plan), since, memory).await?
            }
        };
        let (worse, strays) = match seen {
            Seen::Shown(seen) => (seen.surpassed_by(plan), seen.strays(plan)),
            Seen::Nothing => (None, None),
            Seen::Unsure => {
                let why = "it is dangerous, and nobody can tell now which pull requests it came from, which is tried again";
                return Ok(Needed::Unsure(why.to_owned(), None));
            }
            Seen::Early(at) => {
                let why = "it is dangerous, and so new that GitHub may not tell yet which pull requests it came from, which is asked again in a moment";
                return Ok(Needed::Unsure(why.to_owned(), Some(at)));
            }
        };
        Ok(worse.map_or(Needed::Nobody(strays), |worse| Needed::Approval(Need {
            sentence: format!("It was merged, and is more dangerous now than its pull request showed: it {worse}."),
            hold: format!("waits for an approval, being more dangerous than its pull request showed: it {worse}"),
        })))
    }

    /// Says what the pull requests showed that brought this since the environment last went well, each for itself:
    /// nobody saw what they do together, and nothing of what was pushed between them.
    async fn together(
        &self,
        (world, plan): (&World, &Plan),
        since: Option<&Version>,
        memory: &mut Memory,
    ) -> Result<Seen, CycleError> {
        let (kept, name) = (self.kept, self.kept.pinned.name());
        if let Some((_, seen)) = memory.seen.as_ref().filter(|(of, _)| *of == kept.content) {
            return Ok(seen.clone().map_or(Seen::Nothing, Seen::Shown));
        }
        let (Some(since), Some(place)) = (since, self.asker.place(kept)) else {
            return Ok(Seen::Nothing);
        };
        let Origin::Git(repository) = &place.followed.origin else {
            return Ok(Seen::Nothing);
        };
        if !place.forge.sees_pull_requests() {
            return Ok(Seen::Nothing);
        }
        let between = (&since.revision, kept.pinned.revision());
        let asked = async {
            let of = (repository, place.forge.as_ref());
            let files = kept.pinned.files.clone();
            match merges(of, between, files, world.clock.now()).await {
                // A history that was rewritten tells of no merges any more.
                Err(MergesError::Source(SourceError::MissingRevision { .. })) => {
                    Ok(Merges::default())
                }
                other => other,
            }
        };
        let Some(found) = self.asker.read(name, asked).await else {
            return Ok(Seen::Unsure);
        };
        // Beside what was shown, what showed nothing (a push, a fork) is no reason not to ask.
        let (mut all, mut is_settled): (Option<Sight>, bool) = (None, true);
        for number in found.numbers {
            if let Some(shown) = reviewed::of_pull(&world.ledger, name, number).await? {
                // What is about to be shown may be known a moment later.
                is_settled &= shown != Sight::default();
                all.get_or_insert_default().join(shown);
            }
        }
        // What those showed that are known may be all there is to see.
        let covers = |seen: &Sight| seen.surpassed_by(plan).is_none();
        if let Some(wait) = found.again
            && !all.as_ref().is_some_and(covers)
        {
            return Ok(Seen::Early(world.clock.now() + wait));
        }
        if is_settled && found.again.is_none() {
            memory.seen = Some((kept.content.clone(), all.clone()));
        }
        Ok(all.map_or(Seen::Nothing, Seen::Shown))
    }
}
