//! Steps of a plan as list items and as blocks of diff lines.

use super::escape::{self, code, text};
use super::paper::Names;
use crate::deliver::render::clean;
use crate::deliver::render::lines::{self, Sign};
use crate::deliver::render::object::{alone, kind_and_object};
use crate::deliver::render::words::{deed, sign, touched};
use crate::model::{Action, Step, and_more};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How many addresses with one reason are named.
pub(super) const NAMED: usize = 10;

/// Returns a step as one block: its head, who touched it, its changes.
pub(super) fn block(step: &Step) -> Vec<String> {
    let lead = match step.action {
        Action::Create => "+",
        Action::Delete => "-",
        _ => "!",
    };
    let name = step.address.resource.to_string();
    let mut block = vec![format!(
        "{lead} {} {}  ({})",
        deed(step),
        clean::line(&name),
        clean::line(&kind_and_object(step))
    )];
    let mut note = |note: &str| {
        let notes = note
            .lines()
            .map(|line| format!("#     {}", clean::line(line.trim())));
        block.extend(notes);
    };
    if let Some(reason) = &step.reason {
        note(reason);
    }
    for who in touched(step) {
        note(&format!("by {who}"));
    }
    for (path, owner) in &step.yielded {
        note(&format!("{path} is left to {owner}"));
    }
    for line in lines::changes(step) {
        let sign = match line.sign {
            Sign::Change => "!",
            other => other.as_str(),
        };
        block.push(format!(
            "{sign}     {}{}",
            "  ".repeat(line.depth),
            line.text
        ));
    }
    block
}

/// Returns a step as an item of a list in the open.
pub(super) fn item(step: &Step) -> String {
    let mut item = format!("`{}` {}", sign(step.action), name_and_object(step));
    if step.stateful {
        item.push_str(" **holds data**");
    }
    if let Some(reason) = &step.reason {
        let _infallible = write!(item, " – {}", text(reason));
    }
    item
}

/// Returns a step's address and which live object that is.
fn name_and_object(step: &Step) -> String {
    let address = code(&step.address.to_string());
    match alone(step) {
        Some(object) => format!("{address} ({})", code(&object)),
        None => address,
    }
}

/// Returns steps by what is said of them in the open, those that hold data first, for where no more fits: first with
/// the objects they are about, then by their addresses alone.
pub(super) fn names<'s>(steps: impl Iterator<Item = &'s Step> + Clone) -> [Vec<Names>; 2] {
    [
        named(steps.clone(), name_and_object),
        named(steps, |step| code(&step.address.to_string())),
    ]
}

fn named<'s>(steps: impl Iterator<Item = &'s Step>, name: fn(&Step) -> String) -> Vec<Names> {
    let mut by_what: BTreeMap<(bool, &str), Vec<String>> = BTreeMap::new();
    for step in steps {
        let reason = step.reason.as_deref().unwrap_or("without a reason");
        let names = by_what.entry((!step.stateful, reason)).or_default();
        names.push(name(step));
    }
    let said = |((holds_none, reason), names): ((bool, &str), _)| {
        let data = if holds_none {
            ""
        } else {
            "**holds data** – "
        };
        (format!("{data}{}", text(reason)), names)
    };
    by_what.into_iter().map(said).collect()
}

/// Returns the steps that take away what somebody changed by hand, with the fields and who it was.
pub(super) fn over_hands<'s>(steps: impl Iterator<Item = &'s Step>) -> Vec<String> {
    let item = |step: &Step| {
        let fields: Vec<String> = step
            .lost_by_hand()
            .map(|one| code(&one.path.to_string()))
            .collect();
        if fields.is_empty() {
            return None;
        }
        let shown = and_more(&fields, NAMED);
        let by = match touched(step) {
            by if by.is_empty() => String::new(),
            by => format!(" – by {}", text(&by.join(", "))),
        };
        Some(format!("{}: {shown}{by}", code(&step.address.to_string())))
    };
    steps.filter_map(item).collect()
}

/// Returns steps with their reasons, those with one reason together.
pub(super) fn by_reason<'s>(steps: impl Iterator<Item = (&'s Step, &'s str)>) -> Vec<String> {
    let mut reasons: Vec<&str> = Vec::new();
    let mut named: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (step, reason) in steps {
        let together = named.entry(reason).or_default();
        if together.is_empty() {
            reasons.push(reason);
        }
        together.push(code(&step.address.to_string()));
    }
    let item = |reason: &&str| {
        let shown = and_more(&named[*reason], NAMED);
        format!("{shown} – {}", escape::reason(reason))
    };
    reasons.iter().map(item).collect()
}
