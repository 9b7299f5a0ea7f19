//! Every provider behind one door: questions and steps go to the provider whose rows name the kind.
//!
//! A provider that hangs or panics costs its own answers, never another's. Nothing here decides or
//! retries.

use super::{Kubernetes, Provider, ProviderError, Watched};
use crate::model::{
    Address, Applied, Asked, Class, ClusterSecret, Connection, ConnectionName, DigestKey,
    EnvironmentName, Kind, KindName, Kinds, Live, Observation, Observed, Secret, Step, Unknown,
    Within,
};
use crate::telemetry::crash_point;
use futures::FutureExt as _;
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the guards wait before they speak for a silent provider.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the questions about one connection, whatever their number.
    pub observe: Duration,
    /// For each of these questions, beside that.
    pub each: Duration,
    /// For all of them together, of a provider that does not give up by itself where it stands still.
    pub longest: Duration,
    /// For one step, above its own deadline.
    pub apply: Duration,
}

impl Default for Patience {
    /// Two minutes to answer and a second for each question, which is what a slow webhook takes for a dry-run
    /// alone, and ten minutes to apply: well above what requests may take inside `net`'s own deadlines, so that
    /// only a provider that hangs is cut off. Ten minutes are the most, whatever is asked, since one that hangs holds
    /// up its environment: only a provider that gives up by itself has longer, see [`Registry::with_untiring`].
    fn default() -> Self {
        Self {
            observe: Duration::from_secs(120),
            each: Duration::from_secs(1),
            longest: Duration::from_secs(600),
            apply: Duration::from_secs(600),
        }
    }
}

impl Patience {
    fn with(&self, questions: usize, is_untiring: bool) -> Duration {
        let questions = u32::try_from(questions).unwrap_or(u32::MAX);
        let each = self.each.saturating_mul(questions);
        let all = self.observe.saturating_add(each);
        match is_untiring {
            true => all,
            false => all.min(self.longest),
        }
    }
}

/// Why a provider gave no answer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Silence {
    #[error("the provider panicked")]
    Panic,
    #[error("no answer in {} s", .0.as_secs())]
    Hang(Duration),
}

impl Silence {
    fn code(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Hang(_) => "timeout",
        }
    }

    fn class(self) -> Class {
        match self {
            Self::Panic => Class::Internal,
            Self::Hang(_) => Class::Transient,
        }
    }
}

/// Waits for a provider's answer, for so long, and through its panics.
async fn guarded<T>(patience: Duration, answer: impl Future<Output = T>) -> Result<T, Silence> {
    let answer = AssertUnwindSafe(answer).catch_unwind();
    let answer = tokio::time::timeout(patience, answer).await;
    let answer = answer.map_err(|_elapsed| Silence::Hang(patience))?;
    answer.map_err(|_panic| Silence::Panic)
}

/// The providers of this process.
pub struct Registry {
    providers: Vec<Arc<dyn Provider>>,
    by_kind: HashMap<KindName, usize>,
    kinds: Kinds,
    patience: Patience,
    /// Those that give up by themselves.
    untiring: BTreeSet<usize>,
    clusters: Option<Arc<Kubernetes>>,
}

/// What one provider is asked about one connection.
type Group = (Option<usize>, EnvironmentName, ConnectionName);

impl Registry {
    /// Gathers providers; of two that name one kind the later serves it.
    pub fn new(providers: Vec<Arc<dyn Provider>>) -> Self {
        let by_kind = providers
            .iter()
            .enumerate()
            .flat_map(|(nth, provider)| {
                let names = provider.kinds().iter().map(|row| row.name.clone());
                names.map(move |name| (name, nth)).collect::<Vec<_>>()
            })
            .collect();
        let rows: Vec<Kind> = providers
            .iter()
            .flat_map(|provider| provider.kinds().to_vec())
            .collect();
        Self {
            providers,
            by_kind,
            kinds: Kinds::new(rows),
            patience: Patience::default(),
            untiring: BTreeSet::new(),
            clusters: None,
        }
    }

