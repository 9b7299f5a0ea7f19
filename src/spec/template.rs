//! A YAML value with `${…}` in its texts: read once, resolved as often as outputs become known.

use super::expression::{self, Datum, Expression, Fuel, Names, Stop, Wrong};
use crate::model::value::Hole;
use crate::model::{Diagnostic, Map, Secret, Value};
use crate::yaml::{Content, Key, Node, Place, Reader};
use std::collections::BTreeSet;
use std::sync::Arc;

mod text;

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) place: Place,
    pub(crate) content: Shape,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    /// A text without expressions, `$${` undone.
    Text(String),
    /// A text with expressions.
    Computed(Arc<Computed>),
    /// A text with expressions that are not evaluated: they read a secret in a way that is not merged.
    Withheld(Arc<Computed>),
    List(Vec<Template>),
    Map(Vec<(Key, Template)>),
}

/// A text with expressions.
#[derive(Debug)]
pub(crate) struct Computed {
    /// As it was written.
    pub(crate) text: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Expression {
        expression: Expression,
        place: Place,
    },
}

impl Computed {
    /// Tells whether it is one expression and nothing else, so that it keeps its type.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Expression { .. }])
    }

    /// Returns its expressions with their places.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = (&Expression, &Place)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression { expression, place } => Some((expression, place)),
            Part::Text(_) => None,
        })
    }
}

/// What is needed to resolve a template.
pub(crate) trait Scope: Names {
    /// Returns the id of the resource whose output this chain reads, where it is not known yet.
    fn missing(&self, chain: &[String]) -> Option<String>;
    /// Tells whether what this chain reads is a secret.
    fn is_sensitive(&self, chain: &[String]) -> bool;
}

impl Template {
    /// Reads a node; mistakes in its expressions go to the reader.
    pub(crate) fn read(node: &Node, reader: &mut Reader) -> Self {
        let content = match &node.content {
            Content::Null => Shape::Null,
            Content::Bool(value) => Shape::Bool(*value),
            Content::Number(value) => Shape::Number(value.clone()),
            Content::Text(text) => read_text(&text.text, &node.place, reader),
            Content::List(items) => {
                Shape::List(items.iter().map(|item| Self::read(item, reader)).collect())
            }
            Content::Map(entries) => Shape::Map(
                entries
                    .iter()
                    .map(|(key, value)| {
                        refuse_expression_in_key(key, reader);
                        (key.clone(), Self::read(value, reader))
                    })
                    .collect(),
            ),
        };
        Self {
            place: node.place.clone(),
            content,
        }
    }

    /// Takes a node as it is: `${` means nothing in it.
    pub(crate) fn literal(node: &Node) -> Self {
        let content = match &node.content {
            Content::Null => Shape::Null,
            Content::Bool(value) => Shape::Bool(*value),
            Content::Number(value) => Shape::Number(value.clone()),
            Content::Text(text) => Shape::Text(text.text.clone()),
            Content::List(items) => Shape::List(items.iter().map(Self::literal).collect()),
            Content::Map(entries) => Shape::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::literal(value)))
                    .collect(),
            ),
        };
        Self {
            place: node.place.clone(),
            content,
        }
    }

    /// Returns one field of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Shape::Map(entries) => entries
                .iter()
                .find(|(name, _)| name.text == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// Returns what it is, for people.
    pub(crate) fn what(&self) -> &'static str {
        match &self.content {
            Shape::Null => "nothing",
            Shape::Bool(_) => "a boolean",
            Shape::Number(_) => "a number",
            Shape::Text(_) | Shape::Computed(_) | Shape::Withheld(_) => "a text",
            Shape::List(_) => "a list",
            Shape::Map(_) => "a map",
        }
    }

    /// Calls `visit` on every text with expressions.
    pub(crate) fn walk<'t>(&'t self, visit: &mut impl FnMut(&'t Computed)) {
        match &self.content {
            Shape::Computed(computed) | Shape::Withheld(computed) => visit(computed),
            Shape::List(items) => items.iter().for_each(|item| item.walk(visit)),
            Shape::Map(entries) => entries.iter().for_each(|(_, value)| value.walk(visit)),
            _ => {}
        }
    }

    /// Gives the value as far as it is known: holes where it is not, and where an expression is
    /// wrong, which also goes to `wrong`.
    pub(crate) fn resolve(
        &self,
        scope: &dyn Scope,
        fuel: &Fuel,
        wrong: &mut Vec<Diagnostic>,
    ) -> Value {
        match &self.content {
            Shape::Null => Value::Null,
            Shape::Bool(value) => Value::Bool(*value),
            Shape::Number(value) => Value::Number(value.clone()),
            Shape::Text(text) => Value::String(text.clone()),
            Shape::Computed(computed) => computed.resolve(scope, fuel, wrong),
            Shape::Withheld(computed) => Hole {
                sensitive: true,
                ..computed.hole(scope)
            }
            .into(),
            Shape::List(items) => Value::List(
                items
                    .iter()
                    .map(|item| item.resolve(scope, fuel, wrong))
                    .collect(),
            ),
            Shape::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.text.clone(), value.resolve(scope, fuel, wrong)))
                    .collect::<Map>(),
            ),
        }
    }
}

