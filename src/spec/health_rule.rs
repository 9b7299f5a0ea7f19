//! `lifecycle.health`: when an object works, in CEL over the live object, for kinds that say it in ways of
//! their own. Read and checked with the spec, once; what it tells of an object is told here too, to
//! whoever looks at objects and knows no expressions.

use super::expression::{self, Content, Datum, Expression, Fuel, MISSING, Names, Stop, Wrong};
use super::template::located;
use crate::model::{Health, HealthRule, Judge, Kind, Value};
use crate::yaml::{Node, Place, Reader};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What an expression begins with.
const ROOT: &str = "object";

/// How many of the fields that a rule reads are told, and how much of each, in characters.
const MOST_SEEN: usize = 4;
const LONGEST_SEEN: usize = 160;

/// Reads `health`: each rule, and where it says what it is for.
pub(super) fn read(node: &Node, reader: &mut Reader) -> Vec<(HealthRule, Place)> {
    reader.list(node, |reader, item| one(item, reader))
}

fn one(node: &Node, reader: &mut Reader) -> Option<(HealthRule, Place)> {
    let mut fields = reader.fields(node, &node.place)?;
    let api_version = fields.get("apiVersion");
    let kind = fields.get("kind");
    let ready = fields.require(reader, "ready");
    let failed = fields.get("failed");
    fields.finish(reader);
    let plain = |node: Option<&Node>, reader: &mut Reader| {
        node.and_then(|node| reader.name(node).map(str::to_owned))
    };
    let ready = ready.and_then(|node| checked(node, reader));
    let failed = failed.and_then(|node| checked(node, reader));
    let place = kind.or(api_version).unwrap_or(node).place.clone();
    let rules = Rules {
        ready: ready?,
        failed,
    };
    let rule = HealthRule {
        api_version: plain(api_version, reader),
        kind: plain(kind, reader),
        ready: rules.ready.text.clone(),
        failed: rules.failed.as_ref().map(|rule| rule.text.clone()),
        judge: Arc::new(rules),
    };
    Some((rule, place))
}

fn checked(node: &Node, reader: &mut Reader) -> Option<Rule> {
    let text = reader.name(node)?;
    if text.trim_start().starts_with("${") {
        let message = "a rule is one expression, and stands without ${ }";
        let error = node.place.error("expression-syntax", message);
        reader.report(error.with_hint("Write it as in object.status.phase == 'Ready'."));
        return None;
    }
    match Rule::parsed(text) {
        Ok(rule) => Some(rule),
        Err(wrong) => {
            let wrong = wrong.into_iter().map(|wrong| located(wrong, &node.place));
            wrong.for_each(|error| reader.report(error));
            None
        }
    }
}

/// Says which rules can mean nothing for a resource of this kind.
pub(super) fn check(
    (node, rules): (&Node, &[HealthRule]),
    (kind, has_members): (&Kind, bool),
    reader: &mut Reader,
) {
    if !kind.is_ruled {
        let message = format!("a {} says itself whether it works", kind.name);
        let error = node.place.error("health-not-here", message);
        reader.report(error.with_hint("Rules are for objects of kubernetes."));
    } else if has_members && rules.iter().any(|rule| rule.kind.is_none()) {
        let message = "which of its objects a rule is for is not said";
        let error = node.place.error("missing-key", message);
        reader.report(error.with_hint("Give each rule a `kind`, as in kind: Database."));
    }
}

/// The two expressions of a rule.
#[derive(Debug)]
struct Rules {
    ready: Rule,
    failed: Option<Rule>,
}

/// One of them.
#[derive(Debug)]
struct Rule {
    text: String,
    expression: Expression,
}

impl Judge for Rules {
    fn judged(&self, object: &Value) -> Health {
        let mut aside = String::new();
        if let Some(failed) = &self.failed {
            match failed.holds(object) {
                Ok(true) => {
                    return Health::Failed(format!(
                        "its rule for failed holds: {}{}\nLook at what its controller says about it.",
                        failed.text,
                        failed.seen(object)
                    ));
                }
                Ok(false) => {}
                Err(wrong) if wrong.code == MISSING => {}
                Err(wrong) => {
                    aside = format!(
                        "; its rule for failed cannot be computed: {}",
                        wrong.message
                    );
                }
            }
        }
        let ready = &self.ready;
        match ready.holds(object) {
            Ok(true) => Health::Ready,
            Ok(false) => Health::Progressing(format!(
                "its rule does not hold yet: {}{}{aside}",
                ready.text,
                ready.seen(object)
            )),
            Err(wrong) => Health::Progressing(format!(
                "its rule cannot be computed yet: {}: {}{aside}",
                ready.text, wrong.message
            )),
        }
    }
}

impl Rule {
    fn parsed(text: &str) -> Result<Self, Vec<Wrong>> {
        Ok(Self {
            text: text.to_owned(),
            expression: expression::parse_over(text, &[ROOT])?,
        })
    }

