//! The chain: each record's hash covers the one before, so that what happened cannot be rewritten
//! quietly. Thinning cuts the beginning off and keeps the hash it stood on.

mod told;

use super::Ledger;
use super::error::LedgerError;
use super::schema;
use crate::model::Digest;
use serde::Serialize;
use sqlx::{AnyConnection, Row as _};
use told::Told;

/// How many records are read at once.
const PAGE: i64 = 1000;

/// A chain that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many records were read.
    pub records: u64,
    /// How many plans were compared with what their record says.
    pub plans: u64,
    /// How many runs, with their steps, were compared with what their records say.
    pub runs: u64,
    /// The number of the last record.
    pub last: i64,
}

/// What the writer said last of the record's end: number and hash of the newest record.
pub(super) const HEAD: &str = "head";

/// Returns the hash of a record.
pub(super) fn link(before: &Digest, seq: i64, at: i64, body: &str) -> Digest {
    Digest::of(format!("{before}\n{seq}\n{at}\n{body}"))
}

/// Returns what the first record stands on: number and hash of the last one thinned away.
pub(super) async fn anchor(connection: &mut AnyConnection) -> Result<(i64, Digest), sqlx::Error> {
    let anchor = place_in_chain(connection, "anchor").await?;
    Ok(anchor.unwrap_or_else(|| (0, Digest::of(""))))
}

/// Reads the number and the hash of a record out of a fact.
async fn place_in_chain(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<Option<(i64, Digest)>, sqlx::Error> {
    let text = schema::fact(connection, name).await?;
    let parsed = text.as_deref().and_then(|text| text.split_once(' '));
    let place = |(seq, hash): (&str, &str)| Some((seq.parse().ok()?, Digest::from_hex(hash)));
    Ok(parsed.and_then(place))
}

impl Ledger {
    /// Reads the whole record and compares every hash, its end with what the writer said of it, and every plan,
    /// run and step with what their records say.
    ///
    /// Nothing that stands beside the record tells of somebody who may write the file and computes it all
    /// anew, or who puts an older copy of the whole file in its place.
    ///
    /// # Errors
    /// `Broken`, naming the first record, plan or run that does not fit.
    pub async fn verify(&self) -> Result<Verified, LedgerError> {
        let failed = |error| LedgerError::from_database(&self.place, error);
        // One transaction, so that a writer does not move the end meanwhile.
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let (mut seq, mut hash) = anchor(&mut transaction).await.map_err(failed)?;
        let head = place_in_chain(&mut transaction, HEAD).await;
        let head = head.map_err(failed)?;
        let mut told = Told::default();
        let first = seq;
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
                break;
            }
            for row in rows {
                let (found, at): (i64, i64) = (
                    row.try_get(0).map_err(failed)?,
                    row.try_get(1).map_err(failed)?,
                );
                let body: String = row.try_get(2).map_err(failed)?;
                let stored: String = row.try_get(3).map_err(failed)?;
                hash = link(&hash, seq + 1, at, &body);
                seq += 1;
                if found != seq || stored != hash.as_str() {
                    return Err(self.broken(format!("record {found} does not fit the one before")));
                }
                told.take(at, &body);
                if head
                    .as_ref()
                    .is_some_and(|(at, said)| *at == seq && *said != hash)
                {
                    return Err(
                        self.broken(format!("record {seq} is not the one that was written"))
                    );
                }
            }
        }
        // An older binary writes records and says nothing of their end, so there may be more.
        if let Some((last, _)) = head.filter(|(last, _)| *last > seq) {
            let what = format!("the record ends with {seq}, and {last} was written");
            return Err(self.broken(what));
        }
        let compared = told.compare(&mut transaction).await.map_err(failed)?;
        let compared = compared.map_err(|what| self.broken(what))?;
        Ok(Verified {
            records: u64::try_from(seq - first).unwrap_or_default(),
            plans: compared.plans,
            runs: compared.runs,
            last: seq,
        })
    }

    fn broken(&self, what: String) -> LedgerError {
        LedgerError::Broken {
            place: self.place.clone(),
            what,
        }
    }
}

#[cfg(test)]
mod tests;
