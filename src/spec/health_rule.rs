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
    let mut nth = 0..;
    reader.list(node, |reader, item| {
        let name = format!("lifecycle.health[{}]", nth.next().unwrap_or_default());
        one((item, &name), reader)
    })
}

fn one((node, name): (&Node, &str), reader: &mut Reader) -> Option<(HealthRule, Place)> {
    let mut fields = reader.fields(node, &node.place)?;
    let api_version = fields.get("apiVersion");
    let kind = fields.get("kind");
    let ready = fields.require(reader, "ready");
    let failed = fields.get("failed");
    fields.finish(reader);
    let plain = |node: Option<&Node>, reader: &mut Reader| {
        node.and_then(|node| reader.name(node).map(str::to_owned))
    };
    let ready = ready.and_then(|node| checked((node, format!("{name}.ready")), reader));
    let failed = failed.and_then(|node| checked((node, format!("{name}.failed")), reader));
    let place = kind.or(api_version).unwrap_or(node).place.clone();
    let (ready_text, ready) = ready?;
    let (failed_text, failed) = failed.unzip();
    let rule = HealthRule {
        api_version: plain(api_version, reader),
        kind: plain(kind, reader),
        ready: ready_text,
        failed: failed_text,
        judge: Arc::new(Rules { ready, failed }),
    };
    Some((rule, place))
}

/// Returns a rule with its text.
fn checked((node, name): (&Node, String), reader: &mut Reader) -> Option<(String, Rule)> {
    let text = reader.name(node)?;
    if text.trim_start().starts_with("${") {
        let message = "a rule is one expression, and stands without ${ }";
        let error = node.place.error("expression-syntax", message);
        reader.report(error.with_hint("Write it as in object.status.phase == 'Ready'."));
        return None;
    }
    match Rule::parsed(name, text) {
        Ok(rule) => Some((text.to_owned(), rule)),
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
#[derive(Clone, Debug)]
struct Rules {
    ready: Rule,
    failed: Option<Rule>,
}

/// One of them.
#[derive(Clone, Debug)]
struct Rule {
    /// Where it stands in its resource.
    name: String,
    text: String,
    /// Whether its text is told, and what it names.
    is_quoted: bool,
    expression: Arc<Expression>,
}

impl Judge for Rules {
    fn unquoted(&self) -> Arc<dyn Judge> {
        Arc::new(Self {
            ready: self.ready.unquoted(),
            failed: self.failed.as_ref().map(Rule::unquoted),
        })
    }

    fn judged(&self, object: &Value) -> Health {
        let mut aside = String::new();
        if let Some(failed) = &self.failed {
            match failed.holds(object) {
                Ok(true) => {
                    return Health::Failed(format!(
                        "its rule for failed holds: {}{}\nLook at what its controller says about it.",
                        failed.told(),
                        failed.seen(object)
                    ));
                }
                Ok(false) => {}
                Err(wrong) if wrong.code == MISSING => {}
                Err(wrong) => {
                    aside = format!(
                        "; its rule for failed cannot be computed: {}",
                        failed.wrong(&wrong)
                    );
                }
            }
        }
        let ready = &self.ready;
        match ready.holds(object) {
            Ok(true) => Health::Ready,
            Ok(false) => Health::Progressing(format!(
                "its rule does not hold yet: {}{}{aside}",
                ready.told(),
                ready.seen(object)
            )),
            Err(wrong) => Health::Progressing(format!(
                "its rule cannot be computed yet: {}: {}{}{aside}",
                ready.told(),
                ready.wrong(&wrong),
                ready.seen_beside(object)
            )),
        }
    }
}

impl Rule {
    fn parsed(name: String, text: &str) -> Result<Self, Vec<Wrong>> {
        Ok(Self {
            name,
            text: text.to_owned(),
            is_quoted: true,
            expression: Arc::new(expression::parse_over(text, &[ROOT])?),
        })
    }

    fn unquoted(&self) -> Self {
        Self {
            is_quoted: false,
            ..self.clone()
        }
    }

    fn told(&self) -> &str {
        match self.is_quoted {
            true => &self.text,
            false => &self.name,
        }
    }

    fn wrong(&self, wrong: &Wrong) -> String {
        match &wrong.near {
            _ if self.is_quoted => wrong.message.clone(),
            _ if wrong.code == MISSING => "a field it reads is not there".to_owned(),
            Some(near) => wrong.message.replace(&format!("`{near}`"), "what it names"),
            None => wrong.message.clone(),
        }
    }

    /// Says it where nothing else tells what it reads.
    fn seen_beside(&self, object: &Value) -> String {
        match self.is_quoted {
            true => String::new(),
            false => self.seen(object),
        }
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
            if used < chain.len() && !self.is_quoted {
                return format!("{} has no such field", chain[..used].join("."));
            }
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

    fn rules(ready: &str, failed: Option<&str>) -> Rules {
        let parsed = |name: &str, text: &str| Rule::parsed(name.to_owned(), text).unwrap();
        Rules {
            ready: parsed("health[0].ready", ready),
            failed: failed.map(|failed| parsed("health[0].failed", failed)),
        }
    }

    fn of_status(status: serde_json::Value) -> Value {
        Value::from_json(json!({ "kind": "Database", "status": status }))
    }

    fn told(ready: &str, failed: Option<&str>, status: serde_json::Value) -> String {
        format!("{:?}", rules(ready, failed).judged(&of_status(status)))
    }

    #[test]
    fn what_a_branch_wrote_is_told_by_its_place() {
        let told = |ready: &str, failed: Option<&str>| {
            let status = of_status(json!({ "phase": "Pending" }));
            format!("{:?}", rules(ready, failed).unquoted().judged(&status))
        };
        insta::assert_snapshot!([
            told("object.status.phase == 'guess'", None),
            told("object.status.phase == ''", Some("object.status.phase != 'guess'")),
            told("object.status.guess == ''", None),
            told("object.status.phase == 'guess' && object.guess == ''", None),
            told("object.status.phase.guess == ''", None),
            told("object['guess'] == ''", Some("object.status.guess.x == ''")),
            told("object.status.phase == 1 + 'guess'", None),
        ].join("\n"), @r#"
        Progressing("its rule does not hold yet: health[0].ready (object.status.phase is \"Pending\")")
        Failed("its rule for failed holds: health[0].failed (object.status.phase is \"Pending\")\nLook at what its controller says about it.")
        Progressing("its rule cannot be computed yet: health[0].ready: a field it reads is not there (object.status has no such field)")
        Progressing("its rule does not hold yet: health[0].ready (object has no such field, object.status.phase is \"Pending\")")
        Progressing("its rule cannot be computed yet: health[0].ready: what it names cannot be read from a text (object.status.phase has no such field)")
        Progressing("its rule cannot be computed yet: health[0].ready: a field it reads is not there (object has no such field)")
        Progressing("its rule cannot be computed yet: health[0].ready: `+` cannot join a whole number and a text (object.status.phase is \"Pending\")")
        "#);
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
            let rules = rules(ready, None);
            let told = format!("{:?}", rules.judged(&object));
            assert!(
                told.starts_with("Progressing") && !told.contains("canary"),
                "{told}"
            );
        }
    }
}
