//! Charts of OCI registries: fetched once, and kept by digest.
//!
//! We speak to registries ourselves instead of through `helm pull`: that reads a layer of any size into
//! memory, follows redirects anywhere, starts programs that a Docker configuration names, and wants the
//! password in a file. Only registries of the daemon's settings are asked, so that no branch makes the
//! daemon reach wherever it likes.
//!
//! A digest never changes what it means, so what is kept is never asked for again. A version could be
//! moved to other bytes: it is looked up once, and what it meant then is kept, as what was reviewed has
//! to be what is applied. Nothing is fetched in a pass that fetched it before.
//!
//! ```text
//! ChartReference -> allowed? -> version kept? -> manifest by tag -> Digest
//! Digest -> manifest, layer: kept, or fetched and checked -> archive -> files
//! ```

mod archive;
mod client;
mod door;
mod error;
mod manifest;
mod store;

pub use error::ChartError;

use crate::config::ChartRegistry;
use crate::model::{ChartReference, Digest, File, RepoPath};
use bytes::Bytes;
use client::{Session, What};
use door::Door;
use manifest::Manifest;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use store::Store;

/// Fetches charts from the registries of the settings. Clones share what they know. By default there is
/// no registry to fetch from.
#[derive(Clone, Default)]
pub struct Charts(Arc<Inner>);

#[derive(Default)]
struct Inner {
    doors: Vec<Door>,
    store: Store,
    /// What versions meant when they were first looked up.
    versions: Mutex<HashMap<String, Digest>>,
}

impl Charts {
    /// Fetches from these registries, and keeps what is fetched below a folder.
    pub fn new(registries: &[ChartRegistry], folder: PathBuf) -> Self {
        Self(Arc::new(Inner {
            doors: registries.iter().cloned().map(Door::new).collect(),
            store: Store::new(folder),
            versions: Mutex::default(),
        }))
    }

    /// Returns the digest of the chart that is meant. A version is looked up where it never was.
    ///
    /// # Errors
    /// Its registry is not allowed, cannot be asked, or does not have it.
    pub async fn pinned(&self, chart: &ChartReference) -> Result<Digest, ChartError> {
        let door = self.door(chart)?;
        if let Some(digest) = &chart.digest {
            return Ok(digest.clone());
        }
        let version = chart.version.as_deref().unwrap_or_default();
        let key = format!("{}/{}:{version}", chart.registry, chart.repository);
        if let Some(digest) = self.version(&key).await {
            return Ok(digest);
        }
        let tag = version.replace('+', "_");
        let mut session = door.enter(chart).await?;
        // Somebody else may have asked for the same meanwhile.
        if let Some(digest) = self.version(&key).await {
            return Ok(digest);
        }
        let manifest = session.get(What::Manifest(&tag)).await?;
        let found = Digest::of(&manifest);
        self.0.store.put(manifest).await;
        let digest = self.0.store.put_version(&key, &found).await;
        tracing::info!(chart = %chart, %digest, "Version of a chart looked up");
        self.versions().insert(key, digest.clone());
        Ok(digest)
    }

    /// Returns the files of a chart, below a folder. Nothing is asked for that is kept.
    ///
    /// # Errors
    /// What is not kept cannot be fetched, is not what its digest says, or is no chart.
    pub async fn files(
        &self,
        chart: &ChartReference,
        digest: &Digest,
        below: &RepoPath,
    ) -> Result<BTreeMap<RepoPath, File>, ChartError> {
        let door = self.door(chart)?;
        let mut session = None;
        let manifest = self
            .blob(door, chart, (What::Pinned(digest), digest), &mut session)
            .await?;
        let layer = Manifest::read(&manifest)?.layer;
        let archive = self
            .blob(
                door,
                chart,
                (What::Layer(&layer), &layer.digest),
                &mut session,
            )
            .await?;
        let (below, expected) = (below.clone(), chart.clone());
        let unpacked = tokio::task::spawn_blocking(move || {
            let files = archive::unpacked(&archive, &below)?;
            // Only a digest leaves open which version it is.
            let said = expected.version.filter(|_| expected.digest.is_some());
            archive::is_version(&files, &below, said.as_deref())?;
            Ok(files)
        });
        unpacked
            .await
            .unwrap_or_else(|error| Err(ChartError::archive(error.to_string())))
    }

    /// Returns what has a digest.
    async fn blob<'d>(
        &self,
        door: &'d Door,
        chart: &'d ChartReference,
        (what, digest): (What<'_>, &Digest),
        session: &mut Option<Session<'d>>,
    ) -> Result<Bytes, ChartError> {
        if let Some(kept) = self.0.store.get(digest).await {
            return Ok(kept);
        }
        if session.is_none() {
            *session = Some(door.enter(chart).await?);
        }
        // Somebody else may have fetched the same meanwhile.
        if let Some(kept) = self.0.store.get(digest).await {
            return Ok(kept);
        }
        let Some(session) = session else {
            return Err(ChartError::archive("there is no session".to_owned()));
        };
        let bytes = session.get(what).await?;
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(ChartError::WrongDigest {
                expected: digest.clone(),
                found,
            });
        }
        self.0.store.put(bytes.clone()).await;
        tracing::info!(chart = %chart, %digest, bytes = bytes.len(), "Part of a chart fetched");
        Ok(bytes)
    }

    async fn version(&self, key: &str) -> Option<Digest> {
        let known = self.versions().get(key).cloned();
        if known.is_some() {
            return known;
        }
        let kept = self.0.store.version(key).await?;
        self.versions().insert(key.to_owned(), kept.clone());
        Some(kept)
    }

    fn versions(&self) -> std::sync::MutexGuard<'_, HashMap<String, Digest>> {
        let versions = self.0.versions.lock();
        versions.unwrap_or_else(PoisonError::into_inner)
    }

    fn door(&self, chart: &ChartReference) -> Result<&Door, ChartError> {
        let leads = self.0.doors.iter().filter(|door| door.leads_to(chart));
        leads
            .max_by_key(|door| door.settings().address.len())
            .ok_or_else(|| ChartError::NotAllowed {
                registry: chart.registry.clone(),
            })
    }
}
