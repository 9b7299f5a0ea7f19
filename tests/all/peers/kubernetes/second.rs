//! A second API server over the store of the shared cluster, which a test may stop and start as it likes.

use std::path::PathBuf;

use super::start::{READY_WITHIN, TOKEN, client, server_flags, write_kubeconfig};
use super::{Cluster, cluster};
use crate::peers::process::{Guarded, free_port};
use crate::peers::wait::{outside, until};

/// The server; it ends with the test.
pub(crate) struct Second {
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Guarded>,
}

impl Second {
    /// Starts it (about five seconds).
    pub(crate) fn start() -> Self {
        let mut second = Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            process: None,
        };
        second.up();
        write_kubeconfig(
            &second.kubeconfig(),
            &second.url(),
            second.folder.path(),
            TOKEN,
        );
        second
    }

    /// An administrator's kubeconfig that leads to it.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Stops it as a machine does that fails.
    pub(crate) fn down(&mut self) {
        self.process = None;
    }

    /// Starts it again, and returns when it serves.
    pub(crate) fn up(&mut self) {
        let shared: &Cluster = cluster();
        let folder = self.folder.path();
        let flags = server_flags(&shared.folder, folder, &shared.etcd_url, self.port);
        let program = shared.programs.join("kube-apiserver");
        let mut process = Guarded::start(&program, &flags, folder, &[], false);
        let ready = format!("{}/readyz", self.url());
        outside(|| {
            until("the second API server is ready", READY_WITHIN, || {
                process.assert_running();
                let answer = client(folder)?.get(&ready).send().ok()?;
                answer.status().is_success().then_some(())
            });
        });
        self.process = Some(process);
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }
}
