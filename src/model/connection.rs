//! Where a provider reaches.

use super::diagnostic::Location;
use super::digest::{Digest, DigestKey};
use super::id::ConnectionName;
use super::observation::Identity;
use super::value::Value;

/// Where a cluster's connection leads that names none.
const CURRENT_CONTEXT: &str = "the current context";

/// So many digits tell two secrets apart that nobody chose to be alike.
const FINGERPRINT: usize = 16;

/// Settings of a cluster's connection that say as whom or where in it, and not which it is.
const WITHIN: [&str; 2] = ["namespace", "serviceAccount"];

/// A connection with its expressions resolved. Settings may hold secrets, and holes where they come
/// from a resource that is yet to be made; what uses such a connection waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Its name in the environment.
    pub name: ConnectionName,
    /// The provider it belongs to: `kubernetes`, `host`, `digitalocean` …
    pub provider: String,
    /// The provider's own settings, `provider` itself left out.
    pub settings: Value,
    /// Where it is declared; `None` where it no longer is.
    pub location: Option<Location>,
}

impl Connection {
    /// Returns where it leads, in words, as far as its settings tell: one host's root from another, one
    /// cluster from another, never as whom. `None` where that is not in them, or not known yet.
    pub fn leads_to(&self) -> Option<String> {
        let (told, default) = match self.provider.as_str() {
            "host" => (&["root"][..], "root /"),
            "kubernetes" => (
                &["context", "kubeconfig", "inCluster", "namespace"][..],
                CURRENT_CONTEXT,
            ),
            _ => return None,
        };
        let mut words = Vec::new();
        for key in told {
            match self.settings.get(key) {
                Some(Value::String(text)) => words.push(format!("{key} {text}")),
                Some(Value::Bool(on)) => words.push(format!("{key} {on}")),
                Some(Value::Hole(_)) => return None,
                // A secret is not told, and another one is no other place.
                _ => {}
            }
        }
        Some(match words.is_empty() {
            true => default.to_owned(),
            false => words.join(", "),
        })
    }

    /// Returns by which secrets it leads where it does, without telling them; `None` where no secret has a say in that.
    pub fn fingerprint(&self, key: &DigestKey) -> Option<String> {
        if self.settings.secret_places().is_empty() {
            return None;
        }
        let sealed = key.sealed_json(&self.settings).to_string();
        let digest = Digest::of(sealed);
        Some(digest.as_str().chars().take(FINGERPRINT).collect())
    }

    /// Returns where it leads in the words of a title, never as whom: `cluster prod`, `host /srv`, `digitalocean`.
    pub fn called(&self) -> String {
        let told = |key: &str| match self.settings.get(key) {
            Some(Value::String(text)) => Some(text.clone()),
            _ => None,
        };
        match self.provider.as_str() {
            "kubernetes" => told("context").map_or_else(
                || "the cluster".to_owned(),
                |context| format!("cluster {context}"),
            ),
            "host" => format!("host {}", told("root").unwrap_or_else(|| "/".into())),
            other => other.to_owned(),
        }
    }

    /// Tells whether it may lead where something was applied (`leads_to`), as far as that was told then. Which
    /// namespace it leaves unsaid makes no other place.
    pub fn may_lead_to(&self, place: Option<&str>) -> bool {
        fn bare(place: &str) -> Vec<&str> {
            let words = place.split(", ").filter(|word| *word != CURRENT_CONTEXT);
            words
                .filter(|word| !word.starts_with("namespace "))
                .collect()
        }
        match (self.leads_to(), place) {
            (Some(one), Some(other)) => bare(&one) == bare(other),
            _ => true,
        }
    }

    /// Tells whether another one leads to the same place, as whomever and in whichever namespace; never of settings
    /// that are not known yet.
    pub fn reaches(&self, other: &Self) -> bool {
        fn bare(settings: &Value) -> Vec<(&String, &Value)> {
            let fields = settings.as_map().into_iter().flatten();
            fields
                .filter(|(key, _)| !WITHIN.contains(&key.as_str()))
                .collect()
        }
        self.provider == other.provider
            && bare(&self.settings) == bare(&other.settings)
            && self.settings.holes().is_empty()
    }

    /// Tells whether an identity is the same object behind another one: as two accounts of one cluster are. Where
    /// it leaves its namespace to the connection, that has to be the same, too.
    pub fn reaches_object(&self, other: &Self, identity: &Identity) -> bool {
        let namespace = |connection: &Self| connection.settings.get("namespace").cloned();
        self.reaches(other) && (identity.names_namespace() || namespace(self) == namespace(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Secret, Value};

    #[test]
    fn where_a_connection_leads_is_told_without_its_secrets() {
        let leads = |provider: &str, settings: &[(&str, Value)]| {
            let settings = settings.iter();
            let settings = settings.map(|(key, value)| ((*key).to_owned(), value.clone()));
            let connection = Connection {
                name: ConnectionName::new("it").unwrap(),
                provider: provider.to_owned(),
                settings: Value::Map(settings.collect()),
                location: None,
            };
            connection.leads_to()
        };
        let secret = || Value::Secret(Secret::new("canary"));
        let text = |text: Option<&str>| text.map(str::to_owned);
        assert_eq!(leads("host", &[]), text(Some("root /")));
        assert_eq!(
            leads("host", &[("root", "/srv".into())]),
            text(Some("root /srv"))
        );
        let cluster = leads(
            "kubernetes",
            &[("kubeconfig", secret()), ("context", "prod".into())],
        );
        assert_eq!(cluster, text(Some("context prod")));
        assert_eq!(leads("digitalocean", &[("token", secret())]), None);
    }
}
