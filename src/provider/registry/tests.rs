//! The registry's guards, with providers that misbehave.

use super::*;
use crate::model::{Connection, Depth, Identity, ResourceId, Value};
use async_trait::async_trait;

/// What a scripted provider does when asked.
enum Habit {
    Absent,
    Silent,
    Panics,
    Hangs,
    Twice,
    Slow,
}

struct Scripted(Vec<Kind>, Habit);

impl Scripted {
    fn boxed(kind: &str, habit: Habit) -> Arc<dyn Provider> {
        Arc::new(Self(vec![Kind::plain(kind, "A test kind.")], habit))
    }
}

#[async_trait]
impl Provider for Scripted {
    fn kinds(&self) -> &[Kind] {
        &self.0
    }

    async fn observe(&self, asked: &[Asked]) -> Vec<Observed> {
        let absent = |question: &Asked| Observed {
            address: question.address.clone(),
            observation: Observation::Absent { prediction: None },
            unasked: None,
        };
        match self.1 {
            Habit::Absent => asked.iter().map(absent).collect(),
            Habit::Silent => Vec::new(),
            Habit::Panics => panic!("the canary"),
            Habit::Hangs => std::future::pending().await,
            Habit::Slow => {
                let each = Duration::from_millis(300);
                let took = each * u32::try_from(asked.len()).unwrap();
                let _late = tokio::time::timeout(took, std::future::pending::<()>()).await;
                asked.iter().map(absent).collect()
            }
            Habit::Twice => asked
                .iter()
                .chain(asked)
                .map(absent)
                .chain([Observed {
                    address: "test/found-on-the-way".parse().unwrap(),
                    observation: Observation::Absent { prediction: None },
                    unasked: None,
                }])
                .collect(),
        }
    }

    async fn apply(
        &self,
        _step: &Step,
        _stop: &CancellationToken,
    ) -> Result<Applied, ProviderError> {
        match self.1 {
            Habit::Panics => panic!("the canary"),
            _ => std::future::pending().await,
        }
    }
}

fn asked(kind: &str, id: &str) -> Asked {
    Asked {
        address: Address::new(
            EnvironmentName::new("test").unwrap(),
            ResourceId::new(id).unwrap(),
        ),
        kind: KindName::new(kind),
        connection: Arc::new(Connection {
            name: ConnectionName::new("here").unwrap(),
            provider: "any".to_owned(),
            settings: Value::Null,
            location: None,
        }),
        identity: Identity(Vec::new()),
        desired: None,
        owned: None,
        depth: Depth::Read,
        is_read: true,
        afresh: false,
        ignore: Vec::new(),
        health: Vec::new(),
    }
}

fn shown(answers: &[Observed]) -> Vec<String> {
    let mut lines: Vec<String> = answers
        .iter()
        .map(|answer| match &answer.observation {
            Observation::Unknown { code, .. } => format!("{} {code}", answer.address),
            Observation::Absent { .. } => format!("{} absent", answer.address),
            Observation::Present(_) => format!("{} present", answer.address),
        })
        .collect();
    lines.sort();
    lines
}

fn registry() -> Registry {
    Registry::new(vec![
        Scripted::boxed("good/one", Habit::Absent),
        Scripted::boxed("mute/one", Habit::Silent),
        Scripted::boxed("mad/one", Habit::Panics),
        Scripted::boxed("slow/one", Habit::Hangs),
        Scripted::boxed("loud/one", Habit::Twice),
    ])
    .with_patience(Patience {
        observe: Duration::from_millis(50),
        each: Duration::from_millis(1),
        longest: Duration::from_millis(50),
        apply: Duration::from_millis(50),
    })
}

#[tokio::test]
async fn every_question_is_answered_once_whatever_providers_do() {
    let questions = [
        asked("good/one", "good"),
        asked("mute/one", "mute"),
        asked("mad/one", "mad"),
        asked("slow/one", "slow"),
        asked("loud/one", "loud"),
        asked("nobody/one", "nobody"),
    ];
    let answers = registry().observe(&questions).await;
    assert_eq!(
        shown(&answers),
        [
            "test/found-on-the-way absent",
            "test/good absent",
            "test/loud absent",
            "test/mad panic",
            "test/mute no-answer",
            "test/nobody no-provider",
            "test/slow timeout",
        ]
    );
}

#[tokio::test]
async fn what_a_provider_does_not_answer_is_told_apart() {
    let moment = Duration::from_millis(50);
    let panics = async { panic!("the canary") };
    assert_eq!(guarded::<()>(moment, panics).await, Err(Silence::Panic));
    let hangs = std::future::pending::<()>();
    assert_eq!(guarded(moment, hangs).await, Err(Silence::Hang(moment)));
    assert_eq!(guarded(moment, async { 7 }).await, Ok(7));
}

#[test]
fn every_row_is_known_by_name() {
    let registry = registry();
    assert_eq!(registry.kinds().iter().count(), 5);
    assert!(registry.kinds().get(&KindName::new("slow/one")).is_some());
}

#[test]
fn no_two_rows_of_this_binary_share_a_name() {
    let rows = crate::provider::all_rows();
    let names: BTreeSet<&KindName> = rows.iter().map(|row| &row.name).collect();
    assert_eq!(names.len(), rows.len());
}

#[tokio::test(start_paused = true)]
async fn many_questions_have_more_time_than_one() {
    let slow = Scripted::boxed("slow/one", Habit::Slow);
    let registry = Registry::new(vec![slow.clone()]).with_untiring(&*slow);
    let questions: Vec<Asked> = (0..4000)
        .map(|nth| asked("slow/one", &format!("r-{nth}")))
        .collect();
    let answers = registry.observe(&questions).await;
    let known = answers.iter().map(|answer| &answer.observation);
    let known = known.filter(|seen| matches!(seen, Observation::Absent { .. }));
    assert_eq!(known.count(), 4000);
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_holds_nobody_up_for_an_hour_however_much_it_is_asked() {
    let registry = Registry::new(vec![Scripted::boxed("slow/one", Habit::Hangs)]);
    let questions: Vec<Asked> = (0..4000)
        .map(|nth| asked("slow/one", &format!("r-{nth}")))
        .collect();
    let begun = tokio::time::Instant::now();
    assert_eq!(registry.observe(&questions).await.len(), 4000);
    assert_eq!(begun.elapsed(), Duration::from_secs(600));
}