    /// Returns the same registry, which reads Secrets of clusters through this provider.
    #[must_use]
    pub fn with_secrets_of(self, clusters: Arc<Kubernetes>) -> Self {
        Self {
            clusters: Some(clusters),
            ..self
        }
    }

    /// Returns the same registry, in which this provider has as long as its questions take, however many they are:
    /// where it stands still, it gives up what is left, and keeps what it has seen.
    #[must_use]
    pub fn with_untiring(mut self, provider: &dyn Provider) -> Self {
        let names = provider.kinds().iter().map(|row| &row.name);
        let nth = names.filter_map(|name| self.by_kind.get(name).copied());
        self.untiring.extend(nth);
        self
    }

    /// Returns the same registry with other guards.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Returns the same registry whose kinds have the ledger's key, see [`Kinds::keyed`].
    #[must_use]
    pub fn keyed(self, key: &DigestKey) -> Self {
        let kinds = self.kinds.keyed(key);
        Self { kinds, ..self }
    }

    /// Returns the rows of every provider here.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Answers what is live, each connection at the same time as the others.
    ///
    /// # Guarantees
    /// Every question is answered exactly once, whatever the providers do: no provider for the kind,
    /// no answer, a panic and a hang are each `Unknown`. Answers nobody asked for are kept, once an
    /// address, after the asked ones.
    pub async fn observe(&self, asked: &[Asked]) -> Vec<Observed> {
        let mut groups: BTreeMap<Group, Vec<Asked>> = BTreeMap::new();
        for question in asked {
            let group = (
                self.by_kind.get(&question.kind).copied(),
                question.address.environment.clone(),
                question.connection.name.clone(),
            );
            groups.entry(group).or_default().push(question.clone());
        }
        let answers = groups
            .iter()
            .map(|((provider, ..), questions)| self.observe_one(*provider, questions));
        let all = join_all(answers).await.into_iter().flatten();
        let wanted: BTreeSet<&Address> = asked.iter().map(|question| &question.address).collect();
        let (answered, extra): (Vec<_>, Vec<_>) =
            all.partition(|answer| wanted.contains(&answer.address));
        once(answered.into_iter().chain(extra))
    }

    /// Returns how much of each cluster is heard of rather than listed, by its server's address.
    pub fn watched(&self) -> BTreeMap<String, Watched> {
        let clusters = self.clusters.as_ref();
        clusters.map_or_else(BTreeMap::new, |clusters| clusters.watched())
    }

    /// Reads values of Secrets of a cluster, in the order of the questions.
    ///
    /// # Guarantees
    /// Every question is answered; a panic and a hang are answers like any other.
    pub async fn secrets(
        &self,
        environment: &EnvironmentName,
        connection: &Connection,
        asked: &[&ClusterSecret],
    ) -> Vec<Result<Secret, Unknown>> {
        let none = |reason: String, code, class| {
            let unread = Unknown {
                reason,
                code,
                class,
            };
            asked.iter().map(|_| Err(unread.clone())).collect()
        };
        let Some(clusters) = &self.clusters else {
            let reason = "no provider here reads Secrets of clusters".to_owned();
            return none(reason, "no-provider", Class::User);
        };
        let answers = clusters.secrets(environment, connection, asked);
        match guarded(self.patience.with(asked.len(), false), answers).await {
            Ok(answers) => answers,
            Err(silence) => none(silence.to_string(), silence.code(), silence.class()),
        }
    }

