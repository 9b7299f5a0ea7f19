//! How much one file may cost, so that no file can exhaust the daemon.

/// What one file may hold. Past any of them the file is refused with a located diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Maps and lists inside each other.
    pub depth: usize,
    /// Scalars, lists and maps in the whole file.
    pub nodes: usize,
    /// Nodes that aliases and anchors may add by copying.
    pub copied_nodes: usize,
    /// Bytes of text that aliases and anchors may add by copying.
    pub copied_bytes: usize,
    /// Documents in the file.
    pub documents: usize,
    /// Diagnostics kept for one file; the rest is counted.
    pub diagnostics: usize,
}

impl Default for Limits {
    /// What is right for a spec or a settings file that people write.
    fn default() -> Self {
        Self {
            bytes: 1024 * 1024,
            depth: 64,
            nodes: 400_000,
            copied_nodes: 20_000,
            copied_bytes: 1024 * 1024,
            documents: 20_000,
            diagnostics: 200,
        }
    }
}

impl Limits {
    /// What is right for manifests: bundles of custom resource definitions reach several MiB.
    pub fn manifests() -> Self {
        Self {
            bytes: 16 * 1024 * 1024,
            nodes: 4_000_000,
            ..Self::default()
        }
    }
}
