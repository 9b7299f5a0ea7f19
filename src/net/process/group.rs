//! A child's process group: killed whole, so that nothing it started outlives it.

use rustix::process::{Pid, Signal, kill_process_group};

/// Kills the group when dropped, unless the child was seen to end.
#[derive(Debug)]
pub(super) struct Group(Option<Pid>);

impl Group {
    /// Watches over the group that a child leads.
    pub(super) fn of(child: u32) -> Self {
        Self(i32::try_from(child).ok().and_then(Pid::from_raw))
    }

    /// Kills every process of the group, once.
    pub(super) fn kill(&mut self) {
        if let Some(leader) = self.0.take() {
            // Fails only where all of them have ended.
            let _ended = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
