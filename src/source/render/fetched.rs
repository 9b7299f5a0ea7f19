//! A chart that is fetched: its files laid beside those of the repository that it is rendered with, so that
//! all that holds for a chart of the repository holds for it.

use super::RenderError;
use crate::model::{ChartReference, Digest, File, Recipe, Render, RepoPath, Snapshot};
use crate::source::charts::Charts;
use std::collections::BTreeMap;

/// A render that needs a chart first.
pub(super) struct Fetching<'a> {
    render: &'a Render,
    chart: &'a ChartReference,
    path: &'a RepoPath,
    charts: &'a Charts,
}

impl<'a> Fetching<'a> {
    /// `None` where all it needs is in the repository.
    pub(super) fn of(render: &'a Render, charts: &'a Charts) -> Option<Self> {
        let Recipe::Chart(chart) = &render.recipe else {
            return None;
        };
        Some(Self {
            render,
            chart: chart.fetched.as_ref()?,
            path: &chart.path,
            charts,
        })
    }

    pub(super) async fn pinned(&self) -> Result<Digest, RenderError> {
        let pinned = self.charts.pinned(self.chart).await;
        pinned.map_err(|error| RenderError::fetched(self.render, &error))
    }

    /// Returns the render and a snapshot of just what it reads, the chart among it.
    pub(super) async fn laid_beside(
        &self,
        digest: &Digest,
        snapshot: &Snapshot,
    ) -> Result<(Render, Snapshot), RenderError> {
        let files = self.charts.files(self.chart, digest, self.path).await;
        let mut files = files.map_err(|error| RenderError::fetched(self.render, &error))?;
        let read = self.render.reads.iter();
        let read = read.flat_map(|path| snapshot.under(path));
        files.extend(read.map(|(path, file)| (path.clone(), file.clone())));
        let mut render = self.render.clone();
        render.reads.insert(self.path.clone());
        Ok((render, Self::snapshot(snapshot, files)))
    }

    fn snapshot(of: &Snapshot, files: BTreeMap<RepoPath, File>) -> Snapshot {
        Snapshot {
            revision: of.revision.clone(),
            files,
        }
    }
}
