//! What an installed program is to render before a graph can be built, as plain data.

use super::digest::Digest;
use super::id::ResourceId;
use super::snapshot::RepoPath;
use std::collections::BTreeSet;
use std::fmt;

/// One resource whose objects a program renders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Render {
    /// Whose objects they are.
    pub resource: ResourceId,
    /// The files and folders of the snapshot that the program may see, and no others.
    pub reads: BTreeSet<RepoPath>,
    /// What is rendered.
    pub recipe: Recipe,
}

/// What is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// The kustomization in this folder.
    Kustomization(RepoPath),
    /// A Helm chart.
    Chart(Box<Chart>),
}

/// A Helm chart with its values. There is no secret in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// The chart's folder, or its package; of a chart that is fetched, where its files are put.
    pub path: RepoPath,
    /// The registry it is fetched from; `None` where it stands in the repository.
    pub fetched: Option<ChartReference>,
    /// `.Release.Name`.
    pub release: String,
    /// `.Release.Namespace`.
    pub namespace: Option<String>,
    /// Files of values; a later one wins.
    pub values_files: Vec<RepoPath>,
    /// Values that win over the files'.
    pub values: serde_json::Value,
    /// Single values by Helm's paths, which win over all others.
    pub set: Vec<(String, serde_json::Value)>,
    /// Whether objects of the chart's `crds` folder are rendered too.
    pub crds: bool,
    /// `.Capabilities.KubeVersion`; `None` means Helm's own.
    pub kube_version: Option<String>,
    /// What `.Capabilities.APIVersions` has beside the built-in ones.
    pub api_versions: Vec<String>,
}

/// One chart in an OCI registry: by its version, its digest, or both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChartReference {
    /// `host` or `host:port`, in lower case.
    pub registry: String,
    /// Where it is in the registry: `charts/web`.
    pub repository: String,
    /// One version, never a range. Beside a digest it only says what that is expected to hold.
    pub version: Option<String>,
    /// The digest of its manifest; without one, the version decides.
    pub digest: Option<Digest>,
}

impl ChartReference {
    /// Returns the chart's own name.
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for ChartReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci://{}/{}", self.registry, self.repository)?;
        match (&self.version, &self.digest) {
            (Some(version), _) => write!(f, " {version}"),
            (None, Some(digest)) => write!(f, "@sha256:{}", digest.short()),
            (None, None) => Ok(()),
        }
    }
}
