//! Answers what is live: one list for all questions that it can answer.

use super::Rest;
use super::failure::Failure;
use super::lookup::{Lookup, Meant, Picked, pick};
use super::object::{Object, sealed_as_recorded};
use super::ownership::{Ownership, owner_of};
use super::session::Session;
use crate::model::{
    Address, Asked, Class, ConnectionName, EnvironmentName, Identity, Kind, KindName, Marked,
    Observation, Observed, Owner,
};
use futures::future::join_all;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Questions that one list answers: the kind, whose they are, and the gaps of the list's path.
type Group = (KindName, EnvironmentName, ConnectionName, Vec<String>);

impl Rest {
    pub(super) async fn observe_all(&self, asked: &[Asked]) -> Vec<Observed> {
        let mut groups: BTreeMap<Group, Vec<&Asked>> = BTreeMap::new();
        for question in asked {
            let gaps = self.gaps(&question.kind, &question.identity);
            let (environment, connection) = (
                question.address.environment.clone(),
                question.connection.name.clone(),
            );
            groups
                .entry((question.kind.clone(), environment, connection, gaps))
                .or_default()
                .push(question);
        }
        let answers = join_all(
            groups
                .values()
                .map(|questions| self.observe_list(questions)),
        )
        .await;
        let addresses: BTreeSet<&Address> =
            asked.iter().map(|question| &question.address).collect();
        let mut extra = BTreeSet::new();
        let mut answers: Vec<Observed> = answers.into_iter().flatten().collect();
        answers.retain(|answer| {
            addresses.contains(&answer.address) || extra.insert(answer.address.clone())
        });
        answers
    }

    fn gaps(&self, kind: &KindName, identity: &Identity) -> Vec<String> {
        let Some((_, entry)) = self.catalogue.entry(kind.as_str()) else {
            return Vec::new();
        };
        let Lookup::List { path, .. } = &entry.lookup;
        path.gaps()
            .map(|gap| {
                identity
                    .get(&format!("/{gap}"))
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }

    /// Answers questions about one list; what fails, fails for all of them and for no others.
    async fn observe_list(&self, questions: &[&Asked]) -> Vec<Observed> {
        let read = async {
            let first = questions.first().ok_or_else(|| {
                Failure::new("nothing-asked", Class::Internal, "nothing was asked")
            })?;
            let session = self.session(&first.kind, &first.connection, None)?;
            let objects = session.list(&first.identity).await?;
            Ok::<_, Failure>((session, objects))
        };
        match read.await {
            Ok((session, objects)) => {
                let asked = questions
                    .iter()
                    .map(|question| self.answer(&session, &objects, question));
                let asked: Vec<Observed> = asked.collect();
                asked
                    .into_iter()
                    .chain(self.unasked(&session, &objects, questions))
                    .collect()
            }
            Err(failure) => questions
                .iter()
                .map(|question| Observed::answer(question, failure.clone().unknown()))
                .collect(),
        }
    }

    fn answer(&self, session: &Session, objects: &[Json], question: &Asked) -> Observed {
        let observation = match self.row(&question.kind) {
            Some(row) => observation(session, row, objects, question),
            None => {
                let reason = format!("there is no kind {}", question.kind);
                Failure::new("no-kind", Class::User, reason).unknown()
            }
        };
        Observed::answer(question, observation)
    }

    /// Returns objects that carry our mark for the environment and that nobody asked for.
    fn unasked(&self, session: &Session, objects: &[Json], questions: &[&Asked]) -> Vec<Observed> {
        let Some((question, row)) = questions
            .first()
            .and_then(|first| Some((first, self.row(&first.kind)?)))
        else {
            return Vec::new();
        };
        let known: BTreeSet<&Address> =
            questions.iter().map(|question| &question.address).collect();
        let marks = objects.iter().flat_map(|body| {
            let tags = session.entry.ownership.tags(body);
            tags.into_iter()
                .filter_map(owner_of)
                .map(move |owner| (body, owner))
        });
        marks
            .filter_map(|(body, owner)| match owner {
                Owner::Resource(address) => Some((body, address)),
                Owner::Foreign(_) => None,
            })
            .filter(|(_, address)| {
                address.environment == question.address.environment && !known.contains(address)
            })
            .map(|(body, address)| {
                let seen = object(session, row, question, body);
                let live = seen.live(None, Some(Owner::Resource(address.clone())));
                Observed {
                    address,
                    unasked: Some(Marked {
                        kind: question.kind.clone(),
                        connection: Arc::clone(&question.connection),
                        identity: row.identity_of(&live.value).unwrap_or(Identity(Vec::new())),
                    }),
                    observation: Observation::Present(Box::new(live)),
                }
            })
            .collect()
    }
}

fn object<'a>(session: &'a Session, row: &'a Kind, asked: &'a Asked, body: &'a Json) -> Object<'a> {
    Object {
        entry: &session.entry,
        row,
        identity: &asked.identity,
        body,
    }
}

/// Tells what is live of one resource, out of what a list holds.
fn observation(session: &Session, row: &Kind, objects: &[Json], question: &Asked) -> Observation {
    let recorded = question
        .owned
        .as_ref()
        .and_then(|owned| owned.external_id.as_deref());
    let by_record = matches!(session.entry.ownership, Ownership::Record);
    let us = Owner::Resource(question.address.clone());
    let owner = |body: &Json| session.entry.ownership.owner(body, &question.address);
    let likely = |body: &Json| match &question.desired {
        Some(desired) if by_record => object(session, row, question, body)
            .differing(desired)
            .is_empty(),
        _ => owner(body).as_ref() == Some(&us),
    };
    let meant = Meant {
        identity: &question.identity,
        key: &session.key,
        id: recorded,
        id_only: by_record && question.desired.is_none(),
        likely: &likely,
    };
    let body = match pick(&session.entry, objects, meant) {
        Picked::Nothing => return Observation::Absent { prediction: None },
        Picked::Several(count) => return several(count, &question.identity).unknown(),
        Picked::One(body) => body,
    };
    let is_recorded = recorded.is_some() && session.entry.id_of(body).as_deref() == recorded;
    let owner = match by_record && is_recorded {
        true => Some(us),
        false => owner(body),
    };
    let mut live = object(session, row, question, body).live(question.desired.as_deref(), owner);
    if let Some(owned) = &question.owned {
        let value = Arc::unwrap_or_clone(live.value);
        live.value = sealed_as_recorded(value, &owned.applied.json()).into();
    }
    Observation::Present(Box::new(live))
}

/// Says that it cannot be told which object is meant: choosing one could change somebody else's.
pub(super) fn several(count: usize, identity: &Identity) -> Failure {
    let reason = format!(
        "{count} live objects are {identity}, and it cannot be told which of them is meant"
    );
    let hint =
        "Delete those that should not be there, or write what the one that is meant says now."
            .to_owned();
    Failure {
        hint: Some(hint),
        ..Failure::new("ambiguous", Class::User, reason)
    }
}
