//! What is secret in an object, on every side: by the kind's row, and wherever a declared value is or
//! was secret. Text of the server is scrubbed by the same knowledge.

use super::error::Failure;
use crate::model::{Asked, Health, Kind, Known, Secret, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use zeroize::Zeroizing;

/// Shorter texts are not looked for in the server's words: they would match by accident.
const SHORTEST: usize = 4;
/// Shorter lines of a secret are not looked for by themselves.
const SHORTEST_LINE: usize = 8;

/// Knows what is secret in one object.
pub(super) struct Sealer<'a> {
    kind: &'a Kind,
    /// Places, with `*` for items of lists: order is no reason to show a secret.
    places: Vec<Vec<String>>,
    texts: Vec<Zeroizing<String>>,
}

impl<'a> Sealer<'a> {
    /// Learns from what is declared, and from what was applied last.
    pub(super) fn new(kind: &'a Kind, asked: &Asked) -> Self {
        let mut sealer = Self::of(kind, asked.desired.as_deref());
        let applied = asked.owned.as_ref().map(|owned| &owned.applied);
        if let Some(applied) = applied.filter(|applied| applied.mentions("$secret")) {
            sealer.learn_applied(&applied.json(), &mut Vec::new());
        }
        sealer
    }

    /// Learns from what is declared.
    pub(super) fn of(kind: &'a Kind, desired: Option<&Value>) -> Self {
        let mut sealer = Self {
            kind,
            places: Vec::new(),
            texts: Vec::new(),
        };
        if let Some(desired) = desired {
            sealer.learn(desired, &mut Vec::new());
        }
        sealer
    }

    fn learn(&mut self, value: &Value, place: &mut Vec<String>) {
        match value {
            Value::Secret(secret) => {
                self.texts.push(Zeroizing::new(secret.expose().to_owned()));
                self.texts
                    .push(Zeroizing::new(STANDARD.encode(secret.expose())));
                // `data` of a Secret is written encoded, and webhooks and pods quote what it means.
                let decoded = STANDARD.decode(secret.expose()).ok();
                let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
                self.texts.extend(decoded.map(Zeroizing::new));
                self.places.push(place.clone());
            }
            Value::Hole(hole) if hole.sensitive => self.places.push(place.clone()),
            Value::Map(fields) => {
                for (key, field) in fields {
                    place.push(key.clone());
                    self.learn(field, place);
                    place.pop();
                }
            }
            Value::List(items) => {
                place.push("*".to_owned());
                for item in items {
                    self.learn(item, place);
                }
                place.pop();
            }
            _ => {}
        }
    }

    /// `applied` is `DigestKey::sealed_json`: a secret stands as `{"$secret": digest}`.
    fn learn_applied(&mut self, value: &Json, place: &mut Vec<String>) {
        match value {
            Json::Object(fields) if fields.contains_key("$secret") => {
                self.places.push(place.clone());
            }
            Json::Object(fields) => {
                for (key, field) in fields {
                    place.push(key.clone());
                    self.learn_applied(field, place);
                    place.pop();
                }
            }
            Json::Array(items) => {
                place.push("*".to_owned());
                for item in items {
                    self.learn_applied(item, place);
                }
                place.pop();
            }
            _ => {}
        }
    }

    /// Seals an object of the server, or a part of it that begins at its root.
    pub(super) fn seal(&self, value: Value) -> Value {
        let value = self.kind.sealed(value);
        let mut value = self
            .places
            .iter()
            .fold(value, |value, place| value.sealed_at(place));
        self.by_text(&mut value);
        value
    }