impl Computed {
    fn resolve(&self, scope: &dyn Scope, fuel: &Fuel, wrong: &mut Vec<Diagnostic>) -> Value {
        let mut text = String::new();
        let mut sealed = false;
        let mut known = true;
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Expression { expression, place } => {
                    let value = expression::evaluate(expression, scope, fuel)
                        .and_then(|datum| self.joined(datum, &mut text, &mut sealed));
                    match value {
                        Ok(Some(value)) => return value,
                        Ok(None) => {}
                        Err(Stop::Unknown) => known = false,
                        Err(Stop::Wrong(mistake)) => {
                            known = false;
                            wrong.push(located(mistake, place));
                        }
                    }
                }
            }
        }
        match (known, sealed) {
            (false, _) => self.hole(scope).into(),
            (true, true) => Value::Secret(Secret::new(text)),
            (true, false) => Value::String(text),
        }
    }

    /// Returns the value of a whole-text expression, or joins a part's text to those before.
    fn joined(
        &self,
        datum: Datum,
        text: &mut String,
        sealed: &mut bool,
    ) -> Result<Option<Value>, Stop> {
        let what = datum.content.what();
        // Its type may hang on the secret.
        let of_secret = datum.touches_secret().then(Wrong::of_secret);
        if self.is_whole() {
            let refuse = || Wrong::new("wrong-type", format!("{what} cannot stand in a spec"));
            let hint = "Turn it into a text: string(…) or base64.encode(…).";
            let value = datum.into_value();
            return Ok(Some(value.ok_or_else(|| {
                of_secret.unwrap_or_else(|| refuse().with_hint(hint))
            })?));
        }
        *sealed |= of_secret.is_some();
        match datum.as_text() {
            Some(part) => text.push_str(&part),
            None => {
                let message = format!("{what} cannot stand inside a text");
                let wrong = Wrong::new("wrong-type", message);
                let wrong = wrong.with_hint("Use json.encode(…) or join(…).");
                return Err(of_secret.unwrap_or(wrong).into());
            }
        }
        Ok(None)
    }

    fn hole(&self, scope: &dyn Scope) -> Hole {
        let chains = || {
            self.expressions()
                .flat_map(|(expression, _)| expression.chains())
        };
        let needs: BTreeSet<String> = chains().filter_map(|chain| scope.missing(chain)).collect();
        Hole {
            template: self.text.clone(),
            needs,
            sensitive: chains().any(|chain| scope.is_sensitive(chain)),
        }
    }
}

fn read_text(text: &str, place: &Place, reader: &mut Reader) -> Shape {
    let pieces = match text::pieces(text) {
        Ok(pieces) => pieces,
        Err(rest) => {
            let at = place.find(rest, 0);
            let error = at.error("unclosed-expression", "`${` is not closed by `}`");
            reader.report(error.with_hint("Write $${ where the text ${ is meant."));
            return Shape::Text(text.to_owned());
        }
    };
    let mut parts = Vec::new();
    let mut after = 0;
    for piece in pieces {
        match piece {
            text::Piece::Text(plain) => parts.push(Part::Text(plain)),
            text::Piece::Expression(source) => {
                let whole = format!("${{{source}}}");
                let found = place.find(&whole, after);
                let at = found.find(source, 2);
                if found.written() == whole {
                    after = place.offset_of(&found).unwrap_or(0) + whole.len();
                }
                match expression::parse(source) {
                    Ok(expression) => parts.push(Part::Expression {
                        expression,
                        place: at,
                    }),
                    Err(mistakes) => {
                        for mistake in mistakes {
                            reader.report(located(mistake, &at));
                        }
                    }
                }
            }
        }
    }
    match parts.as_slice() {
        [] => Shape::Text(String::new()),
        [Part::Text(plain)] => Shape::Text(plain.clone()),
        _ => Shape::Computed(Arc::new(Computed {
            text: text.to_owned(),
            parts,
        })),
    }
}

/// Gives a mistake its place: the part it names, or the whole expression.
pub(crate) fn located(wrong: Wrong, place: &Place) -> Diagnostic {
    let at = match &wrong.near {
        Some(near) => place.find(near, 0),
        None => place.clone(),
    };
    let error = at.error(wrong.code, wrong.message);
    match wrong.hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn refuse_expression_in_key(key: &Key, reader: &mut Reader) {
    if key.text.contains("${") && !key.text.contains("$${") {
        let error = key
            .place
            .error("expression-in-key", "an expression cannot stand in a key");
        reader.report(error.with_hint("Write the key out."));
    }
}
