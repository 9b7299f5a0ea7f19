//! What a write would make of an object, asked of the server itself: a server-side apply as a
//! dry-run, first without force, then with what is ours to take.

use super::cluster::{Cluster, Mode};
use super::error::{Cause, Failure};
use super::seal::Sealer;
use super::target::Target;
use super::verdict::Matter;
use super::{fields, managed, marks, place, shape};
use crate::model::{Asked, Class, FieldPath, Map, Prediction, Touch, Value, Verdict};
use serde_json::Value as Json;

/// One object to be asked about.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// Where.
    pub(super) cluster: &'a Cluster,
    /// Which.
    pub(super) target: &'a Target,
    /// Whose, and what was told of it before.
    pub(super) asked: &'a Asked,
    /// What is declared.
    pub(super) desired: &'a Value,
    /// What is live; `None` where nothing is.
    pub(super) live: Option<&'a Json>,
    /// What is secret in it.
    pub(super) sealer: &'a Sealer<'a>,
    /// Whether the same plan makes its namespace.
    pub(super) namespace_planned: bool,
}

/// What the server said.
#[derive(Default)]
pub(super) struct Answer {
    /// `None` where the server cannot say.
    pub(super) prediction: Option<Prediction>,
    /// Who owns what is in conflict, and who else wrote.
    pub(super) touches: Vec<Touch>,
    /// True where the server answered about a later state than the one it was asked with: what
    /// differs may be what somebody else did in between.
    pub(super) is_later: bool,
    /// Where a write would change nothing.
    pub(super) verdict: Option<Verdict>,
}

/// Asks what a write would give.
///
/// # Errors
/// No usable answer; what the server refuses is an answer.
pub(super) async fn predict(question: &Question<'_>) -> Result<Answer, Failure> {
    let mut sent = shape::payload(question.desired)?;
    let (cluster, reference) = (question.cluster, &question.target.reference);
    marks::put(&mut sent.object, &question.asked.address, reference);
    let schema = cluster.schema(&question.target.served).await;
    // What is not known yet is part of neither side.
    let live = question.live.filter(|_| sent.holes.is_empty());
    let matter = live.map(|live| Matter {
        sent: &sent.object,
        live,
        schema: &schema,
    });
    if let Some((matter, verdict)) = matter.zip(question.asked.verdict())
        && let Some(yielded) = cluster.verdicts.holds(verdict, reference, matter)
    {
        let touches = fields::touches(matter.live, &sent.object, &[]);
        let value = question.shaped(matter.live.clone());
        return Ok(Answer {
            verdict: Some(verdict.clone()),
            ..question.becomes(value, &sent, &yielded, touches)
        });
    }
    let (told, touches) = question.told(&sent.object).await?;
    match told {
        Told::Gives { object, yielded } => {
            let is_later = question.live.is_some_and(|live| is_later(live, &object));
            let object = match question.live {
                Some(live) => managed::as_far_as_ours(live, object, &sent.object),
                None => object,
            };
            let settled = matter.filter(|matter| shape::is_same(matter.live, &object));
            let verdict = settled.map(|matter| cluster.verdicts.make(matter, &yielded));
            if verdict.is_some() {
                cluster.verdicts.asked(reference);
            }
            let value = question.shaped(object);
            Ok(Answer {
                is_later,
                verdict,
                ..question.becomes(value, &sent, &yielded, touches)
            })
        }
        Told::Refuses(prediction) => Ok(Answer {
            prediction,
            touches,
            ..Answer::default()
        }),
    }
}

enum Told {
    Gives {
        object: Json,
        yielded: Vec<(String, String)>,
    },
    Refuses(Option<Prediction>),
}

