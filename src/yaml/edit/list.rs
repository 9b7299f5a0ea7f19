//! A list made like another: what both hold stays where it is written.

use super::splice::{column, line_start, next_line, opens_line};
use super::tree::Tree;
use super::{Slot, Uneditable, Writer};
use serde_json::Value;

/// Comparisons one list may cost; past that only its ends are matched.
const MOST: usize = 1_000_000;

impl Writer<'_> {
    /// Makes a list that holds `was` hold `to`.
    pub(super) fn remake_list(
        &mut self,
        slot: Slot<'_>,
        items: &[Tree],
        was: &[Value],
        to: &[Value],
    ) -> Result<(), Uneditable> {
        if items.is_empty() || to.is_empty() || items.len() != was.len() {
            return self.replace(slot, &Value::from(to.to_vec()));
        }
        let mut gaps = Gaps::default();
        for (nth, other) in kept(was, to) {
            gaps.close(nth, other);
        }
        gaps.close(was.len(), to.len());
        for gap in gaps.all {
            let both = gap.was.len().min(gap.to.len());
            for (nth, other) in gap.was.clone().zip(gap.to.clone()) {
                let inner = self.item_slot(slot.tree, &items[nth]);
                self.set(inner, &was[nth], &to[other])?;
            }
            for nth in gap.was.start + both..gap.was.end {
                self.take_item(slot.tree, items, nth)?;
            }
            let added = &to[gap.to.start + both..gap.to.end];
            self.add_items(slot.tree, items, gap.was.start + both, added)?;
        }
        Ok(())
    }

    /// Takes one item away; another one stays.
    fn take_item(&mut self, list: &Tree, items: &[Tree], nth: usize) -> Result<(), Uneditable> {
        let text = self.text();
        let range = if list.is_flow() {
            match (nth.checked_sub(1), items.get(nth + 1)) {
                // The comma goes with the one before it, so that two that go do not both take it.
                (Some(before), _) => items[before].span.end..items[nth].span.end,
                (None, Some(next)) => items[nth].span.start..next.span.start,
                (None, None) => return Err(Uneditable::Form),
            }
        } else {
            let dash = self.dash(list, items, nth)?;
            line_start(text, dash)..next_line(text, items[nth].span.end)
        };
        self.put(range, String::new());
        Ok(())
    }

    /// Adds items before the one that is the nth now.
    fn add_items(
        &mut self,
        list: &Tree,
        items: &[Tree],
        nth: usize,
        added: &[Value],
    ) -> Result<(), Uneditable> {
        if added.is_empty() {
            return Ok(());
        }
        if !list.is_flow() {
            let text = self.text();
            let at = match nth.checked_sub(1) {
                Some(before) => next_line(text, items[before].span.end),
                None => line_start(text, self.dash(list, items, 0)?),
            };
            let column = column(text, list.span.start);
            let lines = added.iter().map(|item| self.manner.item(item, column));
            let lines: String = lines.collect();
            self.add_lines(at, lines);
            return Ok(());
        }
        for value in added {
            let value = self.manner.flow(value);
            match nth.checked_sub(1) {
                Some(before) => {
                    let with = self.beside(items[before].span.start, &value);
                    let end = items[before].span.end;
                    self.put_more(end, &with);
                }
                None => self.put_more(items[0].span.start, &format!("{value}, ")),
            }
        }
        Ok(())
    }

    /// Returns where an item's dash stands, alone at the beginning of its line.
    fn dash(&self, list: &Tree, items: &[Tree], nth: usize) -> Result<usize, Uneditable> {
        let text = self.text();
        let column_of_list = column(text, list.span.start);
        let dash = match nth.checked_sub(1) {
            None => list.span.start,
            Some(before) => {
                let mut line = next_line(text, items[before].span.end);
                loop {
                    let at = line + column_of_list;
                    let here = text.get(line..at).is_some_and(|s| s.trim().is_empty());
                    if here && text[at..].starts_with('-') {
                        break at;
                    }
                    let next = next_line(text, line + 1);
                    if next <= line || next > items[nth].span.start {
                        return Err(Uneditable::Form);
                    }
                    line = next;
                }
            }
        };
        let is_dash = text[dash..].starts_with('-') && opens_line(text, dash);
        is_dash.then_some(dash).ok_or(Uneditable::Form)
    }
}

/// Ranges of two lists between what both hold.
#[derive(Default)]
struct Gaps {
    all: Vec<Gap>,
    was: usize,
    to: usize,
}

struct Gap {
    was: std::ops::Range<usize>,
    to: std::ops::Range<usize>,
}

impl Gaps {
    fn close(&mut self, was: usize, to: usize) {
        if was > self.was || to > self.to {
            self.all.push(Gap {
                was: self.was..was,
                to: self.to..to,
            });
        }
        (self.was, self.to) = (was + 1, to + 1);
    }
}

/// Returns the places of what both lists hold, in the order of both, as many as there are.
fn kept(was: &[Value], to: &[Value]) -> Vec<(usize, usize)> {
    let alike = |(one, other): &(&Value, &Value)| one == other;
    let head = was.iter().zip(to).take_while(alike).count();
    let (was_rest, to_rest) = (&was[head..], &to[head..]);
    let tail = was_rest.iter().rev().zip(to_rest.iter().rev());
    let tail = tail.take_while(alike).count();
    let (was_rest, to_rest) = (
        &was_rest[..was_rest.len() - tail],
        &to_rest[..to_rest.len() - tail],
    );
    let mut kept: Vec<(usize, usize)> = (0..head).map(|nth| (nth, nth)).collect();
    if was_rest.len().saturating_mul(to_rest.len()) <= MOST {
        let inner = longest(was_rest, to_rest);
        kept.extend(inner.into_iter().map(|(a, b)| (head + a, head + b)));
    }
    kept.extend(
        (0..tail)
            .rev()
            .map(|nth| (was.len() - 1 - nth, to.len() - 1 - nth)),
    );
    kept
}

/// The longest common subsequence.
fn longest(was: &[Value], to: &[Value]) -> Vec<(usize, usize)> {
    let mut length = vec![vec![0_usize; to.len() + 1]; was.len() + 1];
    for a in (0..was.len()).rev() {
        for b in (0..to.len()).rev() {
            length[a][b] = if was[a] == to[b] {
                length[a + 1][b + 1] + 1
            } else {
                length[a + 1][b].max(length[a][b + 1])
            };
        }
    }
    let (mut a, mut b, mut pairs) = (0, 0, Vec::new());
    while a < was.len() && b < to.len() {
        if was[a] == to[b] {
            pairs.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if length[a + 1][b] >= length[a][b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    pairs
}
