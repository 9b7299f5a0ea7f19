//! The registry of the distribution project: with TLS and an account, or without either. Charts are pushed to
//! it by the real helm; what no helm would push goes in by the protocol, or into its folder.

use super::git::certify;
use super::process::{Guarded, free_port, installed};
use super::wait::until;
use reconciled::config::ChartRegistry;
use reconciled::model::SecretSource;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Who may do anything there.
pub(crate) const USER: &str = "robot";
/// Her password.
pub(crate) const PASSWORD: &str = "canary-registry";
/// The line of the two, by bcrypt.
const ACCOUNTS: &str = "robot:$2a$10$SvuDRV9pcW5jymjBsbvbIuuLS3sWk0737BwcSdUEaNZPDMGRNyDYu\n";

const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry while it runs.
pub(crate) struct Registry {
    folder: tempfile::TempDir,
    secure: bool,
    port: u16,
    program: Option<Guarded>,
}

/// Returns the SHA-256 of something, as registries write it.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes);
    let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

impl Registry {
    /// With TLS, and for one account only.
    pub(crate) fn secure() -> Self {
        Self::start(true)
    }

    /// Over http, and for everybody.
    pub(crate) fn open() -> Self {
        Self::start(false)
    }

    fn start(secure: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, port) = (folder.path(), free_port());
        let mut settings = json!({
            "version": "0.1", "log": { "accesslog": { "disabled": false } },
            "storage": { "filesystem": { "rootdirectory": path.join("data") } },
            "http": { "addr": format!("127.0.0.1:{port}") },
        });
        if secure {
            certify(path);
            std::fs::write(path.join("accounts"), ACCOUNTS).unwrap();
            settings["http"]["tls"] =
                json!({ "certificate": path.join("leaf.pem"), "key": path.join("leaf.key") });
            settings["auth"] =
                json!({ "htpasswd": { "realm": "charts", "path": path.join("accounts") } });
        }
        std::fs::write(path.join("settings.yaml"), settings.to_string()).unwrap();
        let mut registry = Self {
            folder,
            secure,
            port,
            program: None,
        };
        registry.resume();
        registry
    }

    /// Starts it again where it was stopped.
    pub(crate) fn resume(&mut self) {
        let program = installed("registry").join("registry");
        let settings = self.folder.path().join("settings.yaml");
        let arguments = ["serve".as_ref(), settings.as_os_str()];
        let mut program = Guarded::start(&program, &arguments, self.folder.path(), &[], false);
        until("the registry listens", Duration::from_secs(180), || {
            program.assert_running();
            std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
        self.program = Some(program);
    }

    /// Stops it.
    pub(crate) fn stop(&mut self) {
        self.program = None;
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The certificate authority to trust.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What the settings say of it, for charts below a path.
    pub(crate) fn settings(&self, path: &str, password: Option<&Path>) -> ChartRegistry {
        ChartRegistry {
            address: format!("{}{path}", self.address()),
            account: password.map(|file| {
                let file = file.to_str().unwrap().to_owned();
                (USER.to_owned(), SecretSource::File(file))
            }),
            plain_http: !self.secure,
            ca_file: self.secure.then(|| self.ca_file()),
        }
    }

    /// How many requests it has answered.
    pub(crate) fn requests(&self) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("registry.log"));
        let log = log.unwrap_or_default();
        log.lines()
            .filter(|line| line.contains("HTTP/1.1\""))
            .count()
    }

    /// Packs a chart of these files and pushes it, by helm, to `charts/NAME`. Returns its digest.
    pub(crate) fn push(&self, name: &str, version: &str, files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path().join(name);
        let about = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        for (path, text) in [("Chart.yaml", about.as_str())].iter().chain(files) {
            let path = chart.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let chart = chart.to_str().unwrap().to_owned();
        helm(folder.path(), &["package", &chart]);
        let package = format!("{name}-{version}.tgz");
        let to = format!("oci://{}/charts", self.address());
        let ca_file = self.ca_file();
        let ca_file = ca_file.to_str().unwrap();
        let mut arguments = vec!["push", &package, &to];
        if self.secure {
            arguments.extend([
                "--ca-file",
                ca_file,
                "--username",
                USER,
                "--password",
                PASSWORD,
            ]);
        } else {
            arguments.push("--plain-http");
        }
        let said = helm(folder.path(), &arguments);
        let digest = said.lines().find_map(|line| line.strip_prefix("Digest: "));
        digest.unwrap_or_else(|| panic!("{said}")).trim().to_owned()
    }

    /// Puts an archive of any kind where charts are, without helm. `change` may change its manifest. Returns
    /// the manifest's digest.
    pub(crate) async fn put(
        &self,
        name: &str,
        tag: &str,
        archive: &[u8],
        change: impl FnOnce(&mut Json),
    ) -> String {
        let client = reqwest::Client::new();
        let root = format!("http://{}/v2/charts/{name}", self.address());
        for blob in [b"{}".as_slice(), archive] {
            let opened = client
                .post(format!("{root}/blobs/uploads/"))
                .send()
                .await
                .unwrap();
            let mut at =
                reqwest::Url::parse(opened.headers()["location"].to_str().unwrap()).unwrap();
            at.query_pairs_mut().append_pair("digest", &digest(blob));
            let put = client.put(at).body(blob.to_vec()).send().await.unwrap();
            assert!(put.status().is_success(), "{put:?}");
        }
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": digest(b"{}"), "size": 2 },
            "layers": [{ "mediaType": CHART, "digest": digest(archive), "size": archive.len() }],
        });
        change(&mut manifest);
        let manifest = manifest.to_string();
        let found = digest(manifest.as_bytes());
        let put = client.put(format!("{root}/manifests/{tag}"));
        let put = put
            .header("content-type", MANIFEST)
            .body(manifest)
            .send()
            .await
            .unwrap();
        assert!(put.status().is_success(), "{put:?}");
        found
    }

    /// Changes what it keeps under a digest, behind its back.
    pub(crate) fn tamper(&self, digest: &str, bytes: &[u8]) {
        let digits = digest.strip_prefix("sha256:").unwrap();
        let path = format!(
            "data/docker/registry/v2/blobs/sha256/{}/{digits}/data",
            &digits[..2]
        );
        let path = self.folder.path().join(path);
        assert!(path.exists(), "{path:?}");
        std::fs::write(path, bytes).unwrap();
    }
}

fn helm(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(installed("render").join("helm"))
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}
