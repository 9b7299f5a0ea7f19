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
}
