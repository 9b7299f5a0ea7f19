//! Through what something of the live side could not be told: environments that cannot be told through the same are
//! one piece of news. Pure.

use crate::engine::Report;
use crate::model::{Address, Connection, Value};
use serde::{Deserialize, Serialize};

/// Through what something was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct Through {
    /// What people call it.
    pub called: String,
    /// The same for just those that lead to the same place, as far as their settings tell.
    pub place: String,
}

impl Through {
    /// Returns through what a resource was asked for, and got this for a reason.
    pub(super) fn of(report: &Report, address: &Address, reason: &str) -> Option<Self> {
        let step = report.plan.step(address)?;
        Some(Self::by(&step.connection, reason))
    }

    fn by(connection: &Connection, reason: &str) -> Self {
        let called = connection.called();
        // What is a secret tells no cluster from another; the reason names the server.
        let more = match connection.settings.get("kubeconfig") {
            None => "",
            Some(Value::String(path)) => path,
            Some(_) => reason,
        };
        Self {
            place: format!("{called} {more}"),
            called,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConnectionName, Secret};

    #[test]
    fn two_clusters_whose_kubeconfigs_are_secrets_are_two_places() {
        let by = |settings: &[(&str, Value)], reason: &str| {
            let settings = settings.iter();
            let settings = settings.map(|(key, value)| ((*key).to_owned(), value.clone()));
            let connection = Connection {
                name: ConnectionName::new("it").unwrap(),
                provider: "kubernetes".to_owned(),
                settings: Value::Map(settings.collect()),
                location: None,
            };
            Through::by(&connection, reason)
        };
        let secret = || Value::Secret(Secret::new("canary"));
        let one = by(&[("kubeconfig", secret())], "https://one: no answer");
        let other = by(&[("kubeconfig", secret())], "https://other: no answer");
        assert_ne!(one, other);
        assert_eq!(one.called, "the cluster");
        // Another namespace of a cluster is no other cluster, and other words are no other trouble.
        let context = ("context", Value::from("prod"));
        let one = by(std::slice::from_ref(&context), "refused");
        let other = by(&[context, ("namespace", "shop".into())], "no answer");
        assert_eq!(one, other);
        assert_eq!(one.called, "cluster prod");
    }
}
