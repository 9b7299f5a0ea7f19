//! What a write would make of an object, asked of the server itself: a server-side apply as a
//! dry-run, first without force, then with what is ours to take.

pub(super) mod essence;
pub(super) mod instruction;
mod kept;
pub(super) mod merge;
pub(super) mod refusal;
pub(super) mod verdict;

use super::cluster::Cluster;
use super::error::Failure;
use super::fields::{added, ignored, left, renewal};
use super::scalers::{Claim, Scalers};
use super::seal::Sealer;
use super::target::Target;
use super::{fields, marks, shape};
use crate::model::{Asked, Class, FieldPath, Prediction, Touch, Value, Verdict};
use instruction::Instruction;
use merge::Merge;
use serde_json::Value as Json;
use verdict::Matter;

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
    /// What scales workloads.
    pub(super) scalers: &'a Scalers<'a>,
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
    let sent = question.sent()?;
    let (cluster, reference) = (question.cluster, &question.target.reference);
    let schema = cluster.schema(&question.target.served).await;
    // What is not known yet is part of neither side.
    let live = question.live.filter(|_| sent.holes.is_empty());
    let matter = live.map(|live| Matter {
        sent: &sent.object,
        live,
        schema: &schema,
        ignore: &question.asked.ignore,
    });
    if let Some((matter, verdict)) = matter.zip(question.asked.verdict())
        && let Some(yielded) = cluster.verdicts.holds(verdict, reference, matter)
        && question.scalers.have(question.target, &yielded).await?
    {
        let touches = fields::touches(matter.live, &sent.object, &[]);
        let value = question.shaped(matter.live.clone());
        let instruction = Instruction {
            without: yielded,
            ..Instruction::default()
        };
        return Ok(Answer {
            verdict: Some(verdict.clone()),
            ..question.becomes(value, &sent, (&instruction, Vec::new()), touches)
        });
    }
    let (told, touches) = question.told(&sent.object, live).await?;
    match told {
        Told::Gives {
            object,
            mut instruction,
        } => {
            let is_later = question.live.is_some_and(|live| is_later(live, &object));
            let (object, kept) = question.ours(object, &sent.object, live, &instruction);
            instruction.foretold.clone_from(&kept);
            let settled = matter.filter(|matter| shape::is_same(matter.live, &object));
            let yielded = instruction.yielded();
            let verdict = settled.map(|matter| cluster.verdicts.make(matter, &yielded));
            if verdict.is_some() {
                cluster.verdicts.asked(reference);
            }
            let value = question.shaped(object);
            Ok(Answer {
                is_later,
                verdict,
                ..question.becomes(value, &sent, (&instruction, kept), touches)
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
        instruction: Instruction,
    },
    Refuses(Option<Prediction>),
}

/// What was sent in the end, and what was left out of it for others.
type Sent = (Json, Vec<Claim>);

impl Question<'_> {
    /// Gives what is sent: with our marks, and with ignored fields as they are live.
    fn sent(&self) -> Result<shape::Payload, Failure> {
        let mut sent = shape::payload(self.desired)?;
        marks::put(
            &mut sent.object,
            &self.asked.address,
            &self.target.reference,
        );
        if let Some(live) = self.live {
            sent.object = ignored::as_live(&sent.object, live, &self.asked.ignore);
        }
        Ok(sent)
    }

    /// Returns what the server told, as far as a write of ours changes it; what it keeps of what we would write
    /// differs, and is named. `live` is where that can be told.
    fn ours(
        &self,
        told: Json,
        sent: &Json,
        live: Option<&Json>,
        instruction: &Instruction,
    ) -> (Json, Vec<FieldPath>) {
        let mut object = match self.live {
            Some(live) => instruction.as_far_as_ours(live, told, sent),
            None => told,
        };
        let Some((live, owned)) = live.zip(self.asked.owned.as_ref()) else {
            return (object, Vec::new());
        };
        let sent = left::as_sent(sent, live, &self.asked.ignore, instruction);
        let kept = kept::as_declared(&mut object, &sent, live, &owned.applied.json());
        (object, kept)
    }

    fn shaped(&self, mut object: Json) -> Value {
        with_type(&mut object, self.target);
        self.sealer.seal(shape::value(object, Some(self.desired)))
    }

    fn becomes(
        &self,
        value: Value,
        sent: &shape::Payload,
        (instruction, kept): (&Instruction, Vec<FieldPath>),
        mut touches: Vec<Touch>,
    ) -> Answer {
        let declared = |path| shape::declared_path(path, Some(self.desired));
        for touch in &mut touches {
            touch.path = touch.path.take().map(declared);
        }
        let shown = fields::shown(&sent.object, self.live, &instruction.yielded()).into_iter();
        let prediction = shape::with_holes(value, &sent.holes).map(|value| Prediction::Becomes {
            value: value.into(),
            yielded: shown.map(|(path, owner)| (declared(path), owner)).collect(),
            payload: Some(instruction.payload()),
            kept,
        });
        Answer {
            prediction,
            touches,
            ..Answer::default()
        }
    }

    /// Asks what a write of the declared fields gives: less what scales the object has, and less what
    /// people added. `live` is where that can be told.
    async fn told(
        &self,
        object: &Json,
        live: Option<&Json>,
    ) -> Result<(Told, Vec<Touch>), Failure> {
        let (told, sent, touches) = self.merged(object).await?;
        let Some(live) = live else {
            return Ok((told, touches));
        };
        let claims = match &told {
            Told::Gives { object, .. } => self.scalers.claims(self.target, live, object).await?,
            Told::Refuses(_) => Vec::new(),
        };
        let (mut told, sent, touches) = if claims.is_empty() {
            (told, sent, touches)
        } else {
            let object = left::kept(object, live, &claims);
            self.merged(&object).await?
        };
        if let Told::Gives { instruction, .. } = &mut told {
            instruction.kept.clone_from(&claims);
        }
        let without = self.without_added(sent, claims, live).await?;
        Ok(match without {
            Some((without, added)) => {
                let mut touches: Vec<Touch> = touches.into_iter().chain(added).collect();
                touches.sort_by_key(|touch| std::cmp::Reverse(touch.at));
                (without, touches)
            }
            None => (told, touches),
        })
    }

    /// Asks what is left where the write takes off what people added, and tells who did. `None` where
    /// there is nothing to take off, or where the server would refuse that: then it stays.
    async fn without_added(
        &self,
        sent: Option<Sent>,
        kept: Vec<Claim>,
        live: &Json,
    ) -> Result<Option<(Told, Vec<Touch>)>, Failure> {
        let Some((sent, without)) = sent else {
            return Ok(None);
        };
        let Some(added) = added::find(live, &sent, &self.asked.ignore) else {
            return Ok(None);
        };
        let patch = added::patch(live, &sent, &added.fields);
        let target = self.target;
        let (namespace, name) = (target.namespace(), &target.reference.name);
        let merged = self
            .cluster
            .merge(&target.served, namespace, name, &patch, true);
        match merged.await {
            Ok(object) => {
                let instruction = Instruction {
                    without,
                    kept,
                    added: Some(added.fields),
                    ..Instruction::default()
                };
                let told = Told::Gives {
                    object,
                    instruction,
                };
                Ok(Some((told, added.touches)))
            }
            Err(failure) if failure.class == Class::Transient => Err(failure),
            Err(_) => Ok(None),
        }
    }

    /// Asks for the server's own merge; also returns what was sent in the end, `None` where it cannot be
    /// sent at all.
    async fn merged(&self, object: &Json) -> Result<(Told, Option<Sent>, Vec<Touch>), Failure> {
        let merge = Merge {
            cluster: self.cluster,
            target: self.target,
            scalers: self.scalers,
            dry_run: true,
        };
        let merged = merge.of(object).await?;
        let touches = match self.live {
            Some(live) => {
                fields::touches(live, object, &merged.conflicts.iter().collect::<Vec<_>>())
            }
            None => Vec::new(),
        };
        let without = merged.sent.as_ref().map(|(_, left)| left.clone());
        let told = match merged.told {
            Err(failure) if failure.is_of_another_version() => {
                self.renewed(object, failure).await?
            }
            told => told,
        };
        let told = match told {
            Ok(object) => Told::Gives {
                object,
                instruction: Instruction {
                    without: without.unwrap_or_default(),
                    ..Instruction::default()
                },
            },
            Err(failure) => Told::Refuses(self.refusal(failure)?),
        };
        Ok((told, merged.sent, touches))
    }

    /// Asks what a write gives of an object that cannot be merged before it is written down that what is ours
    /// was written in the version that is declared now. Who else would be in conflict is not told: that is
    /// found at the write.
    async fn renewed(
        &self,
        object: &Json,
        said: Failure,
    ) -> Result<Result<Json, Failure>, Failure> {
        let Some(live) = self.live else {
            return Ok(Err(said));
        };
        let version = &object["apiVersion"];
        let Some(patch) = renewal::outcome(live, object, &self.asked.ignore) else {
            return Ok(Err(renewal::refusal(live, version, &said)));
        };
        let target = self.target;
        let (namespace, name) = (target.namespace(), &target.reference.name);
        let told = self
            .cluster
            .merge(&target.served, namespace, name, &patch, true)
            .await;
        Ok(match told {
            Ok(told) if !renewal::is_taken(live, &told, version) => {
                Err(renewal::refusal(live, version, &said))
            }
            told => told,
        })
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
