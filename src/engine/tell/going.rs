//! A run that takes its time is told while it goes on: one message that its end rewrites, and in its thread
//! one answer on how far it is; and why it still waits stands in the ledger. A run that is over at once is told once.

use super::super::waiting::Waiting;
use super::super::{Kept, Reason};
use super::chat::ChatLetter;
use super::{Teller, trouble};
use crate::deliver::render::{About, Going, RunWords, going_slack, most_dangerous, so_far_slack};
use crate::deliver::{Progress, Route};
use crate::model::{Address, Outcome, ResourceId, RunId, Step};
use crate::plan::Plan;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

/// How long a run goes on before it is told.
const AT_ONCE: Duration = Duration::from_secs(5);

/// How often its thread may say how far it is.
const SO_FAR: Duration = Duration::from_secs(15);

/// How long why a run waits gathers before it is written down.
const GATHERED: Duration = Duration::from_millis(500);

/// What happens in a run.
enum Event {
    Begun(Begun),
    Waiting(Address, String),
    Ended(Address, bool),
}

/// A run that begins: what it carries out, beside drift that is put back and told elsewhere.
struct Begun {
    run: RunId,
    /// How many steps are let go.
    steps: usize,
    /// How many of them change what was not changed by hand.
    changes: usize,
    /// The most dangerous of those.
    most: Vec<Step>,
}

/// Watches a run, for the log and for [`Going`].
pub(crate) struct Watched {
    log: Waiting,
    events: Mutex<UnboundedSender<Event>>,
}

/// What comes of watching a run.
pub(crate) struct Watching(UnboundedReceiver<Event>);

/// Makes both ends.
pub(crate) fn watched() -> (Watched, Watching) {
    let (sender, receiver) = unbounded_channel();
    let watched = Watched {
        log: Waiting::default(),
        events: Mutex::new(sender),
    };
    (watched, Watching(receiver))
}

impl Watched {
    fn note(&self, event: Event) {
        if let Ok(events) = self.events.lock() {
            let _nobody_tells = events.send(event);
        }
    }
}

impl Progress for Watched {
    fn begun(&self, run: RunId, plan: &Plan, route: &Route) {
        let lets = |step: &&Step| route.lets(&step.address);
        let going = || plan.steps.iter().filter(lets);
        let changes = || going().filter(|step| !step.is_only_drift());
        self.note(Event::Begun(Begun {
            run,
            steps: going().count(),
            changes: changes().count(),
            most: most_dangerous(changes()),
        }));
    }

    fn waiting(&self, step: &Step, why: &str) {
        self.log.waiting(step, why);
        self.note(Event::Waiting(step.address.clone(), why.to_owned()));
    }

    fn ended(&self, step: &Step, outcome: &Outcome) {
        self.note(Event::Ended(step.address.clone(), outcome.is_good()));
    }
}

/// A run that is told of while it goes on.
struct Told {
    name: String,
    since: Instant,
    going: Going,
    /// True once people know of it.
    is_told: bool,
    /// What is next said, and when.
    next: Instant,
    is_news: bool,
    /// What of it is known to be in the way: that comes with what to do about it.
    causes: BTreeMap<ResourceId, String>,
    /// When they are to be written down.
    write: Option<Instant>,
}

impl Teller {
    /// Tells of a run while it goes on, until its other end is dropped. Returns whether people know of it.
    pub(crate) async fn watch(&self, kept: &Kept, reason: Reason, mut watching: Watching) -> bool {
        let begun = loop {
            match watching.0.recv().await {
                Some(Event::Begun(begun)) => break begun,
                Some(_) => {}
                None => return false,
            }
        };
        let now = Instant::now();
        let mut told = Told {
            name: format!("run/{}/{}", kept.pinned.name(), begun.run),
            since: now,
            going: Going {
                all: begun.steps,
                ..Going::default()
            },
            is_told: false,
            next: now + AT_ONCE,
            is_news: false,
            causes: BTreeMap::new(),
            write: None,
        };
        let is_said = begun.changes > 0 && self.notifier.edits();
        loop {
            let write = told.write.unwrap_or(told.next);
            tokio::select! {
                event = watching.0.recv() => match event {
                    Some(event) => told.take(event),
                    None => return told.is_told,
                },
                () = sleep_until(write), if told.write.is_some() => {
                    told.write = None;
                    let (name, ledger) = (kept.pinned.name(), &self.world.ledger);
                    let written = ledger.set_waits_of(name, begun.run, &told.causes);
                    trouble::log_untold(written.await);
                }
                () = sleep_until(told.next), if is_said => {
                    if told.is_told {
                        self.say_so_far(kept, &mut told).await;
                    } else {
                        self.say_going(kept, reason, &begun, &told.name).await;
                        told.is_told = true;
                    }
                    told.next = Instant::now() + SO_FAR;
                }
            }
        }
    }

