//! The two sides of a merge that is thought about, brought here: of ours, or of a fork's, who must not cost others
//! anything.

use super::Inner;
use crate::model::Revision;
use crate::source::merge::{self, MergePreview, Sides};
use crate::source::origin::Origin;
use crate::source::remote::FORKS;
use crate::source::target::full_reference;
use crate::source::{SourceError, Stop};

impl Inner {
    /// Works out a merge of what a stranger may have made: in stores of its own, under limits of its own.
    pub(super) fn fork_preview(
        &self,
        names: (String, String),
        at: Option<Revision>,
        stop: &Stop,
    ) -> Result<MergePreview, SourceError> {
        // What is ours is no part of what a fork brings, however much it is.
        let mut origin = self.origin_in(&FORKS, &self.target, stop);
        let [ours] = self.tips(&mut origin, [&full_reference(&names.0)])?;
        origin.store(&[ours])?;
        let mut origin = self.origin_in(&FORKS, &self.forks, stop);
        // The branch is read meanwhile: what it knows is shared, and not held.
        let mut blobs = self.memory().blobs.clone();
        let sides = self.sides(&mut origin, names, at.as_ref());
        let preview = sides.and_then(|(sides, store)| {
            merge::preview(&store, &self.target, &sides, &mut blobs, stop)
        });
        if matches!(preview, Err(SourceError::Corrupt { .. })) {
            origin.forget_all()?;
        }
        preview
    }

    /// Brings the two sides of a merge here, with the newest commit that both hold.
    pub(super) fn sides(
        &self,
        origin: &mut Origin<'_>,
        (base, head): (String, String),
        at: Option<&Revision>,
    ) -> Result<(Sides, git2::Repository), SourceError> {
        let references = (full_reference(&base), full_reference(&head));
        let [ours, theirs] = self.tips(origin, [&references.0, &references.1])?;
        let name = &self.target.name;
        if let Some(wanted) = at.filter(|wanted| wanted.as_str() != theirs.to_string()) {
            return Err(SourceError::Elsewhere {
                target: name.clone(),
                reference: references.1,
                wanted: wanted.to_string(),
            });
        }
        let common = origin
            .common(ours, theirs)?
            .ok_or_else(|| merge::unrelated(name, &base, &head))?;
        let sides = Sides {
            base: (base, ours),
            head: (head, theirs),
            common,
        };
        let store = origin.store(&[ours, theirs, common])?;
        Ok((sides, store))
    }
}
