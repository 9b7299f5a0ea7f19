//! Opens, renews and closes the pull requests that ask for approvals: at most one an environment. A forge that is
//! slow or away holds up only what waits for it anyway.

use super::super::{Followed, Kept, Origin, World};
use super::memory::{Facts, Memory, Request};
use super::need::Need;
use super::patience::Failing;
use crate::deliver::forge::{Draft, Forge, ForgeError, Proposed, Standing};
use crate::deliver::render::{Approving, Page, approval_markdown};
use crate::deliver::{About, Asked};
use crate::model::{Digest, EnvironmentName};
use crate::spec::Approval;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How our pull requests are labelled.
pub(super) const LABEL: &str = "reconciled";

/// Asks people by pull requests.
pub struct Asker {
    places: BTreeMap<String, Place>,
    /// When each request was looked at last.
    looked: Mutex<BTreeMap<(EnvironmentName, About), Timestamp>>,
    /// What went wrong with each request.
    pub(super) failing: Failing<(EnvironmentName, About)>,
    /// What went wrong as merged pull requests were read.
    pub(super) unread: Failing<EnvironmentName>,
}

/// A request: of which environment, and what it asks for.
pub(super) type Topic<'a> = (&'a EnvironmentName, About);

/// Where the pull requests of one repository are.
pub(super) struct Place {
    pub(super) forge: Arc<dyn Forge>,
    /// What they are merged into.
    pub(super) branch: String,
    pub(super) followed: Followed,
}

/// What is said of what waits, and where people are asked.
pub(super) type Said = (String, Option<Asked>);

impl Asker {
    /// Asks at the forge of each repository that has one; a folder has no pull requests.
    pub fn new(forges: &BTreeMap<String, Arc<dyn Forge>>, followed: &[Followed]) -> Self {
        let places = followed.iter().filter_map(|followed| {
            let Origin::Git(repository) = &followed.origin else {
                return None;
            };
            let name = followed.origin.name().to_owned();
            let place = Place {
                forge: Arc::clone(forges.get(&name)?),
                branch: repository.target().branch.clone(),
                followed: followed.clone(),
            };
            Some((name, place))
        });
        Self {
            places: places.collect(),
            looked: Mutex::default(),
            failing: Failing::default(),
            unread: Failing::default(),
        }
    }

    /// Returns where the requests of an environment are.
    pub(super) fn place(&self, kept: &Kept) -> Option<&Place> {
        self.places.get(&kept.repository)
    }