    async fn say_going(&self, kept: &Kept, reason: Reason, begun: &Begun, name: &str) {
        let (by, links) = self.made_by(kept).await;
        let about = About {
            by,
            links,
            ..About::default()
        };
        let words = RunWords {
            environment: kept.pinned.name(),
            revision: kept.pinned.revision(),
            run: Some(begun.run),
            trigger: reason.as_str(),
            at: self.world.clock.now(),
        };
        let message = going_slack((begun.changes, &begun.most), &words, &about);
        let letter = self
            .channels
            .letter(kept.pinned.name(), name.to_owned(), message);
        self.chat.put(letter).await;
    }

    async fn say_so_far(&self, kept: &Kept, told: &mut Told) {
        if !std::mem::take(&mut told.is_news) {
            return;
        }
        let message = so_far_slack(&told.going, told.since.elapsed());
        let name = format!("{}/so-far", told.name);
        let letter = ChatLetter {
            answers: Some(told.name.clone()),
            ..self.channels.letter(kept.pinned.name(), name, message)
        };
        self.chat.put(letter).await;
    }
}

impl Told {
    /// Takes in why a resource is not ready, or that it is not waited for any more.
    fn cause(&mut self, resource: &ResourceId, why: Option<&str>) {
        let before = match why.filter(|why| why.contains('\n')) {
            Some(why) => self.causes.insert(resource.clone(), why.to_owned()),
            None => self.causes.remove(resource),
        };
        if self.write.is_none() && before.as_ref() != self.causes.get(resource) {
            self.write = Some(Instant::now() + GATHERED);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Begun(..) => {}
            Event::Waiting(address, why) => {
                self.cause(&address.resource, Some(&why));
                let before = self.going.waits.insert(address, why.clone());
                self.is_news |= before.as_ref() != Some(&why);
            }
            Event::Ended(address, is_good) => {
                self.going.waits.remove(&address);
                self.is_news = true;
                self.cause(&address.resource, None);
                match is_good {
                    true => self.going.good += 1,
                    false => self.going.bad += 1,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EnvironmentName, ResourceId};

    #[test]
    fn how_far_it_is_follows_what_happens() {
        let address = |id: &str| {
            let environment = EnvironmentName::new("shop").unwrap();
            Address::new(environment, ResourceId::new(id).unwrap())
        };
        let mut told = Told {
            name: String::new(),
            since: Instant::now(),
            going: Going::default(),
            is_told: true,
            next: Instant::now(),
            is_news: false,
            causes: BTreeMap::new(),
            write: None,
        };
        told.take(Event::Waiting(address("api"), "1 of 3 pods".to_owned()));
        assert!(std::mem::take(&mut told.is_news));
        told.take(Event::Waiting(address("api"), "1 of 3 pods".to_owned()));
        assert!(!told.is_news, "the same again is no news");
        assert!(told.write.is_none(), "it only takes its time");
        told.take(Event::Waiting(
            address("db"),
            "no room\nMake some".to_owned(),
        ));
        assert!(told.write.take().is_some());
        told.take(Event::Waiting(
            address("db"),
            "no room\nMake some".to_owned(),
        ));
        assert!(told.write.is_none(), "it is written down");
        told.take(Event::Ended(address("api"), true));
        told.take(Event::Ended(address("db"), false));
        assert!(told.is_news && told.going.waits.is_empty());
        assert_eq!((told.going.good, told.going.bad), (1, 1));
    }
}
