//! The keys on who is told that settings and environments share: channels by how bad it is, and mentions.

use super::{Node, Reader};
use crate::model::{Gravity, Mention};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Reads `channels`.
pub fn channels(node: Option<&Node>, reader: &mut Reader) -> BTreeMap<Gravity, String> {
    let mut channels = BTreeMap::new();
    let Some(mut fields) = node.and_then(|node| reader.fields(node, &node.place)) else {
        return channels;
    };
    for (word, gravity) in Gravity::ALL {
        let channel = fields.get(word).and_then(|node| reader.name(node));
        channels.extend(channel.map(|channel| (gravity, channel.to_owned())));
    }
    fields.finish(reader);
    channels
}

/// Reads `mention`: ids of users and user groups, and nothing that could be anything else in markup.
pub fn mention(node: Option<&Node>, reader: &mut Reader) -> Option<Vec<Mention>> {
    Some(reader.list(node?, |reader, item| {
        let id = reader.name(item)?;
        let mention = Mention::new(id);
        if mention.is_none() {
            let error = item.place.error(
                "bad-mention",
                format!("{id:?} is no id of a user or a user group"),
            );
            reader.report(error.with_hint(
                "Slack shows it under \"Copy member ID\" or \"Copy group ID\": U…, W… or S….",
            ));
        }
        mention
    }))
}

/// Describes both for a JSON Schema, with their names.
pub fn told() -> [(&'static str, Value); 2] {
    let channel = |about: &str| json!({ "type": "string", "description": about, "minLength": 1 });
    let channels = json!({
        "type": "object",
        "description": "Other channels, by how bad it is. A message stays in the channel it was begun in.",
        "additionalProperties": false,
        "properties": {
            "good": channel("What went well."),
            "warning": channel("Drift, and what waits or cannot be told."),
            "failure": channel("What failed or does not work."),
        },
    });
    let mention = json!({
        "type": "array",
        "description": "Whom a failure calls: ids of users (U…, W…) and user groups (S…).",
        "items": { "type": "string", "pattern": "^[UWS][A-Z0-9]{6,30}$" },
        "examples": [["S012ABCDEF"]],
    });
    [("channels", channels), ("mention", mention)]
}
