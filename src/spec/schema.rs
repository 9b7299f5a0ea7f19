//! The JSON Schema of an environment, for editors: completes and explains every key.

use super::API_VERSION;
use crate::model::{Kind, Kinds};
use serde_json::{Map, Value, json};

mod kinds;

/// Returns the schema (2020-12) of environments and layers, with the fields of every kind.
pub fn schema(kinds: &Kinds) -> Value {
    let rows: Vec<Kind> = kinds.iter().map(|kind| kind.as_ref().clone()).collect();
    let mut root = object(
        "What infrastructure an environment consists of, and how it is kept.",
        &["apiVersion", "kind", "spec"],
        [
            (
                "apiVersion",
                json!({ "const": API_VERSION, "description": "The version of this format." }),
            ),
            (
                "kind",
                json!({
                    "enum": ["Environment", "Layer"],
                    "description": "An environment, or a layer that environments extend.",
                }),
            ),
            ("metadata", metadata()),
            ("spec", spec(kinds, &rows)),
        ],
    );
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("Environment of reconciled");
    root["if"] = json!({ "properties": { "kind": { "const": "Environment" } } });
    root["then"] =
        json!({ "required": ["metadata"], "properties": { "metadata": { "required": ["name"] } } });
    root["$defs"] = kinds::definitions(kinds, &rows);
    root
}

