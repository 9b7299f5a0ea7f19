//! The merge of a working folder, thought about beside any daemon: on a CI runner, before a push.

use super::super::{Arrival, Claims, Fleet, Folder, Followed, Origin, Polling, World, beside};
use super::proposal::{Merge, Proposal};
use crate::model::{RepoPath, Snapshot};
use crate::source::{Limits, Outside};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

impl Proposal {
    /// Plans what a folder at `root` would make of `base` when it is merged, as far as that is below a path.
    pub async fn of_folder(
        world: &World,
        root: PathBuf,
        (base, merged): (&Arc<Snapshot>, &Arc<Snapshot>),
        outside: &Outside,
        within: &RepoPath,
    ) -> Self {
        let name = root.display().to_string();
        // It is read here, once: nobody asks it again.
        let followed = Followed {
            origin: Origin::Folder(Arc::new(Folder::new(name.clone(), root, Limits::default()))),
            environments: RepoPath::default(),
            polling: Polling {
                interval: Duration::ZERO,
                jitter: Duration::ZERO,
            },
            outside: outside.clone(),
        };
        let kinds = world.registry.kinds();
        let mut fleet = Fleet::default();
        let arrival = Arrival {
            repository: &name,
            snapshot: base,
            reading: beside::environments(&followed, base, kinds).await,
            outside,
            instead: Default::default(),
        };
        fleet.take(arrival, kinds, &Claims::default()).await;
        let merge = Merge {
            followed: &followed,
            fleet: &fleet,
            base,
            merged,
            within,
            from_fork: false,
            knows_ours: false,
        };
        Self::of(world, merge).await
    }
}