impl Question<'_> {
    fn shaped(&self, mut object: Json) -> Value {
        with_type(&mut object, self.target);
        self.sealer.seal(shape::value(object, Some(self.desired)))
    }

    fn becomes(
        &self,
        value: Value,
        sent: &shape::Payload,
        yielded: &[(String, String)],
        mut touches: Vec<Touch>,
    ) -> Answer {
        let declared = |path| shape::declared_path(path, Some(self.desired));
        for touch in &mut touches {
            touch.path = touch.path.take().map(declared);
        }
        let shown = fields::shown(&sent.object, yielded).into_iter();
        let prediction = shape::with_holes(value, &sent.holes).map(|value| Prediction::Becomes {
            value,
            yielded: shown.map(|(path, owner)| (declared(path), owner)).collect(),
            payload: Some(instruction(yielded)),
        });
        Answer {
            prediction,
            touches,
            ..Answer::default()
        }
    }

    async fn told(&self, object: &Json) -> Result<(Told, Vec<Touch>), Failure> {
        let touched = |conflicts: &[&Cause]| match self.live {
            Some(live) => fields::touches(live, object, conflicts),
            None => Vec::new(),
        };
        let first = match self.ask(object, false).await {
            Ok(object) => {
                return Ok((
                    Told::Gives {
                        object,
                        yielded: Vec::new(),
                    },
                    touched(&[]),
                ));
            }
            Err(failure) => failure,
        };
        let conflicts = first.conflicts();
        if conflicts.is_empty() {
            return Ok((Told::Refuses(self.refusal(first)?), touched(&[])));
        }
        let touches = touched(&conflicts);
        let settled = match fields::settle(object, &conflicts) {
            Ok(settled) => settled,
            Err(failure) => return Ok((Told::Refuses(self.refusal(failure)?), touches)),
        };
        match self.ask(&settled.object, true).await {
            Ok(object) => Ok((
                Told::Gives {
                    object,
                    yielded: settled.yielded,
                },
                touches,
            )),
            Err(failure) => Ok((Told::Refuses(self.refusal(failure)?), touches)),
        }
    }

    async fn ask(&self, object: &Json, force: bool) -> Result<Json, Failure> {
        let mode = Mode {
            dry_run: true,
            force,
        };
        let answer = self
            .cluster
            .apply(&self.target.served, self.target.namespace(), object, mode)
            .await;
        answer.map(|(object, _)| object)
    }

    /// Tells a refusal, which is an answer, from no answer.
    fn refusal(&self, failure: Failure) -> Result<Option<Prediction>, Failure> {
        let failure = self.sealer.scrubbed(failure);
        if failure.reason.contains("does not support dry run") {
            return Ok(None);
        }
        if failure.code == "namespace-missing" && self.namespace_planned {
            let namespace = self.target.namespace();
            return Ok(Some(Prediction::Deferred(format!(
                "the namespace {namespace}"
            ))));
        }
        let known = matches!(failure.class, Class::Refused | Class::User) && failure.status != 401;
        if !known || failure.is_stale() {
            return Err(failure);
        }
        let immutable = immutable(&failure.causes);
        Ok(Some(Prediction::Refused {
            reason: failure.reason,
            immutable,
        }))
    }
}

/// Tells whether a dry-run, which moves no version, answers about another version than the one read,
/// and not just another status.
fn is_later(live: &Json, told: &Json) -> bool {
    let version = |object: &Json| object["metadata"]["resourceVersion"].clone();
    version(told).is_string() && version(told) != version(live) && !shape::is_same(live, told)
}

/// Fills in what items of a list leave out.
pub(super) fn with_type(object: &mut Json, target: &Target) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    let served = &target.served;
    let api_version = if served.group.is_empty() {
        served.version.clone()
    } else {
        format!("{}/{}", served.group, served.version)
    };
    fields
        .entry("apiVersion")
        .or_insert_with(|| api_version.into());
    fields
        .entry("kind")
        .or_insert_with(|| served.kind.clone().into());
}

/// Returns the fields that cannot change in place, where the refusal is about nothing else. Every
/// phrase is the API server's own validation text; there is no code for it.
fn immutable(causes: &[Cause]) -> Vec<FieldPath> {
    let cannot_change = |message: &str| {
        let message = message.to_lowercase();
        message.contains("immutable")
            || message.contains("may not change")
            || message.contains("may not be changed")
            || message.contains("cannot change")
            || message.contains("cannot be changed")
            || message.contains("may not be updated")
            || message.contains("updates to") && message.contains("forbidden")
    };
    if causes.is_empty() || !causes.iter().all(|cause| cannot_change(&cause.message)) {
        return Vec::new();
    }
    causes
        .iter()
        .map(|cause| place::plain(&cause.field))
        .collect()
}

/// Writes down how the predicted write is sent: with force, without these fields.
fn instruction(yielded: &[(String, String)]) -> Value {
    let fields = yielded
        .iter()
        .map(|(field, owner)| Value::List(vec![field.clone().into(), owner.clone().into()]));
    let mut map = Map::new();
    map.insert("force".to_owned(), Value::Bool(true));
    map.insert("without".to_owned(), Value::List(fields.collect()));
    Value::Map(map)
}

/// Reads [`instruction`] back from a step.
pub(super) fn instructed(payload: &Value) -> Option<Vec<(String, String)>> {
    let pairs = payload.get("without")?.as_list()?;
    pairs
        .iter()
        .map(|pair| match pair.as_list()? {
            [field, owner] => Some((field.as_str()?.to_owned(), owner.as_str()?.to_owned())),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(field: &str, message: &str) -> Cause {
        Cause {
            reason: String::new(),
            field: field.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn only_a_refusal_about_nothing_else_means_replace() {
        let selector = cause("spec.selector", "invalid value: field is immutable");
        let stateful = cause(
            "spec",
            "Forbidden: updates to statefulset spec for fields other than 'replicas', … are forbidden",
        );
        let cluster_ip = cause(
            "spec.clusterIPs[0]",
            "invalid value: may not change once set",
        );
        let other = cause("spec.replicas", "must be greater than or equal to 0");
        assert_eq!(
            immutable(&[selector.clone(), cluster_ip])[1].to_string(),
            "spec.clusterIPs[0]"
        );
        assert_eq!(immutable(&[stateful])[0].to_string(), "spec");
        assert!(immutable(&[selector, other]).is_empty());
        assert!(immutable(&[]).is_empty());
    }

    #[test]
    fn an_instruction_survives_the_plan() {
        let yielded = vec![(".spec.replicas".to_owned(), "keda-operator".to_owned())];
        assert_eq!(instructed(&instruction(&yielded)), Some(yielded));
    }
}
