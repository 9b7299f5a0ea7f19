//! A plan on the terminal.

use super::{Ink, Screen, ink_of};
use crate::deliver::render::clean;
use crate::deliver::render::lines::{self, Line, Sign};
use crate::deliver::render::object::kind_and_object;
use crate::deliver::render::words::{Counts, deed, many, quiet, reaches, sign, touched, verdict};
use crate::model::{Action, Step};
use crate::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

/// Shows a plan: what changes, what drifted apart from it, what waits and why, what is left alone
/// and why, and the sum in one line. Ends with a line break.
pub fn plan_terminal(plan: &Plan, screen: Screen) -> String {
    let mut page = Page {
        screen,
        text: String::new(),
    };
    // What changes nothing needs no name to be spoken of.
    let id = match plan.is_empty() {
        true => String::new(),
        false => format!(", plan {}", plan.hash.short()),
    };
    page.line(&format!(
        "{}  {}",
        screen.paint(Ink::Bold, plan.environment.as_str()),
        screen.paint(
            Ink::Dim,
            &format!("at {}{id}", clean::line(&plan.revision.short()))
        )
    ));
    for reach in reaches(plan) {
        let line = format!("  through {}", clean::line(&reach));
        page.line(&screen.paint(Ink::Dim, &line));
    }
    page.steps(None, plan.declared());
    page.steps(Some("Changed outside of Git:"), plan.drift());
    let waits = plan.steps.iter().filter(|step| step.action == Action::Wait);
    let (unknown, waits): (Vec<_>, Vec<_>) = waits.partition(|step| step.unknown.is_some());
    page.steps(Some("Waiting:"), waits.into_iter());
    page.unknown(&unknown);
    page.noted(plan);
    page.holds(plan);
    page.sum(plan);
    page.text
}

pub(super) struct Page {
    pub(super) screen: Screen,
    pub(super) text: String,
}

impl Page {
    pub(super) fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn steps<'s>(&mut self, title: Option<&str>, steps: impl Iterator<Item = &'s Step>) {
        let mut steps = steps.peekable();
        if steps.peek().is_none() {
            return;
        }
        if let Some(title) = title {
            self.line("");
            self.line(&self.screen.paint(Ink::Bold, title));
        }
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &Step) {
        let screen = self.screen;
        let head = format!(
            "{:>3} {}",
            sign(step.action),
            clean::line(&step.address.resource.to_string())
        );
        let what = match step.action {
            Action::Wait => String::new(),
            _ => format!("  {}", deed(step)),
        };
        let kind = kind_and_object(step);
        let kind = screen.paint(Ink::Dim, &format!("  ({})", clean::line(&kind)));
        self.line("");
        self.line(&format!(
            " {}{what}{kind}",
            screen.paint(ink_of(step), &head)
        ));
        if let Some(reason) = &step.reason {
            self.note(reason);
        }
        for who in touched(step) {
            self.note(&format!("by {who}"));
        }
        self.changes(lines::changes(step));
        for (path, owner) in &step.yielded {
            let text = format!("{path} is left to {owner}");
            self.note(&text);
        }
    }

    pub(super) fn changes(&mut self, lines: Vec<Line>) {
        let screen = self.screen;
        for line in lines {
            let ink = match line.sign {
                Sign::Add => Ink::Green,
                Sign::Remove => Ink::Red,
                Sign::Change => Ink::Yellow,
                Sign::Same => Ink::Dim,
            };
            let indent = "    ".repeat(line.depth);
            let sign = screen.paint(ink, line.sign.as_str());
            self.line(&format!("      {indent}{sign} {}", line.text));
        }
    }

    /// What one connection could not tell of several, once.
    fn unknown(&mut self, steps: &[&Step]) {
        if steps.is_empty() {
            return;
        }
        self.line("");
        self.line(&self.screen.paint(Ink::Bold, "Live state unknown:"));
        for (line, together) in by_cause(steps) {
            let [step] = together.as_slice() else {
                let head = format!("{:>3} {}", sign(Action::Wait), clean::line(&line));
                self.line("");
                self.line(&format!(" {}", self.screen.paint(Ink::Yellow, &head)));
                self.note(together[0].unknown.as_deref().unwrap_or_default());
                let ids = together
                    .iter()
                    .map(|step| step.address.resource.to_string());
                let ids: Vec<String> = ids.collect();
                self.note(&ids.join(", "));
                continue;
            };
            self.step(step);
        }
    }

    pub(super) fn note(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let line = format!("# {}", clean::line(line.trim()));
            self.line(&format!("      {}", self.screen.paint(Ink::Dim, &line)));
        }
    }

    /// What nothing is done about though one might think so.
    fn noted(&mut self, plan: &Plan) {
        let quiet = plan.steps.iter().filter(|step| step.action == Action::None);
        let noted: Vec<&Step> = quiet
            .filter(|step| step.reason.is_some() || !step.yielded.is_empty())
            .collect();
        if noted.is_empty() {
            return;
        }
        self.line("");
        self.line(&self.screen.paint(Ink::Bold, "Left as it is:"));
        for step in noted {
            self.line(&format!(
                "     {}",
                clean::line(&step.address.resource.to_string())
            ));
            for reason in step.reason.iter() {
                self.note(reason);
            }
            for (path, owner) in &step.yielded {
                self.note(&format!("{path} is left to {owner}"));
            }
        }
    }

    fn holds(&mut self, plan: &Plan) {
        for hold in &plan.holds {
            let what = if hold.deletes_only {
                "Deletes held back"
            } else {
                "Held back"
            };
            let line = format!("{what}: {}", clean::line(&hold.reason));
            self.line("");
            self.line(&self.screen.paint(Ink::Yellow, &line));
        }
    }

    fn sum(&mut self, plan: &Plan) {
        let counts = Counts::of(&plan.steps);
        let sum = match (plan.is_empty(), counts.none - counts.kept) {
            (true, none) if none > 0 && counts.kept == 0 => {
                format!("No changes: live equals Git ({}).", many(none, "resource"))
            }
            (true, _) => format!("No changes: {}.", quiet(&plan.steps)),
            (false, 0) => format!("Plan: {}.", verdict(plan, &BTreeSet::new())),
            (false, none) => format!(
                "Plan: {}, {none} as declared.",
                verdict(plan, &BTreeSet::new())
            ),
        };
        self.line("");
        self.line(&self.screen.paint(Ink::Bold, &sum));
    }
}

/// Returns steps whose state could not be told, those of one connection and one reason together.
fn by_cause<'s>(steps: &[&'s Step]) -> Vec<(String, Vec<&'s Step>)> {
    let mut groups: BTreeMap<(&str, Option<&str>), Vec<&Step>> = BTreeMap::new();
    for step in steps {
        let cause = (step.connection.name.as_str(), step.unknown.as_deref());
        groups.entry(cause).or_default().push(step);
    }
    let line = |((name, _), steps): ((&str, _), Vec<&'s Step>)| {
        let place = steps[0].connection.location.as_ref();
        let place = place.map_or_else(String::new, |at| format!(" ({}:{})", at.file, at.line));
        let what = many(steps.len(), "resource");
        (
            format!("{what} through the connection {name}{place}"),
            steps,
        )
    };
    groups.into_iter().map(line).collect()
}
