//! One look at what drifted: the request about it is opened, brought up to date, looked at or closed.

use super::memory::{Memory, Request};
use super::{Gate, SOON};
use crate::deliver::About;
use crate::deliver::forge::{Draft, ForgeError, Proposed, Standing};
use crate::deliver::render::{Drifting, Page, drift_markdown};
use crate::engine::approval::ask::{LABEL, Place, Topic};
use crate::engine::{CycleError, Looked, World, beside};
use crate::graph::keep::{Fate, Kept as Written};
use crate::model::{Address, Digest, RepoPath, Secret, Step, Value};
use jiff::SignedDuration;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is said while a merge is on its way to us.
const MERGED: &str =
    "the pull request that keeps it was merged, which counts once the branch is read";

/// What is said on a request that was merged.
const KEPT: &str = "Merged: Git declares what is live from now on, and nothing is applied for it.";

/// For how long a merge is on its way, beyond two polls.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(10);

/// What drifted in one environment, as one look found it.
pub(super) struct Asking<'a> {
    gate: &'a Gate<'a>,
    world: &'a World,
    looked: &'a Looked,
    /// How each differs.
    drifted: BTreeMap<Address, Digest>,
}

impl<'a> Asking<'a> {
    pub(super) fn of(gate: &'a Gate<'a>, world: &'a World, looked: &'a Looked) -> Self {
        let drift = looked.plan.drift();
        let drifted = drift.map(|step| (step.address.clone(), digest(world, step)));
        Self {
            gate,
            world,
            looked,
            drifted: drifted.collect(),
        }
    }

    /// Tells whether something still differs as it did.
    pub(super) fn is_still(&self, address: &Address, was: &Digest) -> bool {
        self.drifted.get(address) == Some(was)
    }

