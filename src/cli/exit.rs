//! Exit codes, named.

/// How a command ends, as the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Nothing differs, or all went well: 0.
    Same,
    /// Something failed: 1.
    Failed,
    /// Something differs, or is held back: 2.
    Differs,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Same => 0,
            Exit::Failed => 1,
            Exit::Differs => 2,
        })
    }
}
