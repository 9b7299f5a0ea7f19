//! The pull request that takes back in Git what did not become ready and was put back: one a rollback.

use super::super::{Kept, World, past};
use super::ask::{Asker, LABEL, Place};
use super::memory::Memory;
use crate::deliver::forge::{Draft, ForgeError, Proposed};
use crate::deliver::render::{Page, Reverting, revert_markdown};
use crate::deliver::{About, Asked};
use crate::ledger::{Rollback, Version};
use crate::model::{Digest, EnvironmentName, File, RepoPath, Revision, Snapshot};
use crate::telemetry::chain;
use std::collections::{BTreeMap, BTreeSet};

/// What files are to hold again; `None` goes.
type Files = BTreeMap<RepoPath, Option<String>>;

impl Asker {
    /// Asks for a revert of what a run of ours put back, once; a person who ordered it writes their own. Returns
    /// the pull request, or why there is none though there should be one.
    pub(super) async fn revert(
        &self,
        world: &World,
        kept: &Kept,
        (rollback, memory): (&Rollback, &mut Memory),
    ) -> Option<Result<Asked, String>> {
        let refused = rollback.refused.as_ref()?;
        if rollback.by != "reconciled" {
            return None;
        }
        if let Some((of, number, url)) = &memory.reverted
            && *of == refused.revision
        {
            return (*number > 0).then(|| Ok(asked(*number, url.clone())));
        }
        if let Some((of, why)) = &memory.unreverted
            && *of == refused.revision
        {
            return Some(Err(why.clone()));
        }
        let place = self.place(kept)?;
        let name = kept.pinned.name();
        let files = match before(world, place, (kept, refused)).await {
            Ok(files) if !files.is_empty() => files,
            Ok(_) => return None,
            Err(Unwritable { why, is_final }) => {
                tracing::warn!(environment = %name, revision = %refused.revision.short(), why, "No revert can be proposed");
                if is_final {
                    memory.unreverted = Some((refused.revision.clone(), why.clone()));
                }
                return Some(Err(why));
            }
        };
        let put = put(place, (kept, rollback, refused), files);
        let topic = (name, About::Revert);
        let Some(proposed) = self.bounded(topic, put).await else {
            let why = self.wrong(topic).unwrap_or_default();
            return Some(Err(format!(
                "the daemon failed to {why}, which is tried again"
            )));
        };
        let proposed = proposed?;
        let (number, url) = (proposed.number, proposed.url);
        tracing::info!(environment = %name, number, "Revert proposed");
        memory.reverted = Some((refused.revision.clone(), number, url.clone()));
        Some(Ok(asked(number, url)))
    }
}

/// Names the branch of the revert of a revision.
pub(super) fn branch_of(name: &EnvironmentName, revision: &Revision) -> String {
    format!("reconciled/{name}/revert-{}", revision.short())
}

/// Why the files of an environment cannot be put back in Git, as a clause.
struct Unwritable {
    why: String,
    /// True where that stays so.
    is_final: bool,
}

impl Unwritable {
    fn file(path: &RepoPath, what: &str) -> Self {
        Self {
            why: format!("{path} {what}"),
            is_final: true,
        }
    }
}

fn asked(number: u64, url: String) -> Asked {
    Asked {
        about: About::Revert,
        number,
        url,
    }
}

async fn put(
    place: &Place,
    (kept, rollback, refused): (&Kept, &Rollback, &Version),
    files: Files,
) -> Result<Option<Proposed>, ForgeError> {
    let (name, bad) = (kept.pinned.name(), &refused.revision);
    let marker = format!("<!-- reconciled:revert:{name} -->");
    let page = Page {
        marker: &marker,
        revision: bad,
        at: rollback.since,
    };
    let paths: Vec<String> = files.keys().map(|path| path.as_str().to_owned()).collect();
    let why = rollback.told();
    let reverting = Reverting {
        environment: name,
        to: &rollback.to,
        why: &why,
        files: &paths,
    };
    let draft = Draft {
        branch: branch_of(name, bad),
        into: place.branch.clone(),
        onto: bad.clone(),
        version: Digest::of(format!("{files:?}")),
        title: format!("Revert {name} to {}", rollback.to.short()),
        body: revert_markdown(&reverting, &page),
        files,
        labels: vec![LABEL.to_owned()],
    };
    place.forge.propose(&draft).await
}

/// Returns what the environment's files held before, as far as that is not what they hold at what was refused.
///
/// # Errors
/// Why that cannot be told, or written over the API.
async fn before(
    world: &World,
    place: &Place,
    (kept, refused): (&Kept, &Version),
) -> Result<Files, Unwritable> {
    let (name, kinds) = (kept.pinned.name(), world.registry.kinds());
    let bad = past::environment(&place.followed, name, &refused.revision, kinds).await;
    let (reading, bad) = bad.map_err(|error| Unwritable {
        why: format!("the daemon failed to {}", chain(&error)),
        is_final: !error.is_unsure(),
    })?;
    let good = &kept.pinned.snapshot;
    let under = |snapshot: &Snapshot, files: &BTreeSet<RepoPath>| {
        let all = files.iter().flat_map(|path| snapshot.under(path));
        all.map(|(path, _)| path.clone()).collect::<BTreeSet<_>>()
    };
    let mut paths = under(&bad, &reading.files);
    paths.extend(under(good, &kept.pinned.files));
    let mut files = Files::new();
    for path in paths {
        let was = good.files.get(&path);
        if was == bad.files.get(&path) {
            continue;
        }
        let text = match was {
            None => None,
            Some(File::Bytes(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Some(text.to_owned()),
                Err(_) => return Err(Unwritable::file(&path, "is no text")),
            },
            Some(_) => return Err(Unwritable::file(&path, "is no file that is read")),
        };
        files.insert(path, text);
    }
    Ok(files)
}
