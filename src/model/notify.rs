//! Who is told what: a channel by how bad it is, and whom a failure calls by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How bad something is that people are told of.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Gravity {
    /// It went well, or goes on.
    #[default]
    Good,
    /// Something is not as declared, or waits: somebody has to look, some time.
    Warning,
    /// Something failed or does not work.
    Failure,
}

impl Gravity {
    /// Every one, with the word of specs and settings.
    pub const ALL: [(&'static str, Self); 3] = [
        ("good", Self::Good),
        ("warning", Self::Warning),
        ("failure", Self::Failure),
    ];
}

/// Somebody Slack can call: a user's id or a user group's, checked, so that it can stand in markup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mention(String);

impl Mention {
    /// Takes an id as Slack shows it: `U…` or `W…` for a user, `S…` for a user group; `None` for anything else.
    ///
    /// Source: Slack's "formatting text for app surfaces", mentioning users and groups.
    pub fn new(id: &str) -> Option<Self> {
        let rest = id.strip_prefix(['U', 'W', 'S'])?;
        let is_id = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        let fits = (6..=30).contains(&rest.len()) && rest.chars().all(is_id);
        fits.then(|| Self(id.to_owned()))
    }

    /// Returns it as Slack's markup.
    pub fn markup(&self) -> String {
        if self.0.starts_with('S') {
            format!("<!subteam^{}>", self.0)
        } else {
            format!("<@{}>", self.0)
        }
    }
}

/// `notify` of an environment, and what the settings say for those that say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Notify {
    /// The Slack channel.
    pub slack: Option<String>,
    /// The channels of what is as bad as this, where that is another.
    pub channels: BTreeMap<Gravity, String>,
    /// Whom a failure calls; `None` where nothing is said of it.
    pub mention: Option<Vec<Mention>>,
}

impl Notify {
    /// Returns the channel for what is as bad as this: that of the environment for it, else the environment's,
    /// else the settings' for it; `None` where only the settings' own is left.
    pub fn channel(&self, gravity: Gravity, settings: &Self) -> Option<String> {
        let own = self.channels.get(&gravity).or(self.slack.as_ref());
        own.or_else(|| settings.channels.get(&gravity)).cloned()
    }

    /// Returns whom something as bad as this calls: nobody but for a failure.
    pub fn mentions(&self, gravity: Gravity, settings: &Self) -> Vec<Mention> {
        if gravity != Gravity::Failure {
            return Vec::new();
        }
        let own = self.mention.as_ref().or(settings.mention.as_ref());
        own.cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_can_be_called() {
        let markup = |id: &str| Mention::new(id).map(|one| one.markup());
        assert_eq!(markup("U012ABCDEF").as_deref(), Some("<@U012ABCDEF>"));
        assert_eq!(markup("W012ABCDEF").as_deref(), Some("<@W012ABCDEF>"));
        let group = markup("S012ABCDEF");
        assert_eq!(group.as_deref(), Some("<!subteam^S012ABCDEF>"));
        for not in [
            "",
            "U",
            "@kim",
            "channel",
            "U012abcdef",
            "U012ABC>x",
            "C012ABCDEF",
            "here",
        ] {
            assert_eq!(markup(not), None, "{not}");
        }
    }

    #[test]
    fn the_nearest_word_counts() {
        let map = |channel: &str| BTreeMap::from([(Gravity::Failure, channel.to_owned())]);
        let id = |id: &str| Mention::new(id).into_iter().collect::<Vec<_>>();
        let settings = Notify {
            slack: Some("#all".to_owned()),
            channels: map("#oncall"),
            mention: Some(id("S012ABCDEF")),
        };
        let nothing = Notify::default();
        assert_eq!(nothing.channel(Gravity::Good, &settings), None);
        let failure = nothing.channel(Gravity::Failure, &settings);
        assert_eq!(failure.as_deref(), Some("#oncall"));
        assert_eq!(
            nothing.mentions(Gravity::Failure, &settings),
            id("S012ABCDEF")
        );
        assert_eq!(nothing.mentions(Gravity::Warning, &settings), []);
        let own = Notify {
            slack: Some("#shop".to_owned()),
            mention: Some(Vec::new()),
            ..Notify::default()
        };
        let failure = own.channel(Gravity::Failure, &settings);
        assert_eq!(failure.as_deref(), Some("#shop"));
        assert_eq!(own.mentions(Gravity::Failure, &settings), []);
    }
}