    /// Looks into the containers that a plan is to delete or replace, all at the same time.
    ///
    /// # Guarantees
    /// Every container has its answer; a panic and a hang are each an error.
    pub async fn within(&self, containers: &[(&Step, &Live)]) -> Within {
        let looks = containers.iter().map(|(step, live)| async move {
            let told = match self.provider(&step.kind) {
                Some(provider) => {
                    let patience = self.patience.observe;
                    guarded(patience, provider.within(step, live)).await
                }
                None => Ok(Ok(Vec::new())),
            };
            let silent = |silence: Silence| Unknown {
                reason: silence.to_string(),
                code: silence.code(),
                class: silence.class(),
            };
            let told = told.unwrap_or_else(|silence| Err(silent(silence)));
            (step.address.clone(), told)
        });
        join_all(looks).await.into_iter().collect()
    }

    /// Carries out one step by the provider of its kind; `stop` cuts its waits short.
    ///
    /// # Errors
    /// What the provider says; a hang is `timeout` (look again, it may have happened), a panic is
    /// a bug of ours.
    pub async fn apply(
        &self,
        step: &Step,
        stop: &CancellationToken,
    ) -> Result<Applied, ProviderError> {
        let what = format!("{} {}", step.kind, step.identity);
        let Some(provider) = self.provider(&step.kind) else {
            return Err(ProviderError::Invalid {
                what,
                reason: format!("no provider serves the kind {}", step.kind),
                hint: Some("Compare the kind's name with what `explain` lists.".to_owned()),
            });
        };
        // Some wait inside for what has to be done before the next request of one step.
        let patience = self.patience.apply.saturating_add(step.deadline);
        crash_point("provider: before apply");
        let answer = guarded(patience, provider.apply(step, stop)).await;
        crash_point("provider: after apply");
        match answer {
            Ok(result) => result,
            Err(silence @ Silence::Panic) => Err(ProviderError::Internal {
                what,
                reason: silence.to_string(),
            }),
            Err(silence @ Silence::Hang(_)) => Err(ProviderError::Unavailable {
                what,
                reason: silence.to_string(),
                code: silence.code(),
            }),
        }
    }

    fn provider(&self, kind: &KindName) -> Option<&Arc<dyn Provider>> {
        self.by_kind.get(kind).map(|nth| &self.providers[*nth])
    }

    /// Asks one provider about one connection; what it leaves out is filled in as unknown.
    async fn observe_one(&self, provider: Option<usize>, questions: &[Asked]) -> Vec<Observed> {
        let Some(nth) = provider else {
            return filled(Vec::new(), questions, |question| Observation::Unknown {
                reason: format!("no provider serves the kind {}", question.kind),
                code: "no-provider",
                class: Class::User,
            });
        };
        crash_point("provider: before observe");
        let observing = self.providers[nth].observe(questions);
        let is_untiring = self.untiring.contains(&nth);
        let patience = self.patience.with(questions.len(), is_untiring);
        let answer = guarded(patience, observing).await;
        crash_point("provider: after observe");
        match answer {
            Ok(answers) => filled(answers, questions, |_| Observation::Unknown {
                reason: "the provider left it out of its answer".to_owned(),
                code: "no-answer",
                class: Class::Internal,
            }),
            Err(silence) => filled(Vec::new(), questions, |_| Observation::Unknown {
                reason: silence.to_string(),
                code: silence.code(),
                class: silence.class(),
            }),
        }
    }
}

/// Keeps the first answer for each address.
fn once(answers: impl Iterator<Item = Observed>) -> Vec<Observed> {
    let mut seen = BTreeSet::new();
    answers
        .filter(|answer| seen.insert(answer.address.clone()))
        .collect()
}

/// Adds an answer for every question that has none.
fn filled(
    mut answers: Vec<Observed>,
    questions: &[Asked],
    missing: impl Fn(&Asked) -> Observation,
) -> Vec<Observed> {
    let known: BTreeSet<Address> = answers.iter().map(|a| a.address.clone()).collect();
    let rest = questions
        .iter()
        .filter(|question| !known.contains(&question.address));
    answers.extend(rest.map(|question| Observed::answer(question, missing(question))));
    answers
}

#[cfg(test)]
mod tests;
