//! What there is to explain, by name: kinds, connections, keys of environments, functions, and settings.

use super::fields;
use crate::model::{Kind, Kinds};
use serde_json::Value;

/// What a topic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A kind of resource.
    Kind,
    /// The settings of a provider's connections.
    Connection,
    /// A key of an environment.
    Key,
    /// What expressions can call.
    Expression,
    /// The record of an approval.
    Approval,
    /// A key of the daemon's settings.
    Settings,
}

impl What {
    pub(super) const ALL: [Self; 6] = [
        Self::Kind,
        Self::Connection,
        Self::Key,
        Self::Expression,
        Self::Approval,
        Self::Settings,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Connection => "connection",
            Self::Key => "key",
            Self::Expression => "expression",
            Self::Approval => "approval",
            Self::Settings => "settings",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Kind => "Kinds of resources",
            Self::Connection => "Connections",
            Self::Key => "Keys of an environment",
            Self::Expression => "Expressions",
            Self::Approval => "Approvals (approvals/ENVIRONMENT.yaml)",
            Self::Settings => "The daemon's own settings (reconciled.yaml)",
        }
    }
}

/// One name that can be explained.
pub(super) struct Topic<'s> {
    pub(super) name: String,
    pub(super) what: What,
    /// The schema it is in.
    pub(super) root: &'s Value,
    /// Where that says what it is.
    pub(super) node: &'s Value,
    /// The kind's row.
    pub(super) kind: Option<&'s Kind>,
}

impl Topic<'_> {
    /// Returns what it is in one sentence.
    pub(super) fn summary(&self) -> &str {
        let about = match self.kind {
            Some(kind) => &kind.summary,
            None => self.node["description"].as_str().unwrap_or_default(),
        };
        about
            .split_inclusive(". ")
            .next()
            .unwrap_or_default()
            .trim_end()
    }
}

/// Returns everything, in the order it is listed.
pub(super) fn all<'s>(
    (schema, settings, approval): (&'s Value, &'s Value, &'s Value),
    kinds: &'s Kinds,
) -> Vec<Topic<'s>> {
    let topic = |name: &str, what, node| Topic {
        name: name.to_owned(),
        what,
        root: schema,
        node,
        kind: None,
    };
    let of_kind = |kind: &'s std::sync::Arc<Kind>| Topic {
        kind: Some(kind),
        ..topic(
            kind.name.as_str(),
            What::Kind,
            kind.schema.as_ref().unwrap_or(&Value::Null),
        )
    };
    let mut topics: Vec<Topic<'s>> = kinds.iter().map(of_kind).collect();
    let definitions = schema["$defs"].as_object().into_iter().flatten();
    let connections = definitions.filter(|(name, _)| name.starts_with("connections."));
    topics.extend(connections.map(|(name, node)| topic(name, What::Connection, node)));
    topics.push(topic(
        "metadata",
        What::Key,
        &schema["properties"]["metadata"],
    ));
    let keys = schema["properties"]["spec"]["properties"].as_object();
    let keys = keys.into_iter().flatten();
    topics.extend(keys.map(|(name, node)| topic(name, What::Key, node)));
    let lifecycle = &schema["$defs"]["resource"]["properties"]["lifecycle"];
    topics.push(topic("lifecycle", What::Key, lifecycle));
    let functions = &schema["$defs"]["expression"];
    topics.push(topic("functions", What::Expression, functions));
    topics.push(Topic {
        root: approval,
        ..topic("approval", What::Approval, &approval["properties"]["spec"])
    });
    topics.push(Topic {
        root: settings,
        ..topic("settings", What::Settings, settings)
    });
    topics
}

/// Returns what a word may be a slip of, or the topic that has a field of that name.
pub(super) fn near(topics: &[Topic<'_>], what: &str) -> Option<String> {
    let mut named: Vec<(String, String)> = topics
        .iter()
        .map(|topic| (topic.name.clone(), topic.name.clone()))
        .collect();
    for topic in topics.iter().filter(|topic| topic.what == What::Connection) {
        let provider = topic
            .name
            .split_once('.')
            .map_or("", |(_, provider)| provider);
        named.push((topic.name.clone(), provider.to_owned()));
    }
    for topic in topics.iter().filter(|topic| topic.kind.is_none()) {
        for field in fields::names(topic.root, topic.node) {
            named.push((format!("{}.{field}", topic.name), field.to_owned()));
        }
    }
    let likeness = |(name, word): &(String, String)| {
        strsim::jaro_winkler(name, what).max(strsim::jaro_winkler(word, what))
    };
    let best = named.iter().map(|one| (likeness(one), &one.0));
    // Of those that are alike, the first listed.
    let best = best.rev().max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.75).then(|| best.1.clone())
}
