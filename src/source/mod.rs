//! Git -> `Snapshot`: fetches one branch and reads its files straight from the object store.
//!
//! There is no checkout, nothing in a repository is run, and no error looks like an empty repository.
//!
//! ```text
//! Target -> Repository -> head (one small request) -> fetch (one commit, no history) -> Snapshot
//!                      `-> merge_preview, fork_preview (base + head, merged in memory) -> Snapshot
//! folder -> Snapshot        Watch -> "it changed"        secrets, sops -> Secret        charts, render -> text
//! ```

mod blobs;
mod cache;
pub mod charts;
mod error;
pub mod folder;
mod history;
mod limits;
mod merge;
mod movement;
mod origin;
mod ours;
mod outside;
mod place;
mod remote;
pub mod render;
mod repository;
pub mod secrets;
pub mod sops;
mod stop;
mod store;
mod target;
mod tree;
mod watch;
mod wire;
mod word;
mod working;

pub use error::SourceError;
pub use limits::Limits;
pub use merge::MergePreview;
pub use movement::Movement;
pub use ours::is_ours;
pub use outside::Outside;
pub use place::Place;
pub use repository::{Fetched, Repository, Touching};
pub use target::{Credentials, Target};
pub use watch::Watch;
pub use word::Word;
pub use working::Working;

pub(crate) use stop::{Stop, blocking};
