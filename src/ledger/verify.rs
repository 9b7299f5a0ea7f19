//! The chain: each record's hash covers the one before, so that what happened cannot be rewritten
//! quietly. Thinning cuts the beginning off and keeps the hash it stood on.

use super::Ledger;
use super::error::LedgerError;
use super::schema;
use crate::model::Digest;
use serde::Serialize;
use sqlx::{AnyConnection, Row as _};

/// How many records are read at once.
const PAGE: i64 = 1000;

/// A chain that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many records were read.
    pub records: u64,
    /// How many plans were compared with what their record says.
    pub plans: u64,
}

/// Returns the hash of a record.
pub(super) fn link(before: &Digest, seq: i64, at: i64, body: &str) -> Digest {
    Digest::of(format!("{before}\n{seq}\n{at}\n{body}"))
}

/// Returns what the first record stands on: number and hash of the last one thinned away.
pub(super) async fn anchor(connection: &mut AnyConnection) -> Result<(i64, Digest), sqlx::Error> {
    let text = schema::fact(connection, "anchor").await?;
    let parsed = text.as_deref().and_then(|text| text.split_once(' '));
    Ok(
        match parsed.and_then(|(seq, hash)| Some((seq.parse().ok()?, hash))) {
            Some((seq, hash)) => (seq, Digest::from_hex(hash)),
            None => (0, Digest::of("")),
        },
    )
}

impl Ledger {
    /// Reads the whole record and compares every hash, and every plan with its record.
    ///
    /// # Errors
    /// `Broken`, naming the first record or plan that does not fit.
    pub async fn verify(&self) -> Result<Verified, LedgerError> {
        let failed = |error| LedgerError::from_database(&self.place, error);
        // One transaction, so that a writer does not move the end meanwhile.
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let (mut seq, mut hash) = anchor(&mut transaction).await.map_err(failed)?;
        let mut verified = Verified {
            records: 0,
            plans: 0,
        };
        loop {
            let rows = sqlx::query(
                "SELECT seq, at, body, hash FROM records WHERE seq > $1 ORDER BY seq LIMIT $2",
            )
            .bind(seq)
            .bind(PAGE)
            .fetch_all(&mut *transaction)
            .await
            .map_err(failed)?;
            if rows.is_empty() {
                return Ok(verified);
            }
            for row in rows {
                let found: i64 = row.try_get(0).map_err(failed)?;
                let body: String = row.try_get(2).map_err(failed)?;
                let stored: String = row.try_get(3).map_err(failed)?;
                hash = link(&hash, seq + 1, row.try_get(1).map_err(failed)?, &body);
                seq += 1;
                if found != seq || stored != hash.as_str() {
                    return Err(self.broken(format!("record {found} does not fit the one before")));
                }
                verified.records += 1;
                verified.plans += u64::from(self.fits(&mut transaction, &body).await?);
            }
        }
    }

    /// Compares a plan with its record; false where the record opens no run that is still kept.
    async fn fits(&self, connection: &mut AnyConnection, body: &str) -> Result<bool, LedgerError> {
        let Ok(body) = serde_json::from_str::<serde_json::Value>(body) else {
            return Ok(false);
        };
        let (Some(run), Some(digest)) = (body["run"].as_i64(), body["plan_digest"].as_str()) else {
            return Ok(false);
        };
        let plan = sqlx::query("SELECT plan FROM runs WHERE id = $1")
            .bind(run)
            .fetch_optional(connection)
            .await
            .and_then(|row| row.map(|row| row.try_get::<String, _>(0)).transpose())
            .map_err(|error| LedgerError::from_database(&self.place, error))?;
        match plan {
            Some(plan) if Digest::of(&plan).as_str() != digest => {
                Err(self.broken(format!("the plan of run {run} is not the one recorded")))
            }
            plan => Ok(plan.is_some()),
        }
    }

    fn broken(&self, what: String) -> LedgerError {
        LedgerError::Broken {
            place: self.place.clone(),
            what,
        }
    }
}