    /// Seals a secret that was moved to another place, e.g. by a webhook or a rename.
    fn by_text(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.knows(text) => {
                *value = Value::Secret(Secret::new(std::mem::take(text)));
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.by_text(item)),
            Value::Map(fields) => fields.values_mut().for_each(|field| self.by_text(field)),
            _ => {}
        }
    }

    fn knows(&self, text: &str) -> bool {
        self.texts
            .iter()
            .any(|secret| secret.len() >= SHORTEST && text.contains(secret.as_str()))
    }

    /// Takes secrets out of the server's words.
    pub(super) fn scrubbed(&self, mut failure: Failure) -> Failure {
        let known = self.known();
        failure.reason = known.clean(failure.reason);
        for cause in &mut failure.causes {
            cause.message = known.clean(std::mem::take(&mut cause.message));
        }
        failure
    }

    /// Takes secrets out of the reason why something does not work.
    pub(super) fn scrubbed_health(&self, health: Health) -> Health {
        health.reworded(|why| self.scrubbed_words(why))
    }

    /// Takes secrets out of somebody's words, which are not cut yet: half a secret is not found.
    pub(super) fn scrubbed_words(&self, words: String) -> String {
        self.known().clean(words)
    }

    /// Returns the secrets as somebody's words may quote them, a text that holds another before that one.
    pub(super) fn spoken(&self) -> Vec<Zeroizing<String>> {
        self.known().into_texts()
    }

    /// Knows the secrets of this very object, shorter ones too, and each of their lines.
    fn known(&self) -> Known {
        let mut texts = Vec::new();
        for text in self.texts.iter().filter(|text| text.len() >= SHORTEST) {
            texts.push(text.clone());
            let lines = text.lines().map(str::trim);
            let lines = lines.filter(|line| line.len() >= SHORTEST_LINE);
            texts.extend(lines.map(|line| Zeroizing::new(line.to_owned())));
        }
        Known::quoted(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows;
    use super::*;
    use crate::model::Map;
    use proptest::prelude::*;
    use serde_json::json;

    fn desired() -> Value {
        let mut item: Map = Map::new();
        item.insert("name".to_owned(), "DATABASE_URL".into());
        item.insert(
            "value".to_owned(),
            Value::Secret(Secret::new("postgres://canary")),
        );
        let list = |value| Value::List(vec![value]);
        let field = |key: &str, value| Value::Map([(key.to_owned(), value)].into_iter().collect());
        field("spec", field("env", list(Value::Map(item))))
    }

    #[test]
    fn a_secret_is_sealed_on_the_live_side_wherever_it_stands() {
        let rows = rows::rows();
        let sealer = Sealer::of(&rows[0], Some(&desired()));
        let live = json!({ "kind": "Deployment", "spec": { "env": [{ "name": "OTHER", "value": "an older canary" },
            { "name": "DATABASE_URL", "value": "postgres://canary" }] }, "metadata": { "annotations": { "copy": "x=postgres://canary" } } });
        let shown = sealer
            .seal(Value::from_json(live))
            .masked_json()
            .to_string();
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("DATABASE_URL"), "{shown}");
    }

    #[test]
    fn data_of_a_secret_is_sealed_and_of_a_config_map_is_not() {
        let rows = rows::rows();
        let sealer = Sealer::of(&rows[0], None);
        let seal = |kind: &str| {
            sealer
                .seal(Value::from_json(
                    json!({ "kind": kind, "data": { "a": "canary" } }),
                ))
                .masked_json()
                .to_string()
        };
        assert!(!seal("Secret").contains("canary"));
        assert!(seal("ConfigMap").contains("canary"));
    }

    #[test]
    fn the_server_s_words_are_scrubbed() {
        let rows = rows::rows();
        let sealer = Sealer::of(&rows[0], Some(&desired()));
        let failure = sealer.scrubbed(Failure::user(
            "invalid",
            "cannot parse postgres://canary as a number",
        ));
        assert!(!failure.reason.contains("canary"), "{}", failure.reason);
        // What is declared encoded is quoted decoded, too.
        let encoded = Value::Secret(Secret::new(STANDARD.encode("a canary of 2026")));
        let desired = Value::Map([("a".to_owned(), encoded)].into_iter().collect());
        let sealer = Sealer::of(&rows[0], Some(&desired));
        let words = sealer.scrubbed_words("policy denies a canary of 2026 here".to_owned());
        assert!(!words.contains("canary"), "{words}");
    }

    proptest! {
        #[test]
        fn a_secret_of_many_lines_is_scrubbed_however_it_is_quoted_and_cut(
            lines in prop::collection::vec("[ -~]{0,12}canary[ -~]{2,40}", 1..40),
            before in 0_usize..700,
            how in 0_usize..5,
        ) {
            let text = lines.join("\n");
            let desired = Value::Map([("a".to_owned(), Value::Secret(Secret::new(text.as_str())))].into_iter().collect());
            let rows = rows::rows();
            let sealer = Sealer::of(&rows[0], Some(&desired));
            let quote = match how {
                0 => text.clone(),
                1 => format!("{text:?}"),
                2 => Json::from(text.as_str()).to_string(),
                3 => text.split_whitespace().collect::<Vec<_>>().join(" "),
                _ => text.replace('\n', "\n    "),
            };
            let message = format!("{}: cannot parse {quote} of it", "x".repeat(before));
            let body = json!({ "reason": "BadRequest", "message": message }).to_string();
            let failure = sealer.scrubbed(Failure::answered(400, body.as_bytes(), None));
            prop_assert!(!failure.said().contains("canary"), "{}", failure.said());
        }
    }

    #[test]
    fn what_was_secret_when_applied_last_is_sealed_still() {
        let rows = rows::rows();
        let mut sealer = Sealer::of(&rows[0], None);
        sealer.learn_applied(
            &json!({ "spec": { "token": { "$secret": "ab" } } }),
            &mut Vec::new(),
        );
        let shown = sealer
            .seal(Value::from_json(json!({ "spec": { "token": "canary" } })))
            .masked_json()
            .to_string();
        assert!(!shown.contains("canary"), "{shown}");
    }
}