    fn topic(&self) -> Topic<'a> {
        (self.gate.kept.pinned.name(), About::Drift)
    }

    /// Brings the request up to date with what drifted, and takes in how it ended. Returns why drift is left alone.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(super) async fn settle(&self, memory: &mut Memory) -> Result<String, CycleError> {
        memory.put_back.retain(|one, was| self.is_still(one, was));
        let Some(place) = self.gate.asker.place(self.gate.kept) else {
            let repository = &self.gate.kept.repository;
            return Ok(only_told(&format!(
                "nobody can be asked, since the settings name no `github` for {repository}"
            )));
        };
        let left = self.looked.plan.drift();
        let left = left.filter(|step| !memory.put_back.contains_key(&step.address));
        let left: Arc<[Step]> = left.cloned().collect();
        if left.is_empty() {
            (memory.merged, memory.unasked) = (None, None);
            let why = "Nothing is left to ask about: live is as Git declares it.";
            self.close(place, memory, why).await;
            return Ok(String::new());
        }
        let (kept, now) = (self.gate.kept.pinned.revision(), self.world.clock.now());
        let patience = SignedDuration::try_from(place.followed.polling.interval * 2);
        if memory.is_merging(kept, now, patience.unwrap_or_default() + ON_ITS_WAY) {
            return Ok(MERGED.to_owned());
        }
        memory.merged = None;
        let made_of = self.made_of(place, &left);
        if let Some((_, why)) = memory.unasked.as_ref().filter(|(of, _)| *of == made_of) {
            return Ok(why.clone());
        }
        let same = memory.asked.as_ref();
        if let Some(request) = same.filter(|one| one.made_of.as_ref() == Some(&made_of)) {
            let request = request.clone();
            return Ok(self.look_again(place, request, memory).await);
        }
        let files = |files: &BTreeSet<RepoPath>| files.clone();
        let (others, kinds) = (self.others().map(files), self.world.registry.kinds());
        let pinned = &self.gate.kept.pinned;
        let written = beside::kept(pinned, others.collect(), Arc::clone(&left), kinds).await;
        if written.files.is_empty() {
            let why = "What is left of it cannot be written into the specs, and is only told.";
            self.close(place, memory, why).await;
            let told = only_told(&unwritten(&written));
            if memory.asked.is_none() {
                memory.unasked = Some((made_of, told.clone()));
            }
            return Ok(told);
        }
        self.ask(place, memory, (&left, &written, made_of)).await
    }

    /// Closes what is open, since nobody is to be asked any more.
    pub(super) async fn give_up(&self, memory: &mut Memory) {
        if let Some(place) = self.gate.asker.place(self.gate.kept) {
            let why = "The environment does not say `onDrift: propose` any more.";
            self.close(place, memory, why).await;
        }
        *memory = Memory {
            asked: memory.asked.take(),
            requests: memory.requests,
            ..Memory::default()
        };
    }

    /// What it says is what there is to say: only how it stands is asked.
    async fn look_again(&self, place: &Place, request: Request, memory: &mut Memory) -> String {
        let (topic, now) = (self.topic(), self.world.clock.now());
        if self.gate.asker.is_fresh(topic, now, place) {
            return request.hold();
        }
        let found = place.forge.proposal(&request.branch);
        let Some(found) = self.gate.asker.bounded(topic, found).await else {
            return request.hold();
        };
        self.gate.asker.note_look(topic, now);
        match found {
            Some(proposed) => self.answered(place, (request, &proposed), memory).await,
            // The forge lost it: it is opened anew with the next look.
            None => {
                memory.asked = None;
                SOON.to_owned()
            }
        }
    }

    async fn ask(
        &self,
        place: &Place,
        memory: &mut Memory,
        (left, written, made_of): (&Arc<[Step]>, &Written, Digest),
    ) -> Result<String, CycleError> {
        let (topic, now) = (self.topic(), self.world.clock.now());
        let Some(request) = self.request(place, memory).await else {
            return Ok(
                "the pull request that asks about it cannot be opened now, which is tried again"
                    .to_owned(),
            );
        };
        let about = self.about(left);
        // One that is open says what it said until it says something else.
        let before = match request.page {
            Some(_) => request.about.clone(),
            None => about.clone(),
        };
        let said = Request {
            about: before,
            ..request
        };
        memory.asked = Some(said.clone());
        // A kill from here on finds the very same branch again, and knows what was asked.
        memory.write(&self.world.ledger, topic.0).await?;
        let draft = self.draft(place, &said, (left, written));
        let Some(proposed) = self
            .gate
            .asker
            .bounded(topic, place.forge.propose(&draft))
            .await
        else {
            let hold = said.hold();
            return Ok(format!(
                "{hold}; that one cannot be written now, which is tried again"
            ));
        };
        self.gate.asker.note_look(topic, now);
        let Some(proposed) = proposed else {
            let told = only_told("nobody can be asked without GitHub credentials");
            memory.asked = None;
            memory.unasked = Some((made_of, told.clone()));
            return Ok(told);
        };
        memory.unasked = None;
        // What was closed or merged meanwhile is an answer to what it said then.
        let request = match proposed.standing {
            Standing::Open => Request {
                made_of: Some(made_of),
                about,
                ..said
            },
            _ => said,
        };
        Ok(self.answered(place, (request, &proposed), memory).await)
    }

    /// Takes the request that is open, or begins one; `None` where the forge cannot be asked.
    async fn request(&self, place: &Place, memory: &mut Memory) -> Option<Request> {
        match memory.asked.take() {
            Some(request) => Some(request),
            None => {
                let begun = self.begun(place, memory);
                self.gate.asker.bounded(self.topic(), begun).await
            }
        }
    }

    /// Returns a request that is not open yet; one that is and was forgotten with the ledger goes on.
    async fn begun(&self, place: &Place, memory: &mut Memory) -> Result<Request, ForgeError> {
        let (name, now) = (self.topic().0, self.world.clock.now());
        let prefix = format!("reconciled/{name}/drift-");
        let open = place.forge.open_proposals(&prefix).await?.into_iter();
        memory.requests += 1;
        let of = json!([memory.requests, self.drifted, self.gate.kept.changed_at]);
        let new = || format!("{prefix}{}", Digest::of(of.to_string()).short());
        Ok(Request {
            branch: { open }.next().map_or_else(new, |open| open.branch),
            page: None,
            since: now,
            made_of: None,
            about: BTreeMap::new(),
        })
    }

    /// Takes in how a request stands.
    async fn answered(
        &self,
        place: &Place,
        (request, proposed): (Request, &Proposed),
        memory: &mut Memory,
    ) -> String {
        let (name, number) = (self.topic().0, proposed.number);
        memory.asked = None;
        let by = match &proposed.standing {
            Standing::Open => {
                let request = Request {
                    page: Some((number, proposed.url.clone())),
                    ..request
                };
                let hold = request.hold();
                memory.asked = Some(request);
                return hold;
            }
            Standing::Merged(by) => {
                tracing::info!(environment = %name, number, by, "Drift is kept, its pull request was merged");
                let kept = self.gate.kept.pinned.revision().clone();
                memory.merged = Some((kept, self.world.clock.now()));
                let said = place.forge.withdraw(proposed, KEPT);
                let _said_or_logged = self.gate.asker.bounded(self.topic(), said).await;
                return MERGED.to_owned();
            }
            Standing::Closed(by) => by,
        };
        let about = request.about.into_iter();
        let still = about.filter(|(one, was)| self.is_still(one, was));
        let still: BTreeMap<_, _> = still.collect();
        tracing::info!(environment = %name, number, by, resources = still.len(), "Drift is put back, its pull request was closed");
        let why = match (still.is_empty(), self.looked.plan.holds.first()) {
            (true, _) => {
                "Closed. What it was about is not as it was, and is asked about anew.".to_owned()
            }
            (false, None) => "Closed: what Git declares is put back.".to_owned(),
            (false, Some(hold)) => {
                format!(
                    "Closed: what Git declares is put back, but not yet: {}.",
                    hold.reason
                )
            }
        };
        memory.put_back.extend(still);
        let said = place.forge.withdraw(proposed, &why);
        let _said_or_logged = self.gate.asker.bounded(self.topic(), said).await;
        SOON.to_owned()
    }

    /// Ends the request with a word.
    async fn close(&self, place: &Place, memory: &mut Memory, why: &str) {
        let Some(request) = &memory.asked else {
            return;
        };
        let closed = async {
            let Some(found) = place.forge.proposal(&request.branch).await? else {
                return Ok(());
            };
            let why = match found.standing {
                Standing::Merged(_) => KEPT,
                Standing::Open | Standing::Closed(_) => why,
            };
            place.forge.withdraw(&found, why).await
        };
        if self
            .gate
            .asker
            .bounded(self.topic(), closed)
            .await
            .is_some()
        {
            tracing::info!(environment = %self.topic().0, branch = request.branch, why, "Pull request about drift is over");
            memory.asked = None;
        }
    }

    fn draft(
        &self,
        place: &Place,
        request: &Request,
        (left, written): (&[Step], &Written),
    ) -> Draft {
        let kept = self.gate.kept;
        let name = kept.pinned.name();
        let marker = format!("<!-- reconciled:drift:{name} -->");
        let page = Page {
            marker: &marker,
            revision: &kept.changed_at,
            at: request.since,
        };
        let drifting = Drifting {
            environment: name,
            written,
            steps: left,
        };
        let files = written.files.iter();
        let files = files.map(|(path, text)| (path.clone(), Some(text.clone())));
        Draft {
            branch: request.branch.clone(),
            into: place.branch.clone(),
            onto: kept.pinned.revision().clone(),
            files: files.collect(),
            version: Digest::of(json!(written.files).to_string()),
            title: format!("Keep what was changed by hand in {name}"),
            body: drift_markdown(&drifting, &page),
            labels: vec![LABEL.to_owned()],
        }
    }

    fn about(&self, left: &[Step]) -> BTreeMap<Address, Digest> {
        let one = |step: &Step| {
            Some((
                step.address.clone(),
                self.drifted.get(&step.address)?.clone(),
            ))
        };
        left.iter().filter_map(one).collect()
    }

    /// Returns a digest of all that a request about this is made of.
    fn made_of(&self, place: &Place, left: &[Step]) -> Digest {
        let others: Vec<_> = self.others().collect();
        let asks = place.forge.sees_pull_requests();
        let of = json!([asks, self.gate.kept.content, others, self.about(left)]);
        Digest::of(of.to_string())
    }

    /// Returns the files of each other environment of the repository.
    fn others(&self) -> impl Iterator<Item = &BTreeSet<RepoPath>> {
        let kept = self.gate.kept;
        let all = self.gate.fleet.kept().values();
        let others = all.filter(|other| {
            other.repository == kept.repository && other.pinned.name() != kept.pinned.name()
        });
        others.map(|other| &other.pinned.files)
    }
}

fn only_told(why: &str) -> String {
    format!("it is only told: {why}; `reconciled apply` puts it back")
}

/// Says why the first of what cannot be written cannot.
fn unwritten(written: &Written) -> String {
    let mut fields = written.fields.iter();
    let why = fields.find_map(|field| match &field.fate {
        Fate::Left(why) => Some(why.as_str()),
        Fate::Written { .. } => None,
    });
    let why = why.unwrap_or("the specs cannot be read again");
    format!("it cannot be written into the specs, for {why}")
}

/// Digests how a step differs, under our key, since secrets may be part of it.
fn digest(world: &World, step: &Step) -> Digest {
    let key = &world.digest_key;
    let side = |value: &Option<Value>| value.as_ref().map(|value| key.sealed_json(value));
    let changes = step.changes.iter();
    let changes = changes.map(|one| json!([one.path, side(&one.before), side(&one.after)]));
    let all = json!([step.action, changes.collect::<Vec<_>>()]).to_string();
    key.digest(&Secret::new(all))
}
