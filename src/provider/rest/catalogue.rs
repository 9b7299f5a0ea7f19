//! The catalogue: every API and kind that the entries describe, and their rows for the other rooms.

use super::entry::{Api, Entry, Pace};
use super::ownership::Ownership;
use crate::model::{Kind, Labels, ListRule, Output, Proof, Select};
use crate::net::http::Url;
use schemars::JsonSchema;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

const APIS: [&str; 1] = [include_str!("catalogue/digitalocean.yaml")];
const KINDS: [&str; 2] = [
    include_str!("catalogue/digitalocean-database-cluster.yaml"),
    include_str!("catalogue/digitalocean-domain-record.yaml"),
];

/// What a file of the catalogue holds: an API, or a kind of one.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(
    dead_code,
    reason = "only its schema is used: a file is read as what it is known to be"
)]
enum CatalogueFile {
    /// An API.
    Api(Box<Api>),
    /// A kind of an API.
    Kind(Box<Entry>),
}

/// Every API and kind that entries describe.
#[derive(Clone, Debug)]
pub struct Catalogue {
    apis: BTreeMap<String, Arc<Api>>,
    entries: BTreeMap<String, Arc<Entry>>,
}

impl Catalogue {
    /// Returns the catalogue that comes with the binary.
    pub fn built_in() -> Self {
        let apis =
            APIS.map(|text| read::<Api>(text).expect("a test reads every entry of the binary"));
        let entries =
            KINDS.map(|text| read::<Entry>(text).expect("a test reads every entry of the binary"));
        Self {
            apis: apis
                .into_iter()
                .map(|api| (api.api.clone(), Arc::new(api)))
                .collect(),
            entries: entries
                .into_iter()
                .map(|entry| (entry.kind.clone(), Arc::new(entry)))
                .collect(),
        }
    }

    /// Returns the same catalogue with one API reached elsewhere: a proxy, a test server. It comes
    /// from the daemon's own settings, never from a repository: a token is sent there.
    #[must_use]
    pub fn with_base_url(self, api: &str, base_url: &Url) -> Self {
        self.with(api, |api| {
            base_url
                .as_str()
                .trim_end_matches('/')
                .clone_into(&mut api.base_url);
        })
    }

    /// Returns the same catalogue with another pace for one API, in requests a second and at once.
    #[must_use]
    pub fn with_pace(self, api: &str, per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        self.with(api, |api| api.pace = Pace { per_second, burst })
    }

    fn with(mut self, api: &str, change: impl FnOnce(&mut Api)) -> Self {
        if let Some(api) = self.apis.get_mut(api) {
            change(Arc::make_mut(api));
        }
        self
    }

    /// Returns a row for every kind.
    pub fn rows(&self) -> Vec<Kind> {
        let of_api = |entry: &Entry| {
            let api = self.apis.get(entry.kind.split_once('/')?.0)?;
            Some(Arc::new(api.auth.settings_schema(&api.title)))
        };
        let row = |entry: &Arc<Entry>| Kind {
            connection: of_api(entry),
            ..row(entry)
        };
        self.entries.values().map(row).collect()
    }

    /// Returns the JSON Schema of a catalogue file, for editors and users' own entries.
    pub fn schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(CatalogueFile).to_value();
        schema["title"] = "A catalogue entry of reconciled".into();
        schema
    }

    pub(super) fn entry(&self, kind: &str) -> Option<(Arc<Api>, Arc<Entry>)> {
        let entry = self.entries.get(kind)?;
        let api = self.apis.get(kind.split_once('/')?.0)?;
        Some((api.clone(), entry.clone()))
    }
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    let json: serde_json::Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    serde_json::from_value(json).map_err(|error| error.to_string())
}

/// Returns what the other rooms need to know of a kind.
fn row(entry: &Entry) -> Kind {
    let patterns = |pointers: &[super::pointer::Pointer]| {
        pointers
            .iter()
            .map(super::pointer::Pointer::pattern)
            .collect()
    };
    let output = |output: &super::entry::OutputEntry| Output {
        name: output.name.clone(),
        sensitive: output.sensitive,
        follows: Vec::new(),
        summary: output.summary.clone(),
    };
    Kind {
        identity: patterns(&entry.identity),
        identity_also: entry.identity_also.as_ref().map_or_else(
            || Select::always(Vec::new()),
            |also| Select {
                field: also.field.pattern(),
                rows: also
                    .rows
                    .iter()
                    .map(|(text, fields)| (text.clone(), patterns(fields)))
                    .collect(),
                otherwise: Vec::new(),
            },
        ),
        proof: match entry.ownership {
            Ownership::Tag { .. } => Proof::Mark,
            Ownership::Record => Proof::Record,
        },
        immutable: patterns(&entry.immutable),
        on_immutable: entry.on_immutable.into(),
        labels: entry
            .labels
            .as_ref()
            .map(|field| Labels::Tags(field.pattern())),
        lists: entry
            .sets
            .iter()
            .map(|field| (field.pattern(), ListRule::Set))
            .collect(),
        stateful: Select::always(entry.stateful),
        outputs: entry.outputs.iter().map(output).collect(),
        schema: Some(serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "description": format!("{} {}", entry.summary, entry.docs),
            "type": "object",
            "additionalProperties": false,
            "required": entry.required,
            "properties": entry.fields,
        })),
        deadline: Duration::from_secs(entry.deadline_seconds),
        ..Kind::plain(&entry.kind, &entry.summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_the_binary_is_read_and_its_api_is_there() {
        let catalogue = Catalogue::built_in();
        let rows = catalogue.rows();
        assert_eq!(rows.len(), KINDS.len());
        for row in rows {
            let (api, entry) = catalogue.entry(row.name.as_str()).unwrap();
            assert!(Url::parse(&api.base_url).is_ok());
            let known = |pointer: &super::super::pointer::Pointer| {
                entry.fields.contains_key(pointer.field())
            };
            assert!(
                entry.identity.iter().chain(&entry.immutable).all(known),
                "{}",
                entry.kind
            );
            assert!(
                entry
                    .required
                    .iter()
                    .all(|name| entry.fields.contains_key(name)),
                "{}",
                entry.kind
            );
        }
    }
}
