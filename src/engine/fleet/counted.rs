//! What there is of environments, for whoever watches: how many are broken, and whose are kept.

use super::Fleet;

impl Fleet {
    /// Returns how many environments there are whose newest state cannot be used.
    pub(in crate::engine) fn broken(&self) -> usize {
        let broken = self.kept.values().filter(|kept| !kept.broken.is_empty());
        let lost = self.lost.keys();
        broken.count() + lost.filter(|name| !self.kept.contains_key(*name)).count()
    }

    /// Tells whether a repository has an environment that is kept.
    pub(in crate::engine) fn keeps_of(&self, repository: &str) -> bool {
        self.kept.values().any(|kept| kept.repository == repository)
    }
}
