//! Which steps may start now: dependencies, and waves inside a connection. Pure: it is told what was
//! written and what ended, and says what may start and what must be skipped, and why.

use crate::model::{Action, Address, LAST_WAVE, Step};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A group of steps of one connection that run side by side: everything but deletes by rising
/// wave, then deletes by falling wave.
type Turn = (bool, i32);

fn turn(step: &Step) -> Turn {
    match step.action {
        Action::Delete => (true, -step.wave),
        _ => (false, step.wave),
    }
}

/// How many steps of a turn are still to be written, how many have not ended, and for how many of those the turns
/// that wait for its end wait.
#[derive(Debug, Default)]
struct Open {
    unwritten: usize,
    unended: usize,
    unsettled: usize,
}

/// Tells whether a step changes nothing but whose it is: what is not well there was not before either, and is no
/// reason to keep all the others back.
fn only_marks(step: &Step) -> bool {
    step.action == Action::Adopt && step.changes.is_empty()
}

/// Tells whether what comes after a turn waits for its end, and not only until it is written: what others
/// need has to be there first, and what goes has to be gone. That one workload does not become ready is no
/// reason to keep the others' ingresses back.
fn is_waited_for((deletes, wave): Turn) -> bool {
    deletes || wave < 0
}

/// Tells whether a turn begins only when all before it has ended: what lets policy in, and what goes, which
/// something new may take the place of.
fn is_last((deletes, wave): Turn) -> bool {
    deletes || wave >= LAST_WAVE
}

/// Tells whether a step stays undone beside something of its connection that did not end well: what goes may be all
/// that works, and policy whose server does not answer lets nothing in. That policy goes is how both are mended.
fn is_kept_back(step: &Step) -> bool {
    match step.action {
        Action::Delete => step.wave < LAST_WAVE,
        _ => step.wave >= LAST_WAVE,
    }
}

/// The steps of one plan that are carried out, and how far they are.
#[derive(Debug)]
pub(super) struct Order<'a> {
    steps: Vec<&'a Step>,
    index: HashMap<&'a Address, usize>,
    dependants: Vec<Vec<usize>>,
    missing: Vec<usize>,
    ended: Vec<bool>,
    started: Vec<bool>,
    written: Vec<bool>,
    /// Per connection, the turns that have not ended.
    turns: HashMap<&'a str, BTreeMap<Turn, Open>>,
    waiting: HashMap<(&'a str, Turn), Vec<usize>>,
}

impl<'a> Order<'a> {
    /// Lines up steps. Dependencies on steps that are not among them count as met; the caller
    /// has told apart those that can never be met.
    pub(super) fn new(steps: Vec<&'a Step>) -> Self {
        let index: HashMap<&Address, usize> = steps
            .iter()
            .enumerate()
            .map(|(nth, step)| (&step.address, nth))
            .collect();
        let mut order = Self {
            dependants: vec![Vec::new(); steps.len()],
            missing: vec![0; steps.len()],
            ended: vec![false; steps.len()],
            started: vec![false; steps.len()],
            written: vec![false; steps.len()],
            turns: HashMap::new(),
            waiting: HashMap::new(),
            index,
            steps,
        };
        for (nth, step) in order.steps.iter().enumerate() {
            for before in step
                .after
                .iter()
                .filter_map(|address| order.index.get(address))
            {
                if *before != nth {
                    order.dependants[*before].push(nth);
                    order.missing[nth] += 1;
                }
            }
            let connection = step.connection.name.as_str();
            let turns = order.turns.entry(connection).or_default();
            let open = turns.entry(turn(step)).or_default();
            open.unwritten += 1;
            open.unended += 1;
            open.unsettled += 1;
            order
                .waiting
                .entry((connection, turn(step)))
                .or_default()
                .push(nth);
        }
        order
    }