/// A map with known keys; a `null` in one of them removes what a layer says.
fn object<const N: usize>(about: &str, required: &[&str], keys: [(&str, Value); N]) -> Value {
    let properties: Map<String, Value> = keys
        .into_iter()
        .map(|(key, schema)| (key.to_owned(), schema))
        .collect();
    let mut schema = json!({
        "type": ["object", "null"],
        "description": about,
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["type"] = json!("object");
        schema["required"] = json!(required);
    }
    schema
}

fn map_of(about: &str, names: &str, each: Value) -> Value {
    json!({
        "type": ["object", "null"],
        "description": about,
        "propertyNames": { "pattern": names },
        "additionalProperties": each,
    })
}

fn text(about: &str) -> Value {
    json!({ "type": ["string", "null"], "description": about })
}

fn flag(about: &str, default: bool) -> Value {
    json!({ "type": ["boolean", "null"], "description": about, "default": default })
}

fn duration(about: &str) -> Value {
    json!({ "type": ["string", "null"], "pattern": "^([0-9]+(ms|s|m|h|d))+$", "description": about, "examples": ["90s", "5m", "1h30m"] })
}

fn words(about: &str, words: &[(&str, &str)], default: &str) -> Value {
    let each: Vec<Value> = words
        .iter()
        .map(|(word, about)| json!({ "const": word, "description": about }))
        .collect();
    json!({ "description": about, "default": default, "oneOf": each })
}

pub(super) const NAME: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
const IDENTIFIER: &str = "^[A-Za-z_][A-Za-z0-9_]{0,62}$";

fn metadata() -> Value {
    object(
        "Who this is.",
        &[],
        [
            (
                "name",
                json!({ "type": "string", "pattern": NAME, "description": "The environment's name, unique over all repositories of one daemon." }),
            ),
            (
                "labels",
                map_of(
                    "Become labels or tags of every resource whose kind has them; what a resource declares itself wins.",
                    ".",
                    text("A plain text."),
                ),
            ),
        ],
    )
}

fn spec(kinds: &Kinds, rows: &[Kind]) -> Value {
    object(
        "What the environment declares.",
        &[],
        [
            (
                "extends",
                json!({
                    "type": ["array", "null"],
                    "items": { "type": "string" },
                    "description": "Files below this one, relative to it. They are merged by key: the later one wins, this file over all of them; null removes, lists are replaced.",
                    "examples": [["../bases/shop.yaml"]],
                }),
            ),
            (
                "vars",
                map_of(
                    "Values for expressions: ${vars.<name>}. They can read vars, secrets and metadata.",
                    IDENTIFIER,
                    json!({ "description": "Any value." }),
                ),
            ),
            (
                "secrets",
                map_of(
                    "Where each secret lives, never its value. Read with ${secrets.<name>}; whatever it becomes part of is sensitive too.",
                    IDENTIFIER,
                    secret(),
                ),
            ),
            (
                "connections",
                map_of(
                    "Where providers reach: a cluster, an account, a machine.",
                    NAME,
                    kinds::connection(kinds, rows),
                ),
            ),
            ("reconcile", reconcile()),
            ("notify", notify()),
            (
                "resources",
                map_of(
                    "What there has to be, each under an id that is unique here.",
                    NAME,
                    json!({ "$ref": "#/$defs/resource" }),
                ),
            ),
        ],
    )
}

fn notify() -> Value {
    let [channels, mention] = crate::yaml::notify::told();
    let slack = text("The Slack channel, as in \"#infra\".");
    object("Who is told.", &[], [("slack", slack), channels, mention])
}

fn secret() -> Value {
    object(
        "Where it lives.",
        &[],
        [
            (
                "env",
                text("An environment variable of the daemon, by name."),
            ),
            (
                "file",
                text(
                    "A file on the daemon's machine; one trailing line break is not part of the value.",
                ),
            ),
            (
                "sops",
                text(
                    "A file of the repository (.yaml, .json, .env) that SOPS encrypted for the daemon's age key, relative to this one.",
                ),
            ),
            (
                "key",
                text(
                    "With sops: the value's path in the file, with dots, as in database.password.",
                ),
            ),
            ("kubernetes", cluster_secret()),
        ],
    )
}

fn cluster_secret() -> Value {
    object(
        "A value of a Secret of a cluster, read anew at the start of each run. What is made of it waits where it cannot be read.",
        &["name", "key"],
        [
            (
                "connection",
                text(
                    "The connection it is read through; may be left out where one is of kubernetes.",
                ),
            ),
            (
                "namespace",
                text("The Secret's namespace. That of the connection unless said otherwise."),
            ),
            ("name", text("The Secret's name.")),
            (
                "key",
                text(
                    "The key in the Secret's data. Its value has to be UTF-8 text, and is taken whole.",
                ),
            ),
        ],
    )
}

fn reconcile() -> Value {
    let drift_interval = json!({
        "type": ["string", "null"],
        "description": "How often drift is looked for and acted on, where that differs from interval: a duration, or five cron fields in UTC.",
        "examples": ["1h", "0 6 * * *"],
    });
    let interval =
        "How often it is compared with what is live, at the latest. 5m unless said otherwise.";
    let paused = json!({
        "description": "Why nothing is changed at present. Looking goes on: drift is found and shown.",
        "oneOf": [{ "type": "string" }, { "const": false }, { "type": "null" }],
    });
    let protect = json!({
        "type": ["array", "null"],
        "items": { "type": "string" },
        "description": "Kinds that are never deleted and never replaced, beside those that hold data. A kind is written as `reconciled explain` lists it (host/file), or objects of clusters by their own: Kind, of whatever group, or Kind.group, of this one alone, and never with a version (Deployment.apps, Certificate.cert-manager.io). Case counts. A resource lets go with lifecycle.protect: false.",
        "examples": [["digitalocean/domain-record", "Secret", "Certificate.cert-manager.io"]],
    });
    let prune = "Whether what is no longer declared is deleted.";
    let destroy =
        "Takes the whole environment down: a plan of deletes that is reviewed like any other.";
    object(
        "How the environment wants to be kept.",
        &[],
        [
            ("onMerge", on_merge()),
            ("onDrift", on_drift()),
            ("onFailure", on_failure()),
            ("interval", duration(interval)),
            ("driftInterval", drift_interval),
            ("windows", windows()),
            ("prune", flag(prune, true)),
            ("deletionBudget", deletion_budget()),
            ("protect", protect),
            ("paused", paused),
            ("destroy", flag(destroy, false)),
        ],
    )
}

fn on_merge() -> Value {
    let each = [
        ("apply", "It is applied."),
        (
            "propose",
            "It is asked for by a pull request that adds an approval; merging that applies exactly its plan.",
        ),
        ("observe", "It is only told."),
    ];
    words("What a merged change does.", &each, "apply")
}

fn on_drift() -> Value {
    let each = [
        ("correct", "It is put back."),
        (
            "propose",
            "It is asked about by a pull request that writes what is live into the specs: merging keeps it, closing puts it back.",
        ),
        ("report", "It is only told."),
    ];
    words(
        "What a difference does that nobody merged.",
        &each,
        "report",
    )
}

fn on_failure() -> Value {
    let each = [
        ("retry", "It is tried again."),
        (
            "rollback",
            "The environment is put back to the state that last went well, until Git says something new: at the end of `lifecycle.deadline`, or at once where the failure is final (a Job that failed, a Deployment past its progressDeadlineSeconds). What may still heal until then is waited for.",
        ),
    ];
    words(
        "What a merged change does that does not become ready in time.",
        &each,
        "retry",
    )
}

fn windows() -> Value {
    let cron = json!({
        "type": "string",
        "description": "When it opens: minute, hour, day of month, month, day of week.",
        "examples": ["0 9 * * 1-5"],
    });
    let timezone = json!({
        "type": "string",
        "description": "A zone of the IANA database.",
        "default": "UTC",
        "examples": ["Europe/Berlin"],
    });
    let keys = [
        ("cron", cron),
        ("for", duration("How long it stays open, at most 7d.")),
        ("timezone", timezone),
    ];
    json!({
        "type": ["array", "null"],
        "description": "When changes may happen; outside they wait. Left out, always.",
        "items": object("One window.", &["cron", "for"], keys),
    })
}

fn deletion_budget() -> Value {
    let number = |about: &str, most: u64, default: u64| json!({ "type": "integer", "minimum": 0, "maximum": most, "default": default, "description": about });
    object(
        "How many deletes one plan may hold, replaces of what holds data among them; whichever of the two is smaller binds.",
        &[],
        [
            ("count", number("At most this many.", 1_000_000, 5)),
            (
                "percent",
                number(
                    "At most this share of what is owned here, rounded up.",
                    100,
                    20,
                ),
            ),
        ],
    )
}
