//! What waits, what is refused, and what a kill or a ledger that cannot be read does to it.

use super::broken::Broken;
use super::*;
use crate::deliver::notify::NotifyError;
use serde::Deserialize;
use tokio::sync::mpsc;

/// What it is about, which of its states, and where it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Words(String, u8, String);

impl Letter for Words {
    fn name(&self) -> &str {
        &self.0
    }

    fn way(&self) -> &str {
        &self.2
    }
}

fn words(name: &str, nth: u8) -> Words {
    to("", name, nth)
}

fn to(way: &str, name: &str, nth: u8) -> Words {
    Words(name.to_owned(), nth, way.to_owned())
}

/// Tells what it is asked to bring, and does as it is told.
struct Scripted {
    asked: mpsc::UnboundedSender<Words>,
    answers: tokio::sync::Mutex<mpsc::UnboundedReceiver<Result<(), NotifyError>>>,
}

#[async_trait]
impl Carrier for Scripted {
    type Letter = Words;
    type Error = NotifyError;

    fn place(&self) -> String {
        "slack".to_owned()
    }

    fn kept(&self) -> String {
        "waiting".to_owned()
    }

    fn fate(&self, error: &NotifyError) -> Fate {
        match error {
            NotifyError::Later(_) => Fate::Later,
            NotifyError::Refused(_) => Fate::Refused,
            _ => Fate::Lost,
        }
    }

    fn pauses(&self) -> Pauses {
        Pauses {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(40),
        }
    }

    async fn deliver(&self, letter: &Words) -> Result<(), NotifyError> {
        self.asked.send(letter.clone()).unwrap();
        self.answers.lock().await.recv().await.unwrap()
    }
}

/// An outbox, what its carrier is asked to bring, what it is to answer, and what people see.
struct Scene {
    outbox: Outbox<Words>,
    asked: mpsc::UnboundedReceiver<Words>,
    answer: mpsc::UnboundedSender<Result<(), NotifyError>>,
    readiness: Readiness,
}

impl Scene {
    fn start(ledger: &Ledger) -> Self {
        let (asked_sender, asked) = mpsc::unbounded_channel();
        let (answer, answers) = mpsc::unbounded_channel();
        let carrier = Scripted {
            asked: asked_sender,
            answers: tokio::sync::Mutex::new(answers),
        };
        let readiness = Readiness::new();
        Self {
            outbox: Outbox::start(carrier, ledger.clone(), readiness.clone()),
            asked,
            answer,
            readiness,
        }
    }

    async fn asks(&mut self, expected: Words) {
        assert_eq!(self.asked.recv().await, Some(expected));
    }

    async fn brings(&mut self, expected: Words) {
        self.asks(expected).await;
        self.answer.send(Ok(())).unwrap();
    }

    async fn meets(&mut self, expected: Words, error: NotifyError) {
        self.asks(expected).await;
        self.answer.send(Err(error)).unwrap();
    }

    /// Kills the one that delivers.
    async fn kill(self) {
        let worker = self.outbox.worker.lock().unwrap().take().unwrap();
        worker.abort();
        assert!(worker.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test]
async fn letters_go_in_order_the_newest_of_each_name_and_a_kill_loses_none() {
    let ledger = Ledger::in_memory().await.unwrap();
    let mut scene = Scene::start(&ledger);
    scene.outbox.put(words("a", 1)).await;
    scene.asks(words("a", 1)).await;
    // While the first is under way: more, and something newer in its own place.
    scene.outbox.put(words("b", 1)).await;
    scene.outbox.put(words("a", 2)).await;
    scene.outbox.put(words("b", 2)).await;
    scene.answer.send(Err(NotifyError::Later(503))).unwrap();
    // What does not fit is not tried again. The next is under way when the process is killed.
    let unfit = NotifyError::Unfit("no".to_owned());
    scene.meets(words("a", 2), unfit).await;
    scene.asks(words("b", 2)).await;
    scene.kill().await;

    let mut scene = Scene::start(&ledger);
    scene.outbox.put(words("c", 1)).await;
    scene.brings(words("b", 2)).await;
    scene.brings(words("c", 1)).await;
    scene.outbox.drain().await;
    let kept = ledger.waiting("waiting").await.unwrap();
    assert_eq!(kept, Some(serde_json::json!([])));
}

#[tokio::test]
async fn what_is_refused_is_kept_and_shown_and_holds_up_nothing_else() {
    let ledger = Ledger::in_memory().await.unwrap();
    let mut scene = Scene::start(&ledger);
    let refused = || NotifyError::Refused("channel_not_found".to_owned());
    scene.outbox.put(to("#typo", "a", 1)).await;
    scene.meets(to("#typo", "a", 1), refused()).await;
    scene.outbox.put(to("#infra", "b", 1)).await;
    scene.brings(to("#infra", "b", 1)).await;
    // Slowly again, and again in vain.
    scene.meets(to("#typo", "a", 1), refused()).await;
    let shown = &scene.readiness.troubles()["slack #typo"];
    assert!(shown.contains("channel_not_found"), "{shown}");
    let conditions = ledger.conditions().await.unwrap();
    assert_eq!(conditions["slack #typo"]["code"], "slack-refused");
    scene.asks(to("#typo", "a", 1)).await;
    scene.kill().await;

    let mut scene = Scene::start(&ledger);
    scene.brings(to("#typo", "a", 1)).await;
    scene.outbox.drain().await;
    assert!(scene.readiness.troubles().is_empty());
    assert!(ledger.conditions().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_goes_elsewhere_now_leaves_no_trouble_behind() {
    let ledger = Ledger::in_memory().await.unwrap();
    let mut scene = Scene::start(&ledger);
    let refused = NotifyError::Refused("channel_not_found".to_owned());
    scene.outbox.put(to("#typo", "a", 1)).await;
    scene.meets(to("#typo", "a", 1), refused).await;
    let elsewhere = |letter: &mut Words| {
        letter.2 = "#infra".to_owned();
        true
    };
    // Under way to the old place perhaps, for a last time.
    scene.outbox.amend(elsewhere).await;
    let mut next = scene.asked.recv().await.unwrap();
    if next.2 == "#typo" {
        let refused = NotifyError::Refused("channel_not_found".to_owned());
        scene.answer.send(Err(refused)).unwrap();
        next = scene.asked.recv().await.unwrap();
    }
    assert_eq!(next, to("#infra", "a", 1));
    scene.answer.send(Ok(())).unwrap();
    scene.outbox.drain().await;
    assert!(scene.readiness.troubles().is_empty());
    assert!(ledger.conditions().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_not_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    let mut scene = Scene::start(&ledger);
    scene.outbox.put(words("a", 1)).await;
    scene.asks(words("a", 1)).await;
    scene.outbox.put(words("b", 1)).await;
    scene.kill().await;

    let file = Broken::of(&path).await;
    file.take_away().await;
    let mut scene = Scene::start(&ledger);
    scene.outbox.put(words("b", 2)).await;
    scene.outbox.put(words("c", 1)).await;
    file.bring_back().await;
    for expected in [words("a", 1), words("b", 2), words("c", 1)] {
        scene.brings(expected).await;
    }
    scene.outbox.drain().await;
    let kept = ledger.waiting("waiting").await.unwrap();
    assert_eq!(kept, Some(serde_json::json!([])));
}
