//! One registry of the settings: whether it leads to a chart, and who may go in. One fetch at a time: many
//! resources of one chart fetch it once, and one dead registry is waited for once.

use super::ChartError;
use super::client::Session;
use crate::config::ChartRegistry;
use crate::model::{ChartReference, Class, Fault as _, Secret, SecretSource};
use crate::net::{Client, HttpSettings};
use crate::source::secrets;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};

/// How long one request may take, a layer of the largest size included.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long a registry that gave no answer is not asked again.
const PAUSE: Duration = Duration::from_secs(10);

/// One registry.
pub(super) struct Door {
    settings: ChartRegistry,
    client: OnceLock<Client>,
    turn: Mutex<Turn>,
}

/// What the last one found.
#[derive(Default)]
pub(super) struct Turn {
    failed: Option<(Instant, ChartError)>,
}

impl Turn {
    /// Keeps why there was no answer.
    pub(super) fn failed(&mut self, error: &ChartError) {
        if error.class() == Class::Transient {
            self.failed = Some((Instant::now(), error.clone()));
        }
    }
}

impl Door {
    pub(super) fn new(settings: ChartRegistry) -> Self {
        Self {
            settings,
            client: OnceLock::new(),
            turn: Mutex::default(),
        }
    }

    pub(super) fn settings(&self) -> &ChartRegistry {
        &self.settings
    }

    /// Tells whether a chart is in it: on this host, below this path.
    pub(super) fn leads_to(&self, chart: &ChartReference) -> bool {
        let whole = format!("{}/{}/", chart.registry, chart.repository);
        let address = self.settings.address.trim_end_matches('/');
        whole
            .strip_prefix(address)
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// Waits for the turn of a chart.
    ///
    /// # Errors
    /// Its settings cannot be used, or it gave no answer a moment ago.
    pub(super) async fn enter<'d>(
        &'d self,
        chart: &'d ChartReference,
    ) -> Result<Session<'d>, ChartError> {
        let turn: MutexGuard<'d, Turn> = self.turn.lock().await;
        if let Some((when, error)) = &turn.failed
            && when.elapsed() < PAUSE
        {
            return Err(error.clone());
        }
        let client = self.client()?;
        let account = self.account()?;
        Ok(Session::new(client, &self.settings, chart, account, turn))
    }

    fn client(&self) -> Result<Client, ChartError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let settings = HttpSettings {
            timeout: TIMEOUT,
            ca_file: self.settings.ca_file.clone(),
            ..HttpSettings::default()
        };
        let client = Client::new(&settings).map_err(|error| ChartError::http(&error, "it"))?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    /// Reads the password where it lives, each time anew: it may have been changed.
    fn account(&self) -> Result<Option<(String, Secret)>, ChartError> {
        let Some((user, source)) = &self.settings.account else {
            return Ok(None);
        };
        let asked: BTreeMap<String, SecretSource> = [(String::new(), source.clone())].into();
        let found = secrets::fetch(&asked, Path::new(""));
        if let Some(error) = found.missing.into_values().next() {
            return Err(ChartError::Settings {
                reason: format!("failed to {error}"),
            });
        }
        let password = found.values.into_values().next();
        Ok(password.map(|password| (user.clone(), password)))
    }
}
