//! What `deploy/` holds, held to what it is for: systemd's own checker, a real API server, the
//! daemon's own reading of its settings.

mod account;
pub(crate) mod action;
mod hook;
mod image;
mod kubernetes;
mod systemd;

use std::path::PathBuf;

/// Returns a file or folder of `deploy/`.
fn deploy(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(name)
}
