//! Why what was merged may need an approval: the environment says so, or it is more dangerous than what people saw
//! of it before they merged it. Opens nothing.

use super::memory::Memory;
use super::reviewed::Showed;
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

impl Need {
    fn of_more_than_shown(worse: &str) -> Self {
        Self {
            sentence: format!(
                "It was merged, and is more dangerous now than its pull request showed: it {worse}."
            ),
            hold: format!(
                "waits for an approval, being more dangerous than its pull request showed: it {worse}"
            ),
        }
    }

    fn of_what_nobody_merged(worse: &str) -> Self {
        Self {
            sentence: format!(
                "Git says what it said when all was well, and what it asks for became dangerous since: it {worse}."
            ),
            hold: format!(
                "waits for an approval: nothing was merged, and what Git says became dangerous since: it {worse}"
            ),
        }
    }
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
    /// All of it was pushed: whoever may do that needs nobody.
    Pushed,
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
        let shown = reviewed::of(&world.ledger, name, content).await?;
        // One that went well before something else was in force shows another plan today than it did then.
        if versions.is_in_force(content) {
            return Ok(still(plan));
        }
        let seen = match shown {
            Some(seen) => Seen::Shown(seen),
            // What is safe needs nobody who saw it.
            None if !plan.declared().any(Sight::needs_eyes) => Seen::Pushed,
            None => {
                let since = versions.baseline();
                self.together((world, plan), since, memory).await?
            }
        };
        let (worse, strays) = match seen {
            Seen::Shown(seen) => (seen.surpassed_by(plan), seen.strays(plan)),
            Seen::Pushed => (None, None),
            Seen::Unsure => {
                let why = "it is dangerous, and nobody can tell now which pull requests it came from, which is tried again";
                return Ok(Needed::Unsure(why.to_owned(), None));
            }
            Seen::Early(at) => {
                let why = "it is dangerous, and so new that GitHub may not tell yet which pull requests it came from, which is asked again in a moment";
                return Ok(Needed::Unsure(why.to_owned(), Some(at)));
            }
        };
        Ok(worse.map_or(Needed::Nobody(strays), |worse| {
            Needed::Approval(Need::of_more_than_shown(&worse))
        }))
    }

    /// Says what the pull requests showed that brought this since the environment last went well, each for itself:
    /// nobody saw what they do together, nothing of what was pushed between them, and nothing of one whose plan was
    /// not made (it had a mistake, was a fork's, or was merged too soon).
    async fn together(
        &self,
        (world, plan): (&World, &Plan),
        since: Option<&Version>,
        memory: &mut Memory,
    ) -> Result<Seen, CycleError> {
        let (kept, name) = (self.kept, self.kept.pinned.name());
        if let Some((_, seen)) = memory.seen.as_ref().filter(|(of, _)| *of == kept.content) {
            return Ok(seen.clone().map_or(Seen::Pushed, Seen::Shown));
        }
        let (Some(since), Some(place)) = (since, self.asker.place(kept)) else {
            return Ok(Seen::Pushed);
        };
        let Origin::Git(repository) = &place.followed.origin else {
            return Ok(Seen::Pushed);
        };
        if !place.forge.sees_pull_requests() {
            return Ok(Seen::Pushed);
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
        // Beside what came by a pull request, what was pushed is no reason not to ask; nor is what nobody looked at, which
        // may have come by one that showed nothing.
        let (mut all, mut is_settled) = (found.more.then(Sight::default), true);
        for (number, head) in found.heads {
            let all = all.get_or_insert_default();
            match reviewed::of_pull(&world.ledger, name, (number, &head)).await? {
                Showed::Nothing => {}
                // It may be known a moment later.
                Showed::Coming => is_settled = false,
                Showed::Sight(shown) => all.join(shown),
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
        Ok(all.map_or(Seen::Pushed, Seen::Shown))
    }
}

/// Says whom it needs where Git says what it said when all was well: nobody, but for what would be lost and was never
/// shown. That is asked for by something else than Git: a stranger in the place of what was ours, a value from
/// elsewhere that cannot change in place, another release of the tool that renders.
/// What a pull request showed was carried out then: that yes is used up.
fn still(plan: &Plan) -> Needed {
    let loses = plan.declared().any(Sight::is_lossy);
    match Sight::default().surpassed_by(plan).filter(|_| loses) {
        Some(worse) => Needed::Approval(Need::of_what_nobody_merged(&worse)),
        None => Needed::Nobody(None),
    }
}
