//! Rules of `lifecycle.health` that are for no object of their resource: they change nothing, and nobody
//! would see it.

use super::node::Node;
use crate::model::{Diagnostic, HealthRule};
use crate::spec::Declared;
use crate::spec::template::Shape;
use crate::yaml::{Place, nearest};
use std::collections::BTreeSet;

/// The most kinds of a resource's objects that are named.
const MOST_NAMED: usize = 10;

/// What a rule goes by: version and kind of an object.
type Kinds<'n> = BTreeSet<(&'n str, &'n str)>;

/// Returns a warning for each rule that fits no object. Where it is not known what the objects are,
/// nothing is said.
pub(super) fn warnings(declared: &[Declared], nodes: &[Node]) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let with_rules = declared.iter().enumerate();
    for (nth, of) in with_rules.filter(|(_, of)| !of.lifecycle.health.is_empty()) {
        let objects = nodes.iter().filter(|node| node.declared == nth);
        let Some(kinds) = objects.map(kind_of).collect::<Option<Kinds<'_>>>() else {
            continue;
        };
        let rules = of.lifecycle.health.iter().zip(&of.rules);
        let for_none = rules.filter(|(rule, _)| !kinds.iter().any(|kind| fits(rule, *kind)));
        if !kinds.is_empty() {
            warnings.extend(for_none.map(|(rule, place)| for_nothing((rule, place), of, &kinds)));
        }
    }
    warnings
}

/// Returns version and kind of an object, as it declares them.
pub(super) fn kind_of(node: &Node) -> Option<(&str, &str)> {
    let text = |key: &str| match &node.spec.get(key)?.content {
        Shape::Text(text) => Some(text.as_str()),
        _ => None,
    };
    Some((text("apiVersion")?, text("kind")?))
}

fn fits(rule: &HealthRule, (version, kind): (&str, &str)) -> bool {
    let is = |said: &Option<String>, there: &str| said.as_deref().is_none_or(|said| said == there);
    is(&rule.api_version, version) && is(&rule.kind, kind)
}

fn for_nothing(
    (rule, place): (&HealthRule, &Place),
    of: &Declared,
    kinds: &Kinds<'_>,
) -> Diagnostic {
    let any = "any".to_owned();
    let (version, kind) = (
        rule.api_version.as_ref(),
        rule.kind.as_ref().unwrap_or(&any),
    );
    let meant = match version {
        Some(version) => format!("{version} {kind}"),
        None => kind.clone(),
    };
    let message = format!(
        "{} has no object that is {meant}: this rule changes nothing",
        of.id
    );
    let there: BTreeSet<String> = kinds
        .iter()
        .map(|(other, kind)| match version {
            Some(_) => format!("{other} {kind}"),
            None => (*kind).to_owned(),
        })
        .collect();
    let names: Vec<&str> = there.iter().map(String::as_str).collect();
    let near = nearest(&meant, names.iter().copied());
    let hint = match near {
        Some(near) => format!("Did you mean {near}?"),
        None => format!(
            "It has {}.",
            names[..names.len().min(MOST_NAMED)].join(", ")
        ),
    };
    let warning = place.error("rule-for-nothing", message).as_warning();
    warning.with_hint(hint)
}
