//! Which steps may start now: dependencies, and waves inside a connection. Pure: it is told what
//! ended and says what may start and what must be skipped.

use crate::model::{Action, Address, Step};
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

/// The steps of one plan that are carried out, and how far they are.
#[derive(Debug)]
pub(super) struct Order<'a> {
    steps: Vec<&'a Step>,
    index: HashMap<&'a Address, usize>,
    dependants: Vec<Vec<usize>>,
    missing: Vec<usize>,
    ended: Vec<bool>,
    started: Vec<bool>,
    /// Per connection, how many steps of each turn have not ended.
    turns: HashMap<&'a str, BTreeMap<Turn, usize>>,
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
            *order
                .turns
                .entry(connection)
                .or_default()
                .entry(turn(step))
                .or_default() += 1;
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
        for (connection, turns) in &self.turns {
            let Some((turn, _)) = turns.first_key_value() else {
                continue;
            };
            let Some(waiting) = self.waiting.get_mut(&(*connection, *turn)) else {
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

    /// Takes note that a step ended. Returns what must be skipped because it did not end well,
    /// each with the address at fault; those have ended too.
    pub(super) fn end(&mut self, nth: usize, good: bool) -> Vec<(usize, &'a Address)> {
        let mut skipped = Vec::new();
        let at_fault = &self.steps[nth].address;
        self.note_end(nth);
        let mut open = vec![nth];
        while let Some(ended) = open.pop() {
            for dependant in self.dependants[ended].clone() {
                if good {
                    self.missing[dependant] -= 1;
                } else if !self.ended[dependant] {
                    self.note_end(dependant);
                    skipped.push((dependant, at_fault));
                    open.push(dependant);
                }
            }
        }
        skipped
    }

    fn note_end(&mut self, nth: usize) {
        if std::mem::replace(&mut self.ended[nth], true) {
            return;
        }
        let step = self.steps[nth];
        if let Some(turns) = self.turns.get_mut(step.connection.name.as_str())
            && let Some(left) = turns.get_mut(&turn(step))
        {
            *left -= 1;
            if *left == 0 {
                turns.remove(&turn(step));
            }
        }
    }

    /// Returns what was never given out and has not ended.
    pub(super) fn unstarted(&self) -> Vec<usize> {
        (0..self.steps.len())
            .filter(|nth| !self.started[*nth] && !self.ended[*nth])
            .collect()
    }
}

#[cfg(test)]
mod tests;
