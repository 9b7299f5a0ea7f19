//! What an installed program is to render before a graph can be built, as plain data.

use super::id::ResourceId;
use super::snapshot::RepoPath;
use std::collections::BTreeSet;

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
    /// The chart's folder, or its package.
    pub path: RepoPath,
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
