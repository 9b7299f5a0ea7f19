//! Snapshot -> environments, or every mistake with its place. Pure.
//!
//! ```text
//! Snapshot -> find (documents by content) -> layer (extends) -> environment (typed, names checked)
//! ```
//!
//! Expressions are parsed and their names checked here; `graph` evaluates them.

mod approval;
pub(crate) mod chart;
mod cluster_secret;
mod connection;
pub(crate) mod environment;
pub(crate) mod expression;
mod find;
pub(crate) mod health_rule;
mod hiding;
mod kustomization;
mod layer;
mod lifecycle;
pub mod manifests;
pub(crate) mod names;
mod own_secret;
mod reading;
mod reconcile;
mod references;
pub(crate) mod registry_chart;
mod resource;
mod schema;
mod secret;
pub(crate) mod secret_reads;
pub(crate) mod shape;
pub(crate) mod template;
#[cfg(test)]
pub(crate) mod tests;
mod uses;

pub use approval::{Approval, schema as approval_schema};
pub use connection::Connecting;
pub use environment::Environment;
pub use reading::read;
pub use resource::Declared;
pub use schema::schema;
pub use uses::SecretUses;

use crate::model::{Diagnostic, EnvironmentName, Kinds, RepoPath};
use std::collections::BTreeSet;

/// The `apiVersion` of every document of ours.
pub const API_VERSION: &str = "reconciled.dev/v1alpha1";

/// What is read, and how.
#[derive(Clone, Debug)]
pub struct ReadOptions<'a> {
    /// The folder that is searched; `None` searches the whole repository.
    pub folder: Option<RepoPath>,
    /// Only environments of this file, or of files below this folder, are returned. Names are still
    /// compared with all others that are found.
    pub only: Option<RepoPath>,
    /// What kinds there are.
    pub kinds: &'a Kinds,
}

/// One environment that was found.
#[derive(Clone, Debug)]
pub struct EnvironmentReading {
    /// Its name.
    pub name: EnvironmentName,
    /// The file it stands in.
    pub path: RepoPath,
    /// Every file and folder it depends on, itself included: a change under any of them may change it.
    pub files: BTreeSet<RepoPath>,
    /// The environment, or every mistake in it.
    pub environment: Result<Environment, Vec<Diagnostic>>,
    /// The approval that stands beside it; it has no say in what the environment is.
    pub approval: Option<Approval>,
}

/// What a snapshot holds.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Environments by name. Of two with one name both are here, each with the error.
    pub environments: Vec<EnvironmentReading>,
    /// Mistakes in files of ours that belong to no environment that could be named.
    pub diagnostics: Vec<Diagnostic>,
    /// Files of those that may be meant as an environment all the same.
    pub hiding: BTreeSet<RepoPath>,
}
