//! What is remembered of the drift of one environment that people are asked about.

use super::super::remembered;
use crate::deliver::{About, Asked};
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Address, Digest, EnvironmentName, Revision};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// The request that is open, or about to be.
    pub asked: Option<Request>,
    /// What a closed request said, and is to be put back; each as it was then.
    pub put_back: BTreeMap<Address, Digest>,
    /// The revision that was kept when a request was found merged, and when that was.
    pub merged: Option<(Revision, Timestamp)>,
    /// What nobody is asked about, and why.
    pub unasked: Option<(Digest, String)>,
    /// How many requests there were.
    pub requests: u64,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    /// Its branch.
    pub branch: String,
    /// Its number and its page, once it is open.
    pub page: Option<(u64, String)>,
    /// When it was asked first.
    pub since: Timestamp,
    /// What it is made of, once it says so.
    pub made_of: Option<Digest>,
    /// What it is about, each as it was.
    pub about: BTreeMap<Address, Digest>,
}

impl Memory {
    /// Reads it.
    pub(super) async fn read(ledger: &Ledger, name: &EnvironmentName) -> Result<Self, LedgerError> {
        remembered::read(ledger, &record_of(name)).await
    }

    /// Writes it, where it is not the same.
    pub(super) async fn write(
        &self,
        ledger: &Ledger,
        name: &EnvironmentName,
    ) -> Result<(), LedgerError> {
        remembered::write(ledger, &record_of(name), self).await
    }

    /// Tells whether nobody was asked about anything that counts yet.
    pub(super) fn is_over(&self) -> bool {
        let over = Self {
            requests: self.requests,
            ..Self::default()
        };
        *self == over
    }

    /// Tells whether a request was merged that Git, as it is kept, may not hold yet.
    pub(super) fn is_merging(
        &self,
        kept: &Revision,
        now: Timestamp,
        patience: SignedDuration,
    ) -> bool {
        let merged = self.merged.as_ref();
        merged.is_some_and(|(then, at)| then == kept && now.duration_since(*at) < patience)
    }
}

impl Request {
    /// Returns why drift is left alone that it asks about.
    pub(super) fn hold(&self) -> String {
        match &self.page {
            Some((number, _)) => format!(
                "it is left as it is until pull request #{number} is merged, which keeps it, or closed, which puts it back"
            ),
            None => super::SOON.to_owned(),
        }
    }

    /// Returns where people are asked.
    pub(super) fn asked(&self) -> Option<Asked> {
        let (number, url) = self.page.clone()?;
        Some(Asked {
            about: About::Drift,
            number,
            url,
        })
    }
}

/// Under what name the ledger remembers it.
fn record_of(name: &EnvironmentName) -> String {
    format!("keeping/{name}")
}
