//! What a spec takes from outside its repository: secrets of this machine, and programs that render.

use super::render::{Rendered, Renderer};
use super::secrets::{self, Secrets};
use super::sops::Sops;
use crate::model::{Render, SecretSource, Snapshot};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What specs of one repository or folder may take from outside. Clones share what was rendered.
#[derive(Clone)]
pub struct Outside {
    base: Arc<PathBuf>,
    renderer: Renderer,
    sops: Sops,
}

impl Outside {
    /// Counts relative paths of secret files from `base`.
    pub fn new(base: impl Into<PathBuf>, renderer: Renderer, sops: Sops) -> Self {
        Self {
            base: Arc::new(base.into()),
            renderer,
            sops,
        }
    }

    /// Reads secrets where they live: on this machine, or encrypted in the snapshot.
    pub async fn secrets(
        &self,
        sources: &BTreeMap<String, SecretSource>,
        snapshot: &Snapshot,
    ) -> Secrets {
        let mut secrets = secrets::fetch(sources, &self.base);
        for (name, source) in sources {
            if matches!(source, SecretSource::Sops { .. }) {
                match self.sops.read(source, snapshot).await {
                    Ok(secret) => drop(secrets.values.insert(name.clone(), secret)),
                    Err(error) => drop(secrets.missing.insert(name.clone(), error)),
                }
            }
        }
        secrets
    }

    /// Renders all that is asked for.
    pub async fn render(&self, asked: &[Render], snapshot: &Snapshot) -> Rendered {
        self.renderer.render(asked, snapshot).await
    }
}
