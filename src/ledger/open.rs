//! The four ways to open a ledger.

use super::error::{LedgerError, Place};
use super::lock::{Holder, Lock, holder_of};
use super::open_file::OpenFile;
use super::pen::{Opening, Pen};
use super::schema;
use super::secrets::Secrets;
use super::{Ledger, writer};
use crate::model::DigestKey;
use crate::telemetry::Clock;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Connection as _};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How many may read at once beside the writer.
const CONNECTIONS: u32 = 4;

/// Full synchronisation: a commit is on the disk before it returns. The journal is cut back after
/// checkpoints so that a burst does not keep its size for ever.
pub(super) const DURABLE: &[&str] = &[
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA journal_size_limit = 16777216",
];

impl Ledger {
    /// Opens the daemon's ledger, made with its folder where it is missing (both for this user only).
    ///
    /// # Errors
    /// `Locked` where another daemon has it; `Corrupt`, `Newer`, `Full` or `Open` with what to do.
    pub async fn open(path: &Path) -> Result<Self, LedgerError> {
        let path = made(path)?;
        let place = Place::file(&path);
        let lock = Lock::take(&path, &place)?;
        let (pool, opening) = pool(&path, "rw", &place).await?;
        let file = OpenFile::of(&path, place.clone())?;
        let pen = Pen::for_file(opening);
        Self::ready((pool, pen), (place, file), Some(lock)).await
    }

    /// Opens the ledger beside a daemon that may be running, for small writes such as a pause.
    ///
    /// # Errors
    /// As [`Ledger::open`], `Locked` apart.
    pub async fn open_beside(path: &Path) -> Result<Self, LedgerError> {
        let path = made(path)?;
        let place = Place::file(&path);
        let (pool, opening) = pool(&path, "rw", &place).await?;
        let file = OpenFile::of(&path, place.clone())?;
        let pen = Pen::for_file(opening);
        Self::ready((pool, pen), (place, file), None).await
    }

    /// Opens the ledger for reading, beside a daemon that may be running. Every write is refused.
    ///
    /// # Errors
    /// `NotFound` where there is none; else as [`Ledger::open`], `Locked` apart.
    pub async fn open_for_reading(path: &Path) -> Result<Self, LedgerError> {
        let place = Place::file(path);
        if !path.is_file() {
            return Err(LedgerError::NotFound(place));
        }
        let path = absolute(path, &place)?;
        let (pool, _) = pool(&path, "ro", &place).await?;
        let file = OpenFile::of(&path, place.clone())?;
        let failed = |error| LedgerError::from_database(&place, error);
        let mut connection = pool.acquire().await.map_err(failed)?;
        if !schema::is_there(&mut connection).await.map_err(failed)? {
            return Err(LedgerError::NotFound(place));
        }
        schema::check(&mut connection, &place).await?;
        let key = schema::fact(&mut connection, "digest-key")
            .await
            .map_err(failed)?;
        // It is written in one go with the tables: without it, digests would seem to differ.
        let key = key.ok_or_else(|| LedgerError::corrupt(&place, "it has no digest key"))?;
        drop(connection);
        Ok(Self {
            key: DigestKey::new(key),
            pool,
            writer: None,
            clock: Clock::system(),
            place,
            file,
            secrets: Secrets::default(),
        })
    }

    /// Opens a ledger that nobody sees and that ends with its last clone.
    ///
    /// # Errors
    /// Whatever the database says; nothing is known to go wrong.
    pub async fn in_memory() -> Result<Self, LedgerError> {
        let place = Place::memory();
        let failed = |error| LedgerError::from_database(&place, error);
        let options = options("sqlite::memory:").map_err(failed)?;
        // Memory is the connection: a second one, or a new one, would be another, empty ledger.
        let pool = AnyPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await
            .map_err(failed)?;
        let file = OpenFile::memory(place.clone());
        let pen = Pen::Memory(pool.clone());
        Self::ready((pool, pen), (place, file), None).await
    }