    /// Asks for an approval, where that is not asked for already and nobody declined it.
    pub(super) async fn ask(
        &self,
        (world, kept, facts): (&World, &Kept, &Facts<'_>),
        need: &Need,
        memory: &mut Memory,
    ) -> Said {
        let hold = &need.hold;
        let Some(place) = self.place(kept) else {
            let repository = &kept.repository;
            let nobody = format!(
                "{hold}; nobody can be asked, since the settings name no `github` for {repository}: `reconciled apply` carries it out"
            );
            return (nobody, None);
        };
        if let Some(number) = memory.declined(facts.hash) {
            return (declined(hold, number), None);
        }
        let put = self.put(place, (world, kept, facts), need, memory);
        match self
            .bounded((kept.pinned.name(), About::Approval), put)
            .await
        {
            Some(said) => said,
            None => {
                let known = memory.asked.as_ref().map(asked);
                let later =
                    "the pull request that asks for it cannot be written now, which is tried again";
                (format!("{hold}; {later}"), known)
            }
        }
    }

    /// Closes the open request of an environment that needs none any more.
    pub(super) async fn withdraw(&self, world: &World, kept: &Kept, memory: &mut Memory) {
        let (Some(place), Some(_)) = (self.place(kept), &memory.asked) else {
            return;
        };
        let name = kept.pinned.name();
        let why = format!("Nothing of {name} is left that needs an approval.");
        let topic = (name, About::Approval);
        let withdrawn = self.bounded(topic, withdraw(place, name, "", &why)).await;
        if withdrawn.is_some() {
            memory.drop_request(&kept.content);
            memory.again.clear();
        }
        self.note_look(topic, world.clock.now());
    }

    async fn put(
        &self,
        place: &Place,
        (world, kept, facts): (&World, &Kept, &Facts<'_>),
        need: &Need,
        memory: &mut Memory,
    ) -> Result<Said, ForgeError> {
        let (name, now) = (kept.pinned.name(), world.clock.now());
        memory.drop_other(facts);
        let known = memory.asked.clone();
        let request = known.as_ref().map(|known| known.request);
        let approval = Approval {
            environment: name.clone(),
            plan: facts.hash.clone(),
            request: request.unwrap_or_else(|| memory.next(facts.hash, kept.approval.as_ref())),
        };
        let branch = branch_of(&approval);
        if known.is_none() {
            let why = "Its plan does not hold any more, and what it adds lets nothing go.";
            withdraw(place, name, &branch, why).await?;
        }
        let since = known.as_ref().map_or(now, |known| known.since);
        let body = |at| body((kept, facts), (need, &memory.again), at);
        let said = Digest::of(body(Timestamp::UNIX_EPOCH));
        if let Some(known) = known.filter(|known| known.said == said)
            && self.is_fresh((name, About::Approval), now, place)
        {
            return Ok((need.hold.clone(), Some(asked(&known))));
        }
        let draft = draft(place, kept, (&approval, branch), body(since));
        let proposed = place.forge.propose(&draft).await?;
        self.note_look((name, About::Approval), now);
        let Some(proposed) = proposed else {
            let nobody =
                "nobody can be asked without GitHub credentials: `reconciled apply` carries it out";
            return Ok((format!("{}; {nobody}", need.hold), None));
        };
        let request = Request {
            plan: approval.plan,
            request: approval.request,
            content: facts.content.clone(),
            since,
            said,
            number: proposed.number,
            url: proposed.url.clone(),
        };
        answered(place, (name, need), (request, &proposed), memory).await
    }

    /// Tells whether a request was looked at so recently that nobody is asked again.
    pub(super) fn is_fresh(&self, topic: Topic<'_>, now: Timestamp, place: &Place) -> bool {
        let every = SignedDuration::try_from(place.followed.polling.interval);
        let looked = self.looked().get(&owned(topic)).copied();
        looked.is_some_and(|at| every.is_ok_and(|every| now.duration_since(at) < every))
    }

    /// Takes note that a request is looked at.
    pub(super) fn note_look(&self, topic: Topic<'_>, now: Timestamp) {
        let _before = self.looked().insert(owned(topic), now);
    }

    fn looked(&self) -> MutexGuard<'_, BTreeMap<(EnvironmentName, About), Timestamp>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn owned((name, about): Topic<'_>) -> (EnvironmentName, About) {
    (name.clone(), about)
}

/// Takes in how a request stands.
async fn answered(
    place: &Place,
    (name, need): (&EnvironmentName, &Need),
    (request, proposed): (Request, &Proposed),
    memory: &mut Memory,
) -> Result<Said, ForgeError> {
    let (number, hold) = (proposed.number, &need.hold);
    Ok(match &proposed.standing {
        Standing::Open => {
            let asked = asked(&request);
            memory.asked = Some(request);
            (hold.clone(), Some(asked))
        }
        Standing::Merged(_) => {
            let given = format!(
                "{hold}, which pull request #{number} gave: it counts once the branch is read"
            );
            (given, None)
        }
        Standing::Closed(by) => {
            tracing::info!(environment = %name, plan = request.plan.short(), number, by, "Plan was declined");
            memory.decline(&request.plan, number);
            let why = format!(
                "Declined: this plan of {name} is not asked for again. Another one is; `reconciled apply` carries this one out."
            );
            place.forge.withdraw(proposed, &why).await?;
            (declined(hold, number), None)
        }
    })
}

fn declined(hold: &str, number: u64) -> String {
    format!(
        "{hold}, and pull request #{number} that asked for it was closed: this plan is not asked for again"
    )
}

fn asked(request: &Request) -> Asked {
    Asked {
        about: About::Approval,
        number: request.number,
        url: request.url.clone(),
    }
}

/// Closes every open request for an approval of an environment but the one of a branch.
async fn withdraw(
    place: &Place,
    name: &EnvironmentName,
    but: &str,
    why: &str,
) -> Result<(), ForgeError> {
    let prefix = format!("reconciled/{name}/");
    let open = place.forge.open_proposals(&prefix).await?;
    let is_other = |one: &&Proposed| {
        let rest = one.branch.strip_prefix(&prefix).unwrap_or_default();
        is_plan(rest) && one.branch != but
    };
    for other in open.iter().filter(is_other) {
        tracing::info!(environment = %name, number = other.number, why, "Pull request withdrawn");
        place.forge.withdraw(other, why).await?;
    }
    Ok(())
}

/// Tells whether the end of a branch's name is that of a plan: other pull requests of ours are called otherwise.
fn is_plan(rest: &str) -> bool {
    let hash = rest.split_once('-').map_or(rest, |(hash, _)| hash);
    hash.len() == 12 && hash.chars().all(|c| c.is_ascii_hexdigit())
}

pub(super) fn branch_of(approval: &Approval) -> String {
    let (name, hash) = (&approval.environment, approval.plan.short());
    match approval.request {
        1 => format!("reconciled/{name}/{hash}"),
        nth => format!("reconciled/{name}/{hash}-{nth}"),
    }
}

fn body((kept, facts): (&Kept, &Facts<'_>), (need, again): (&Need, &str), at: Timestamp) -> String {
    let marker = format!("<!-- reconciled:approval:{} -->", kept.pinned.name());
    let page = Page {
        marker: &marker,
        revision: &kept.changed_at,
        at,
    };
    let approving = Approving {
        hash: facts.hash,
        why: &need.sentence,
        again,
    };
    approval_markdown(facts.plan, &approving, &page)
}

fn draft(
    place: &Place,
    kept: &Kept,
    (approval, branch): (&Approval, String),
    body: String,
) -> Draft {
    let name = &approval.environment;
    let text = approval.text();
    let standing = kept.approval.as_ref().map(Approval::text);
    Draft {
        branch,
        into: place.branch.clone(),
        onto: kept.pinned.revision().clone(),
        version: Digest::of(format!("{text}{}", standing.unwrap_or_default())),
        files: [(
            Approval::path(Some(&place.followed.environments), name),
            Some(text),
        )]
        .into(),
        title: format!("Approve plan {} of {name}", approval.plan.short()),
        body,
        labels: vec![LABEL.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_of_a_plan_is_told_from_others_of_ours() {
        let approval = |request| Approval {
            environment: EnvironmentName::new("shop").unwrap(),
            plan: Digest::of("plan"),
            request,
        };
        for request in [1, 2, 30] {
            let branch = branch_of(&approval(request));
            assert!(
                is_plan(branch.strip_prefix("reconciled/shop/").unwrap()),
                "{branch}"
            );
        }
        assert!(!is_plan("revert-0123456789") && !is_plan("drift-7") && !is_plan(""));
    }
}
