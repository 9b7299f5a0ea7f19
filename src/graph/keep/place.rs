//! Where a field stands in what is declared: items of lists by their keys, as the diff names them.

use super::live::written;
use super::shown;
use crate::model::{Change, Segment, Value};
use crate::spec::template::{Shape, Template};
use crate::yaml::edit::Step;

/// Where a field stands, or would.
pub(super) struct Found<'t> {
    /// The way there, from the resource's `spec`.
    pub(super) steps: Vec<Step>,
    /// What is declared there; `None` where nothing is.
    pub(super) declared: Option<&'t Template>,
    /// The innermost map or list on the way that is declared.
    pub(super) holder: &'t Template,
}

/// Finds the field of a change.
///
/// # Errors
/// Why it cannot be told which one is meant.
pub(super) fn find<'t>(spec: &'t Template, change: &Change) -> Result<Found<'t>, String> {
    let unknown = || {
        format!(
            "which item of the list {} is, cannot be told",
            shown(&change.path)
        )
    };
    let mut steps = Vec::new();
    let (mut here, mut holder) = (Some(spec), spec);
    for segment in &change.path.0 {
        if let Some(found) = here {
            holder = found;
        }
        let (step, next) = match (segment, here) {
            (Segment::Key(key), here) => {
                (Step::Key(key.clone()), here.and_then(|here| here.get(key)))
            }
            (_, None) => return Err(unknown()),
            (Segment::Index(nth), Some(here)) => {
                let items = items(here).ok_or_else(unknown)?;
                let is_next = *nth == items.len() && change.after.is_none();
                if !is_next && *nth >= items.len() {
                    return Err(unknown());
                }
                (Step::Nth(*nth), items.get(*nth))
            }
            (Segment::Item(keys), Some(here)) => {
                let items = items(here).ok_or_else(unknown)?;
                let mut fits = items
                    .iter()
                    .enumerate()
                    .filter(|(_, item)| is_item(item, keys));
                match (fits.next(), fits.next()) {
                    (Some((nth, item)), None) => (Step::Nth(nth), Some(item)),
                    (None, _) if change.after.is_none() => (Step::Nth(items.len()), None),
                    _ => return Err(unknown()),
                }
            }
        };
        steps.push(step);
        here = next;
    }
    let by_place = |segment: &Segment| matches!(segment, Segment::Index(_));
    if change.path.0.iter().any(by_place) && !is_declared(here, change.after.as_ref()) {
        return Err(unknown());
    }
    Ok(Found {
        steps,
        declared: here,
        holder,
    })
}

fn items(template: &Template) -> Option<&[Template]> {
    match &template.content {
        Shape::List(items) => Some(items),
        _ => None,
    }
}

/// A place in a list says nothing by itself: what is declared there has to be what the plan says is.
fn is_declared(declared: Option<&Template>, after: Option<&Value>) -> bool {
    match (declared, after) {
        (None, None) => true,
        (Some(declared), Some(after)) => written(declared, true) == after.masked_json(),
        _ => false,
    }
}

/// An item is meant where each key that it declares is as named; one at least.
fn is_item(item: &Template, keys: &[(String, String)]) -> bool {
    let declared: Vec<bool> = keys
        .iter()
        .filter_map(|(field, text)| {
            Some(match &item.get(field)?.content {
                Shape::Text(value) => value == text,
                Shape::Number(value) => value.to_string() == *text,
                Shape::Bool(value) => value.to_string() == *text,
                _ => false,
            })
        })
        .collect();
    !declared.is_empty() && declared.into_iter().all(|same| same)
}