    fn holds(&self, object: &Value) -> Result<bool, Wrong> {
        match expression::evaluate(&self.expression, &Live(object), &Fuel::full()) {
            // Whether it is ready would tell something of it, to whoever may push a branch.
            Ok(answer) if answer.sealed => Err(Wrong::of_secret()),
            Ok(Datum {
                content: Content::Bool(holds),
                ..
            }) => Ok(holds),
            Ok(other) => {
                let message = format!("it gives {}, neither true nor false", other.content.what());
                Err(Wrong::new("wrong-type", message))
            }
            Err(Stop::Wrong(wrong)) => Err(wrong),
            Err(Stop::Unknown) => Err(Wrong::new(MISSING, "what it reads is not known")),
        }
    }

    /// Says what stands in the fields that it reads.
    fn seen(&self, object: &Value) -> String {
        let chains: BTreeSet<&Vec<String>> = self.expression.chains().collect();
        let told = chains.into_iter().take(MOST_SEEN).map(|chain| {
            let (found, used) = Live(object).find(chain);
            let name = chain.join(".");
            if used < chain.len() {
                return format!("{name} is not there");
            }
            let text = found.masked_json().to_string();
            let short: String = text.chars().take(LONGEST_SEEN).collect();
            let cut = if short.len() < text.len() { "…" } else { "" };
            format!("{name} is {short}{cut}")
        });
        let told: Vec<String> = told.collect();
        match told.as_slice() {
            [] => String::new(),
            told => format!(" ({})", told.join(", ")),
        }
    }
}

/// The names of a rule.
struct Live<'a>(&'a Value);

impl<'a> Live<'a> {
    /// Follows a chain as far as there are fields, and says how many names that took.
    fn find(&self, chain: &[String]) -> (&'a Value, usize) {
        let mut at = self.0;
        for (used, name) in chain.iter().enumerate().skip(1) {
            match at.get(name) {
                Some(next) => at = next,
                None => return (at, used),
            }
        }
        (at, chain.len())
    }
}

impl Names for Live<'_> {
    fn read(&self, chain: &[String]) -> Result<(Datum, usize), Stop> {
        let (found, used) = self.find(chain);
        Ok((Datum::from_value(found)?, used))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
    use serde_json::json;

    fn told(ready: &str, failed: Option<&str>, status: serde_json::Value) -> String {
        let rules = Rules {
            ready: Rule::parsed(ready).unwrap(),
            failed: failed.map(|failed| Rule::parsed(failed).unwrap()),
        };
        let object = json!({ "kind": "Database", "status": status });
        format!("{:?}", rules.judged(&Value::from_json(object)))
    }

    #[test]
    fn a_rule_tells_what_it_saw() {
        let ready = "object.status.phase == 'Ready'";
        let failed = Some("object.status.phase == 'Broken'");
        let all = "object.status.parts.all(p, p.up)";
        insta::assert_snapshot!([
            told(ready, failed, json!({ "phase": "Ready" })),
            told(ready, failed, json!({ "phase": "Pending" })),
            told(ready, failed, json!({ "phase": "Broken" })),
            told(ready, failed, json!({})),
            told(ready, Some("object.status.phase"), json!({ "phase": "Pending" })),
            told(all, None, json!({ "parts": [{ "up": true }, { "up": false }] })),
            told("has(object.status.at)", None, json!(null)),
            told("object.status.phase + 1 == 2", None, json!({ "phase": "x" })),
            told("[1].map(a, object.status.big.map(b, object.status.big)) == []", None, json!({ "big": vec![1; 900] })),
        ].join("\n"), @r#"
        Ready
        Progressing("its rule does not hold yet: object.status.phase == 'Ready' (object.status.phase is \"Pending\")")
        Failed("its rule for failed holds: object.status.phase == 'Broken' (object.status.phase is \"Broken\")\nLook at what its controller says about it.")
        Progressing("its rule cannot be computed yet: object.status.phase == 'Ready': there is no `phase`")
        Progressing("its rule does not hold yet: object.status.phase == 'Ready' (object.status.phase is \"Pending\"); its rule for failed cannot be computed: it gives a text, neither true nor false")
        Progressing("its rule does not hold yet: object.status.parts.all(p, p.up) (object.status.parts is [{\"up\":true},{\"up\":false}])")
        Progressing("its rule cannot be computed yet: has(object.status.at): `at` cannot be read from null")
        Progressing("its rule cannot be computed yet: object.status.phase + 1 == 2: `+` cannot join a text and a whole number")
        Progressing("its rule cannot be computed yet: [1].map(a, object.status.big.map(b, object.status.big)) == []: the expression costs too much to evaluate")
        "#);
    }

    #[test]
    fn a_secret_is_not_told() {
        let secret = Value::Secret(Secret::new("canary"));
        let status = Value::Map([("token".to_owned(), secret)].into_iter().collect());
        let object = Value::Map([("status".to_owned(), status)].into_iter().collect());
        for ready in [
            "object.status.token == 'x'",
            "object.status.token + 1 == 'x'",
        ] {
            let rules = Rules {
                ready: Rule::parsed(ready).unwrap(),
                failed: None,
            };
            let told = format!("{:?}", rules.judged(&object));
            assert!(
                told.starts_with("Progressing") && !told.contains("canary"),
                "{told}"
            );
        }
    }
}
