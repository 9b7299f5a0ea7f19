//! The source room against real repositories and real servers.

mod bad_charts;
mod charts;
mod cut;
mod faults;
mod forks;
mod movement;
mod origins;
mod preview;
mod states;
mod touching;

use crate::peers::git::World;
use reconciled::model::{File, RepoPath, Snapshot};
use reconciled::net::{Client, HttpSettings};
use reconciled::source::{Repository, Target};

/// A repository with a cache folder of its own.
pub(crate) struct Opened {
    pub(crate) repository: Repository,
    pub(crate) cache: tempfile::TempDir,
}

pub(crate) fn client() -> Client {
    Client::new(&HttpSettings::default()).unwrap()
}

pub(crate) fn open(target: Target) -> Opened {
    let cache = tempfile::tempdir().unwrap();
    let repository = Repository::open(cache.path(), target, &client()).unwrap();
    Opened { repository, cache }
}

/// The bare repository, read in place.
pub(crate) fn local(world: &World) -> Target {
    Target::new("shop", world.bare().to_str().unwrap(), "main")
}

pub(crate) fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

pub(crate) fn text(snapshot: &Snapshot, name: &str) -> String {
    match snapshot.files.get(&path(name)) {
        Some(File::Bytes(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("{name}: {other:?}"),
    }
}
