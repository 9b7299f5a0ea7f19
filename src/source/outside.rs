//! What a spec takes from outside its repository: secrets of this machine, and programs that render.

use super::render::{Rendered, Renderer};
use super::secrets::{self, Secrets};
use crate::model::{Render, SecretSource, Snapshot};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What specs of one repository or folder may take from outside. Clones share what was rendered.
#[derive(Clone)]
pub struct Outside {
    base: Arc<PathBuf>,
    renderer: Renderer,
}

impl Outside {
    /// Counts relative paths of secret files from `base`.
    pub fn new(base: impl Into<PathBuf>, renderer: Renderer) -> Self {
        Self {
            base: Arc::new(base.into()),
            renderer,
        }
    }

    /// Reads secrets where they live.
    pub fn secrets(&self, sources: &BTreeMap<String, SecretSource>) -> Secrets {
        secrets::fetch(sources, &self.base)
    }

    /// Renders all that is asked for.
    pub async fn render(&self, asked: &[Render], snapshot: &Snapshot) -> Rendered {
        self.renderer.render(asked, snapshot).await
    }
}
