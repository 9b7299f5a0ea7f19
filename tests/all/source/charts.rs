//! Charts of a real registry, pushed by the real helm: fetched once, kept by digest, and only from registries of
//! the settings.

use crate::peers::registry::{PASSWORD, Registry};
use reconciled::config::ChartRegistry;
use reconciled::model::{ChartReference, Digest, Fault as _, File, RepoPath};
use reconciled::source::charts::{ChartError, Charts};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

type Files = BTreeMap<RepoPath, File>;

fn below() -> RepoPath {
    RepoPath::new(".fetched/web").unwrap()
}

/// What keeps charts, in a folder of its own.
pub(super) struct Keeper {
    pub(super) folder: tempfile::TempDir,
    registries: Vec<ChartRegistry>,
    charts: Charts,
}

impl Keeper {
    pub(super) fn of(registries: Vec<ChartRegistry>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let charts = Charts::new(&registries, folder.path().join("charts"));
        Self {
            folder,
            registries,
            charts,
        }
    }

    /// As after a start of the daemon.
    pub(super) fn again(&mut self) {
        self.charts = Charts::new(&self.registries, self.folder.path().join("charts"));
    }

    pub(super) async fn fetch(
        &self,
        chart: &ChartReference,
    ) -> Result<(Digest, Files), ChartError> {
        let digest = self.charts.pinned(chart).await?;
        let files = self.charts.files(chart, &digest, &below()).await?;
        Ok((digest, files))
    }

    pub(super) async fn fails(&self, chart: &ChartReference) -> ChartError {
        self.fetch(chart).await.map(drop).unwrap_err()
    }
}

pub(super) fn version(registry: &Registry, name: &str, version: &str) -> ChartReference {
    ChartReference {
        registry: registry.address(),
        repository: format!("charts/{name}"),
        version: Some(version.to_owned()),
        digest: None,
    }
}

pub(super) fn pinned(registry: &Registry, name: &str, digest: &str) -> ChartReference {
    ChartReference {
        version: None,
        digest: Some(Digest::from_hex(digest.strip_prefix("sha256:").unwrap())),
        ..version(registry, name, "")
    }
}

fn password(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("password");
    std::fs::write(&file, text).unwrap();
    file
}

