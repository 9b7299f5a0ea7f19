//! The one connection that is written through. One on which something failed is not used again: what was opened
//! while the file could not be written stays unable to write, however long the file can be again.

use sqlx::any::AnyConnectOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions as _, Connection as _};

/// How a connection to a file is opened, and what is set on it.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub(super) options: AnyConnectOptions,
    pub(super) pragmas: &'static [&'static str],
}

impl Opening {
    /// Opens one.
    pub(super) async fn connection(&self) -> Result<AnyConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        self.set(&mut connection).await?;
        Ok(connection)
    }

    /// Sets what is to be set on each.
    pub(super) async fn set(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        for pragma in self.pragmas {
            sqlx::query(*pragma).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

/// What the writer writes with.
pub(super) enum Pen {
    /// A ledger in memory is its one connection: another would be another, empty ledger.
    Memory(AnyPool),
    /// A file, and the connection on which nothing failed yet.
    File(Box<Opening>, Option<AnyConnection>),
}

/// A connection in the writer's hand.
pub(super) enum InHand {
    Shared(PoolConnection<Any>),
    Own(AnyConnection),
}

impl InHand {
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        match self {
            Self::Shared(connection) => connection,
            Self::Own(connection) => connection,
        }
    }
}

impl Pen {
    /// One for a file, opened at the first write.
    pub(super) fn for_file(opening: Opening) -> Self {
        Self::File(Box::new(opening), None)
    }

    /// Takes the connection, opened afresh where there is none.
    pub(super) async fn take(&mut self) -> Result<InHand, sqlx::Error> {
        Ok(match self {
            Self::Memory(pool) => InHand::Shared(pool.acquire().await?),
            Self::File(opening, kept) => InHand::Own(match kept.take() {
                Some(connection) => connection,
                None => opening.connection().await?,
            }),
        })
    }

    /// Takes it back, to be used again only where all went well on it.
    pub(super) async fn give_back(&mut self, in_hand: InHand, went_well: bool) {
        match (self, in_hand) {
            (Self::File(_, kept), InHand::Own(connection)) if went_well => *kept = Some(connection),
            (_, InHand::Own(connection)) => drop(connection.close().await),
            // Back to its pool by itself.
            (_, InHand::Shared(_)) => {}
        }
    }

    /// Gives the file free.
    pub(super) async fn put_away(self) {
        if let Self::File(_, Some(connection)) = self {
            drop(connection.close().await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Place;
    use super::super::open::{DURABLE, options};
    use super::super::open_file::OpenFile;
    use super::super::{Ledger, writer};
    use super::*;
    use crate::model::Fault as _;

    /// What a connection is that was opened while the file could not be written.
    async fn opened_read_only(path: &std::path::Path) -> Pen {
        let opening = |mode| Opening {
            options: options(&format!("sqlite://{}?mode={mode}", path.display())).unwrap(),
            pragmas: DURABLE,
        };
        let stale = opening("ro").options.connect().await.unwrap();
        Pen::File(Box::new(opening("rw")), Some(stale))
    }

    #[tokio::test]
    async fn a_connection_that_could_not_write_is_used_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let ledger = Ledger::open(&path).await.unwrap();
        let place = Place::file(&path);
        let file = OpenFile::of(&path, place.clone()).unwrap();
        let pen = opened_read_only(&path).await;
        let ledger = Ledger {
            writer: Some(writer::start(pen, (place, file), None)),
            ..ledger
        };
        let refused = ledger.writable().await.unwrap_err();
        assert_eq!(refused.code(), "ledger-unwritable", "{refused:?}");
        let hint = refused.hint().unwrap();
        assert!(hint.contains("goes on by itself"), "{hint}");
        // The file can be written, and so it is.
        ledger.writable().await.unwrap();
        ledger.close().await;
    }
}
