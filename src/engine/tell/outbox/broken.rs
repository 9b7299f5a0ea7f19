//! For tests: a ledger whose deliveries, waiting and done, cannot be read for a while.

use sqlx::{AnyConnection, Connection as _};
use std::path::Path;
use tokio::sync::Mutex;

/// A second hand at the ledger's file.
pub(in crate::engine::tell) struct Broken(Mutex<AnyConnection>);

impl Broken {
    /// Opens it beside whoever has it.
    pub(in crate::engine::tell) async fn of(path: &Path) -> Self {
        let url = format!("sqlite://{}", path.display());
        Self(Mutex::new(AnyConnection::connect(&url).await.unwrap()))
    }

    /// From now on reading deliveries fails.
    pub(in crate::engine::tell) async fn take_away(&self) {
        self.run("ALTER TABLE deliveries RENAME TO deliveries_away")
            .await;
        self.run("ALTER TABLE facts RENAME TO facts_away").await;
    }

    /// They can be read again, and nothing is lost.
    pub(in crate::engine::tell) async fn bring_back(&self) {
        self.run("ALTER TABLE facts_away RENAME TO facts").await;
        self.run("ALTER TABLE deliveries_away RENAME TO deliveries")
            .await;
    }

    async fn run(&self, sql: &'static str) {
        let mut connection = self.0.lock().await;
        sqlx::query(sql).execute(&mut *connection).await.unwrap();
    }
}