    /// Returns the step at a place.
    pub(super) fn step(&self, nth: usize) -> &'a Step {
        self.steps[nth]
    }

    /// Returns the steps that may start now and have not been given out yet, in plan order.
    pub(super) fn ready(&mut self) -> Vec<usize> {
        let mut ready = BTreeSet::new();
        let begun = self.turns.iter().flat_map(|(connection, turns)| {
            let turns = begun(turns);
            turns.map(|turn| (*connection, turn))
        });
        for place in begun {
            let Some(waiting) = self.waiting.get_mut(&place) else {
                continue;
            };
            waiting.retain(|nth| {
                if self.ended[*nth] || self.started[*nth] {
                    return false;
                }
                let may_start = self.missing[*nth] == 0;
                if may_start {
                    self.started[*nth] = true;
                    ready.insert(*nth);
                }
                !may_start
            });
        }
        self.break_turns_that_cannot_open(&mut ready);
        ready.into_iter().collect()
    }

    /// A dependency may point against the waves (a config map that reads a later object's output).
    /// The dependency wins: where nothing else can move, what has no open dependency goes.
    fn break_turns_that_cannot_open(&mut self, ready: &mut BTreeSet<usize>) {
        let in_flight = self
            .started
            .iter()
            .zip(&self.ended)
            .any(|(started, ended)| *started && !*ended);
        if !ready.is_empty() || in_flight {
            return;
        }
        for nth in 0..self.steps.len() {
            if !self.started[nth] && !self.ended[nth] && self.missing[nth] == 0 {
                self.started[nth] = true;
                ready.insert(nth);
            }
        }
    }

    /// Takes note that a step was written; it may have to become ready yet.
    pub(super) fn wrote(&mut self, nth: usize) {
        if std::mem::replace(&mut self.written[nth], true) {
            return;
        }
        let settles = only_marks(self.steps[nth]);
        if let Some(open) = self.open(nth) {
            open.unwritten -= 1;
            open.unsettled -= usize::from(settles);
        }
    }

    /// Takes note that a step ended. Returns what must be skipped because it did not end well,
    /// each with the reason; those have ended too.
    pub(super) fn end(&mut self, nth: usize, good: bool) -> Vec<(usize, String)> {
        let mut skipped = Vec::new();
        let at_fault = &self.steps[nth].address;
        self.note_end(nth);
        let mut open = vec![nth];
        if !good && self.steps[nth].action != Action::Delete {
            let kept = self.kept_beside(nth);
            let reason = format!("kept: {at_fault} has to work first");
            skipped.extend(kept.iter().map(|kept| (*kept, reason.clone())));
            open.extend(kept);
        }
        while let Some(ended) = open.pop() {
            for dependant in self.dependants[ended].clone() {
                if good {
                    self.missing[dependant] -= 1;
                } else if !self.ended[dependant] {
                    self.note_end(dependant);
                    skipped.push((dependant, format!("{at_fault} did not succeed")));
                    open.push(dependant);
                }
            }
        }
        skipped
    }

    /// Ends what stays undone beside a step that did not end well.
    fn kept_beside(&mut self, nth: usize) -> Vec<usize> {
        let connection = &self.steps[nth].connection.name;
        let is_kept = |other: &usize| {
            let step = self.steps[*other];
            step.connection.name == *connection
                && is_kept_back(step)
                && !self.started[*other]
                && !self.ended[*other]
        };
        let kept: Vec<usize> = (0..self.steps.len()).filter(is_kept).collect();
        for other in &kept {
            self.note_end(*other);
        }
        kept
    }

    fn note_end(&mut self, nth: usize) {
        self.wrote(nth);
        if std::mem::replace(&mut self.ended[nth], true) {
            return;
        }
        let settles = !only_marks(self.steps[nth]);
        if let Some(open) = self.open(nth) {
            open.unended -= 1;
            open.unsettled -= usize::from(settles);
        }
    }

    fn open(&mut self, nth: usize) -> Option<&mut Open> {
        let step = self.steps[nth];
        let turns = self.turns.get_mut(step.connection.name.as_str())?;
        turns.get_mut(&turn(step))
    }

    /// Returns what was never given out and has not ended.
    pub(super) fn unstarted(&self) -> Vec<usize> {
        (0..self.steps.len())
            .filter(|nth| !self.started[*nth] && !self.ended[*nth])
            .collect()
    }
}

/// Returns the turns of one connection that have begun and not ended.
fn begun(turns: &BTreeMap<Turn, Open>) -> impl Iterator<Item = Turn> {
    let (mut is_held, mut all_ended) = (false, true);
    turns.iter().filter_map(move |(turn, open)| {
        let has_begun = !is_held && (all_ended || !is_last(*turn));
        is_held |= !has_begun || open.unwritten > 0 || is_waited_for(*turn) && open.unsettled > 0;
        all_ended &= open.unended == 0;
        (has_begun && open.unended > 0).then_some(*turn)
    })
}

#[cfg(test)]
mod tests;
