//! Clouds that are known by data: one engine, and a catalogue that says how each kind is found,
//! made, changed and deleted. Knows no cloud by name; what an entry cannot say becomes Rust.
//!
//! ```text
//! catalogue/*.yaml -> Entry ┐
//! Asked -> one list per group -> pick -> Object -> Observed
//! Step  -> look -> create | update | adopt | replace | delete -> Applied
//! ```
//!
//! Creating is not idempotent at these clouds: it looks before it sends, and looks again where it
//! cannot know whether what it sent arrived.

mod apply;
mod auth;
mod catalogue;
mod entry;
mod equality;
mod failure;
mod lookup;
mod object;
mod observe;
mod ownership;
mod paging;
mod pointer;
mod session;
mod update;
mod wait;
mod write;

pub use catalogue::Catalogue;

use super::{Provider, ProviderError};
use crate::model::{
    Applied, Asked, Class, Connection, DigestKey, Kind, KindName, Observed, Step, Value,
};
use crate::net::{Client, Limiters};
use async_trait::async_trait;
use failure::Failure;
use session::Session;
use tokio_util::sync::CancellationToken;

/// The clouds of a catalogue.
#[derive(Debug)]
pub struct Rest {
    client: Client,
    limiters: Limiters,
    catalogue: Catalogue,
    rows: Vec<Kind>,
    key: DigestKey,
}

impl Rest {
    /// Serves every kind of the catalogue. Accounts share their pace through `limiters`; `key` is the
    /// ledger's, for identities in which a secret stands as its digest.
    pub fn new(client: Client, limiters: Limiters, catalogue: Catalogue, key: DigestKey) -> Self {
        let rows = catalogue.rows();
        Self {
            client,
            limiters,
            catalogue,
            rows,
            key,
        }
    }

    fn row(&self, kind: &KindName) -> Option<&Kind> {
        self.rows.iter().find(|row| row.name == *kind)
    }

    fn session(
        &self,
        kind: &KindName,
        connection: &Connection,
        sent: Option<&Value>,
    ) -> Result<Session, Failure> {
        let known = self.catalogue.entry(kind.as_str()).ok_or_else(|| {
            Failure::new(
                "no-kind",
                Class::User,
                format!("the catalogue has no kind {kind}"),
            )
        })?;
        Session::new(
            known,
            (&self.client, &self.limiters, &self.key),
            connection,
            sent,
        )
    }
}

#[async_trait]
impl Provider for Rest {
    fn kinds(&self) -> &[Kind] {
        &self.rows
    }

    async fn observe(&self, asked: &[Asked]) -> Vec<Observed> {
        self.observe_all(asked).await
    }

    async fn apply(&self, step: &Step, stop: &CancellationToken) -> Result<Applied, ProviderError> {
        let what = format!("{} {}", step.kind, step.identity);
        self.carry_out(step, stop, &what).await
    }
}