pub(super) fn text(files: &Files, path: &str) -> String {
    match &files[&below().resolve(path).unwrap()] {
        File::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_is_fetched_once_and_outlives_its_registry() {
    let mut registry = Registry::open();
    let pushed = registry.push("web", "1.2.3+build.5", &[("templates/a.yaml", "a: b\n")]);
    let chart = version(&registry, "web", "1.2.3+build.5");
    let mut keeper = Keeper::of(vec![registry.settings("/charts", None)]);
    let (digest, files) = keeper.fetch(&chart).await.unwrap();
    assert_eq!(format!("sha256:{digest}"), pushed);
    assert_eq!(text(&files, "templates/a.yaml"), "a: b\n");
    // A second resource, another look, a new start: nobody is asked.
    let asked = registry.requests();
    assert!(asked >= 2, "{asked}");
    assert_eq!(keeper.fetch(&chart).await.unwrap().1, files);
    keeper.again();
    keeper.fetch(&chart).await.unwrap();
    keeper
        .fetch(&pinned(&registry, "web", &pushed))
        .await
        .unwrap();
    assert_eq!(registry.requests(), asked);
    registry.stop();
    keeper.again();
    assert_eq!(keeper.fetch(&chart).await.unwrap().1, files);
    let error = keeper.fails(&version(&registry, "web", "2.0.0")).await;
    assert_eq!(error.code(), "registry-unreachable", "{error}");
    // What is new is had as soon as the registry is back; a registry that gave no answer rests for a moment.
    registry.resume();
    registry.push("web", "2.0.0", &[("templates/a.yaml", "a: c\n")]);
    keeper.again();
    let (_, files) = keeper
        .fetch(&version(&registry, "web", "2.0.0"))
        .await
        .unwrap();
    assert_eq!(text(&files, "templates/a.yaml"), "a: c\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_pushed_again_stays_what_it_was_reviewed_as() {
    let registry = Registry::open();
    let first = registry.push("web", "1.0.0", &[("templates/a.yaml", "a: reviewed\n")]);
    let chart = version(&registry, "web", "1.0.0");
    let mut keeper = Keeper::of(vec![registry.settings("", None)]);
    keeper.fetch(&chart).await.unwrap();
    let second = registry.push("web", "1.0.0", &[("templates/a.yaml", "a: moved\n")]);
    assert_ne!(first, second);
    keeper.again();
    let (digest, files) = keeper.fetch(&chart).await.unwrap();
    assert_eq!(format!("sha256:{digest}"), first);
    assert_eq!(text(&files, "templates/a.yaml"), "a: reviewed\n");
    // Whoever wants the other names it, and what it is expected to be.
    let mut other = pinned(&registry, "web", &second);
    other.version = Some("1.0.0".to_owned());
    let (_, files) = keeper.fetch(&other).await.unwrap();
    assert_eq!(text(&files, "templates/a.yaml"), "a: moved\n");
    other.version = Some("1.0.1".to_owned());
    let error = keeper.fails(&other).await;
    assert_eq!(
        error.to_string(),
        "its digest is that of version 1.0.0, not of 1.0.1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_opens_a_registry_and_its_password_stands_in_no_error() {
    let registry = Registry::secure();
    registry.push("web", "1.0.0", &[("templates/a.yaml", "a: b\n")]);
    let chart = version(&registry, "web", "1.0.0");
    let home = tempfile::tempdir().unwrap();
    let right = password(home.path(), PASSWORD);
    let keeper = Keeper::of(vec![registry.settings("", Some(&right))]);
    keeper.fetch(&chart).await.unwrap();

    let keeper = Keeper::of(vec![registry.settings("", None)]);
    let error = keeper.fails(&chart).await;
    assert_eq!(
        error.to_string(),
        "its registry refuses whoever has no account (401)"
    );
    let wrong = password(home.path(), "canary-wrong");
    let keeper = Keeper::of(vec![registry.settings("", Some(&wrong))]);
    let error = keeper.fails(&chart).await;
    assert_eq!(
        error.to_string(),
        "its registry refuses the account of the settings (401)"
    );
    assert!(
        error
            .hint()
            .unwrap()
            .contains("providers.kubernetes.registries")
    );
    // A new password counts at once.
    password(home.path(), PASSWORD);
    keeper.fetch(&chart).await.unwrap();

    let mut distrusted = registry.settings("", Some(&wrong));
    distrusted.ca_file = None;
    let error = Keeper::of(vec![distrusted]).fails(&chart).await;
    assert_eq!(error.code(), "registry-unreachable", "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_registries_of_the_settings_are_asked() {
    let registry = Registry::open();
    registry.push("web", "1.0.0", &[]);
    let chart = version(&registry, "web", "1.0.0");
    for elsewhere in ["/other", "/chart", "/charts/web2"] {
        let keeper = Keeper::of(vec![registry.settings(elsewhere, None)]);
        let error = keeper.fails(&chart).await;
        assert_eq!(error.code(), "registry-not-allowed", "{elsewhere}");
        assert!(
            error
                .hint()
                .unwrap()
                .contains("providers.kubernetes.registries")
        );
    }
    let before = registry.requests();
    let mut keeper = Keeper::of(vec![registry.settings("/charts/web", None)]);
    keeper.fetch(&chart).await.unwrap();
    assert!(registry.requests() > before);
    // What is taken off the list is used no more, though it is kept.
    keeper.registries.clear();
    keeper.again();
    assert_eq!(keeper.fails(&chart).await.code(), "registry-not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_costs_only_another_fetch() {
    let registry = Registry::open();
    registry.push("web", "1.0.0", &[("templates/a.yaml", "a: b\n")]);
    let folder = tempfile::tempdir().unwrap();
    let mut file = std::fs::File::create(folder.path().join("charts")).unwrap();
    file.write_all(b"in the way").unwrap();
    let charts = Charts::new(&[registry.settings("", None)], folder.path().join("charts"));
    let chart = version(&registry, "web", "1.0.0");
    for _ in 0..2 {
        let digest = charts.pinned(&chart).await.unwrap();
        let files = charts.files(&chart, &digest, &below()).await.unwrap();
        assert_eq!(text(&files, "templates/a.yaml"), "a: b\n");
    }
}
