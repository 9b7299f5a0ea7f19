//! What other environments have in what is to be deleted with all that is in it, asked of the cluster itself at the
//! delete: what came there since the plan looked into it (`observe::within`), by whichever kubeconfig or context. The
//! marks on what is there do not depend on those.

use super::Work;
use crate::model::{Address, Owner, and_more};
use crate::provider::ProviderError;
use crate::provider::kubernetes::discovery::{Lookup, Served, Types};
use crate::provider::kubernetes::error::Failure;
use crate::provider::kubernetes::marks::{self, ENVIRONMENT};
use crate::provider::kubernetes::reference::Reference;
use futures::stream::{self, StreamExt as _};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::time::Duration;

/// How many kinds are read at once.
const AT_ONCE: usize = 8;
/// How many of those that would go along are named.
const NAMED: usize = 3;

impl Work<'_> {
    /// Asks whether other environments have something in an object that takes it along. What the account may not list
    /// stands in nobody's way: then only the plan knows.
    ///
    /// # Errors
    /// One has, or nobody says.
    pub(super) async fn takes_nobody_elses(&self, live: &Json) -> Result<(), ProviderError> {
        let reference = &self.target.reference;
        let is_container = matches!(
            reference.kind.as_str(),
            "Namespace" | "CustomResourceDefinition"
        );
        if !is_container {
            return Ok(());
        }
        // A kind that was just made counts, too.
        let types = self.cluster.types(Duration::ZERO).await;
        let types = types.map_err(|failure| self.failed(failure))?;
        let (kinds, namespace): (Vec<Served>, &str) = match reference.kind.as_str() {
            "Namespace" => (types.namespaced().cloned().collect(), &reference.name),
            _ => (defined(&types, live).into_iter().cloned().collect(), ""),
        };
        let found = self.others(kinds, namespace).await;
        let found = found.map_err(|failure| self.failed(failure))?;
        if found.is_empty() {
            return Ok(());
        }
        let named = and_more(&found, NAMED);
        Err(ProviderError::Refused {
            what: self.what(),
            reason: format!(
                "it is kept, as {named} of another environment would go with it: it carries that mark in the cluster"
            ),
            code: "in-use",
            hint: Some(
                "Take it out of the other environment first, or declare this here again."
                    .to_owned(),
            ),
        })
    }

    async fn listed(
        &self,
        served: Served,
        namespace: &str,
        selector: &str,
    ) -> (Served, Result<Option<Vec<Json>>, Failure>) {
        let list = self.cluster.list(&served, namespace, Some(selector)).await;
        (served, list)
    }

    /// Returns what carries the mark of another environment and is not going already.
    async fn others(
        &self,
        kinds: Vec<Served>,
        namespace: &str,
    ) -> Result<BTreeSet<Address>, Failure> {
        let mine = &self.step.address.environment;
        let selector = format!("{ENVIRONMENT},{ENVIRONMENT}!={mine}");
        let lists = kinds.into_iter();
        let lists = lists.map(|served| self.listed(served, namespace, &selector));
        let mut lists = stream::iter(lists).buffer_unordered(AT_ONCE);
        let mut found = BTreeSet::new();
        while let Some((served, answer)) = lists.next().await {
            let objects = match answer {
                Ok(objects) => objects.unwrap_or_default(),
                // Served in discovery, though nothing can be listed there, or not by this account.
                Err(failure) if matches!(failure.status, 403 | 405) => continue,
                Err(failure) => return Err(failure),
            };
            let is_going = |object: &&Json| object["metadata"]["deletionTimestamp"].is_string();
            for object in objects.iter().filter(|object| !is_going(object)) {
                let reference = Reference::of_live(&served.group, &served.kind, object);
                if let Some(Owner::Resource(address)) = marks::owner(object, &reference)
                    && address.environment != *mine
                {
                    found.insert(address);
                }
            }
        }
        Ok(found)
    }
}

/// Returns the kind that a definition defines, where it is served.
fn defined<'t>(types: &'t Types, live: &Json) -> Option<&'t Served> {
    let group = live["spec"]["group"].as_str()?;
    let kind = live["spec"]["names"]["kind"].as_str()?;
    match types.find(group, kind, None) {
        Lookup::Served(served) => Some(served),
        Lookup::Down | Lookup::NotServed => None,
    }
}
