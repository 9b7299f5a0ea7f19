//! A plan as the ledger recorded it, long after: its steps and what each changed, as plans show it.

use super::plan::Page;
use super::{Ink, Screen};
use crate::deliver::render::clean;
use crate::deliver::render::lines::{self, Field};
use crate::deliver::render::object::of_resource;
use crate::deliver::render::words::{many, sign, touched_by};
use crate::model::secret::MASK;
use crate::model::value::LATER;
use crate::model::{Action, Hole, Identity, Secret, Value};
use serde_json::Value as Json;

/// Shows the record of a plan: what was held back, each step with what it was to change, and how many
/// resources were as declared. What is not in the record is left out. Ends with a line break.
pub fn recorded_terminal(plan: &Json, screen: Screen) -> String {
    let mut page = Page {
        screen,
        text: String::new(),
    };
    for hold in plan["holds"].as_array().into_iter().flatten() {
        let what = match hold["deletes_only"] == true {
            true => "Deletes held back",
            false => "Held back",
        };
        let line = format!("{what}: {}", clean::line(&said(&hold["reason"])));
        page.line(&screen.paint(Ink::Yellow, &line));
    }
    for step in plan["steps"].as_array().into_iter().flatten() {
        push(&mut page, step);
    }
    let count = plan["unchanged"].as_u64().unwrap_or_default();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    page.line("");
    page.line(&format!("{} as declared.", many(count, "resource")));
    page.text
}

fn push(page: &mut Page, step: &Json) {
    let screen = page.screen;
    let action = serde_json::from_value(step["action"].clone()).unwrap_or(Action::None);
    let address = said(&step["address"]);
    let resource = address
        .split_once('/')
        .map_or(address.as_str(), |(_, id)| id);
    let head = format!("{:>3} {}", sign(action), clean::line(resource));
    let identity = serde_json::from_value(step["identity"].clone());
    let identity = identity.unwrap_or(Identity(Vec::new()));
    let kind = of_resource(&said(&step["kind"]), resource, &identity);
    let kind = format!("  ({})", clean::line(&kind));
    let deed = match action {
        Action::Wait => String::new(),
        _ => format!("  {}", action.as_str()),
    };
    page.line("");
    page.line(&format!(
        " {}{}{}",
        screen.paint(super::ink_of_action(action), &head),
        deed,
        screen.paint(Ink::Dim, &kind)
    ));
    if let Some(reason) = step["reason"].as_str() {
        page.note(reason);
    }
    let touches = step["touched_by"].as_array().into_iter().flatten();
    let touches = touches.filter_map(|touch| {
        let at = touch["at"].as_str().and_then(|at| at.parse().ok());
        Some((touch["by"].as_str()?, at))
    });
    for who in touched_by(touches) {
        page.note(&format!("by {who}"));
    }
    let changes = step["changes"].as_array().map(Vec::as_slice);
    let changes = changes.unwrap_or_default();
    let sides: Vec<[Option<Value>; 3]> = changes
        .iter()
        .map(|change| ["before", "after", "was"].map(|one| side(&change[one])))
        .collect();
    let fields = changes.iter().zip(&sides);
    let fields: Vec<Field<'_>> = fields
        .map(|(change, [before, after, was])| Field {
            path: said(&change["path"]),
            before: before.as_ref(),
            after: after.as_ref(),
            was: was.as_ref(),
            forces_replace: change["forces_replace"] == true,
        })
        .collect();
    page.changes(lines::of_fields(&fields, action));
}

fn said(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns one side of a change; `null` says that there is none.
fn side(json: &Json) -> Option<Value> {
    (!json.is_null()).then(|| unmasked(Value::from_json(json.clone())))
}

/// Makes of what stands for a secret, or for what was not known, what it was: it is shown as it.
fn unmasked(value: Value) -> Value {
    match value {
        Value::String(text) if text == MASK => Value::Secret(Secret::new(text)),
        Value::String(text) if text == LATER => Value::from(Hole {
            template: String::new(),
            needs: std::collections::BTreeSet::new(),
            sensitive: false,
        }),
        Value::List(items) => Value::List(items.into_iter().map(unmasked).collect()),
        Value::Map(fields) => Value::Map(
            fields
                .into_iter()
                .map(|(key, field)| (key, unmasked(field)))
                .collect(),
        ),
        other => other,
    }
}