    /// Tells which daemon holds the ledger in this file now.
    pub fn holder(path: &Path) -> Holder {
        holder_of(path)
    }

    async fn ready(
        (pool, pen): (AnyPool, Pen),
        (place, file): (Place, OpenFile),
        lock: Option<Lock>,
    ) -> Result<Self, LedgerError> {
        let failed = |error| LedgerError::from_database(&place, error);
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        schema::prepare(&mut transaction, &place).await?;
        let key = digest_key(&mut transaction, &place).await?;
        transaction.commit().await.map_err(failed)?;
        let writer = writer::start(pen, (place.clone(), file.clone()), lock);
        Ok(Self {
            pool,
            writer: Some(writer),
            key,
            clock: Clock::system(),
            place,
            file,
            secrets: Secrets::default(),
        })
    }
}

async fn digest_key(
    connection: &mut AnyConnection,
    place: &Place,
) -> Result<DigestKey, LedgerError> {
    let failed = |error| LedgerError::from_database(place, error);
    if let Some(key) = schema::fact(connection, "digest-key")
        .await
        .map_err(failed)?
    {
        return Ok(DigestKey::new(key));
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| LedgerError::Open {
        place: place.clone(),
        source: io::Error::other(error),
    })?;
    let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    schema::set_fact(connection, "digest-key", key.clone())
        .await
        .map_err(failed)?;
    Ok(DigestKey::new(key))
}

/// Makes folder and file where they are missing, so that they are this user's only: the database
/// gives its journal the rights of its file.
fn made(path: &Path) -> Result<PathBuf, LedgerError> {
    let place = Place::file(path);
    let path = absolute(path, &place)?;
    let make = || {
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        let mut options = File::options();
        options.append(true).create(true).mode(0o600).open(&path)
    };
    match make() {
        Ok(_made) => Ok(path),
        Err(source) => Err(LedgerError::Open { place, source }),
    }
}

fn absolute(path: &Path, place: &Place) -> Result<PathBuf, LedgerError> {
    std::path::absolute(path).map_err(|source| LedgerError::Open {
        place: place.clone(),
        source,
    })
}

/// Opens a ledger's file for those who read, and says how it is opened.
async fn pool(path: &Path, mode: &str, place: &Place) -> Result<(AnyPool, Opening), LedgerError> {
    let failed = |error| LedgerError::from_database(place, error);
    let refused = |text: &str| LedgerError::Open {
        place: place.clone(),
        source: io::Error::new(io::ErrorKind::InvalidInput, text.to_owned()),
    };
    if fs::metadata(path).is_ok_and(|file| !file.is_file()) {
        return Err(refused("it is not a file"));
    }
    let mut url = url::Url::from_file_path(path).map_err(|()| refused("the path is not UTF-8"))?;
    url.set_query(Some(&format!("mode={mode}")));
    let url = url.as_str().replacen("file://", "sqlite://", 1);
    let pragmas = if mode == "ro" { &[] } else { DURABLE };
    let options = options(&url).map_err(failed)?;
    let opening = Opening { options, pragmas };
    // The first by itself: a pool tries a file that is no database again until it times out.
    first(&opening).await.map_err(failed)?;
    let (options, each) = (opening.options.clone(), Arc::new(opening.clone()));
    let pool = AnyPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(move |connection, _| {
            let each = Arc::clone(&each);
            Box::pin(async move { each.set(connection).await })
        })
        .connect_with(options)
        .await
        .map_err(failed)?;
    Ok((pool, opening))
}

async fn first(opening: &Opening) -> Result<(), sqlx::Error> {
    let mut connection = opening.connection().await?;
    sqlx::query("SELECT COUNT(*) FROM sqlite_master")
        .execute(&mut connection)
        .await?;
    connection.close().await
}

pub(super) fn options(url: &str) -> Result<AnyConnectOptions, sqlx::Error> {
    sqlx::any::install_default_drivers();
    Ok(url
        .parse::<AnyConnectOptions>()?
        .disable_statement_logging())
}
