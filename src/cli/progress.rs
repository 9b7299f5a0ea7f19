//! Progress of a run on stderr: a line for each step that ends, and for each cause that one is not ready for, with what
//! to do about it; on a terminal one more line that is rewritten while it waits.

use crate::deliver::Progress;
use crate::deliver::render::{Screen, ended_terminal, waiting_terminal};
use crate::model::{Action, Outcome, Step};
use console::Term;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Shows how far a run is.
pub(super) struct Steps {
    term: Term,
    screen: Screen,
    under_way: Mutex<BTreeMap<String, UnderWay>>,
}

/// A step under way.
struct UnderWay {
    since: Instant,
    /// What it waits for, in one line.
    why: String,
    /// What to do about it, as it was said last. Of the same cause this stays while its words count on.
    next: String,
}

impl Steps {
    /// Watches nothing yet.
    pub(super) fn new() -> Self {
        Self {
            term: Term::stderr(),
            screen: Screen {
                colour: console::colors_enabled_stderr(),
                ..Screen::default()
            },
            under_way: Mutex::default(),
        }
    }

    /// Rewrites the last line of a terminal: how many steps are under way, and one that waits.
    fn show(&self, under_way: &BTreeMap<String, UnderWay>) {
        if !self.term.is_term() {
            return;
        }
        let longest = under_way.iter().max_by_key(|(_, one)| one.since.elapsed());
        let Some((name, UnderWay { since, why, .. })) = longest else {
            return;
        };
        let others = match under_way.len() {
            0 | 1 => String::new(),
            more => format!(" (and {} more)", more - 1),
        };
        let line = format!("  … {name}: {why} [{}s]{others}", since.elapsed().as_secs());
        let width = usize::from(self.term.size().1).saturating_sub(1);
        let _nobody_listens = self
            .term
            .write_str(&console::truncate_str(&line, width, "…"));
    }

    fn change(&self, what: impl FnOnce(&mut BTreeMap<String, UnderWay>) -> Option<String>) {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.term.is_term() {
            let _nobody_listens = self.term.clear_line();
        }
        if let Some(line) = what(&mut under_way) {
            let _nobody_listens = self.term.write_line(&line);
        }
        self.show(&under_way);
    }
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "updating",
        Action::Replace => "replacing",
        Action::Delete => "deleting",
        Action::Adopt => "adopting",
        Action::Wait | Action::None => "looking",
    }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

impl Progress for Steps {
    fn started(&self, step: &Step) {
        self.change(|under_way| {
            let begun = UnderWay {
                since: Instant::now(),
                why: verb(step.action).to_owned(),
                next: String::new(),
            };
            under_way.insert(step.address.resource.to_string(), begun);
            None
        });
    }

    fn waiting(&self, step: &Step, why: &str) {
        self.change(|under_way| {
            let name = step.address.resource.to_string();
            let one = under_way.get_mut(&name)?;
            one.why = one_line(why);
            // What only takes its time comes without.
            let (cause, next) = why.split_once('\n')?;
            if one.next == next {
                return None;
            }
            next.clone_into(&mut one.next);
            Some(waiting_terminal(&name, (cause, next), self.screen))
        });
    }

    fn ended(&self, step: &Step, outcome: &Outcome) {
        self.change(|under_way| {
            let name = step.address.resource.to_string();
            let took = under_way.remove(&name).map(|one| one.since.elapsed());
            Some(ended_terminal(
                &name,
                step.action,
                outcome,
                took,
                self.screen,
            ))
        });
    }
}
