//! A running program whose input and output are pipes, for libraries that speak through one (git over
//! ssh). Blocking: use it on a blocking thread.

use super::command::Command;
use super::error::ProcessError;
use super::group::Group;
use super::started;
use std::io::Read as _;
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// How much of what the program says on its standard error is kept, in bytes.
const TALK_LIMIT: u64 = 16 * 1024;

/// A running program. Dropped, or past its command's deadline, it is killed with all it started:
/// then its output ends.
#[derive(Debug)]
pub struct Piped {
    /// Where to write to it; dropping it ends its input.
    pub stdin: Option<ChildStdin>,
    /// Where to read from it.
    pub stdout: Option<ChildStdout>,
    pub(super) child: Child,
    talk: Option<JoinHandle<String>>,
    /// Tells the watching thread to end what is left.
    alive: Option<mpsc::Sender<()>>,
    watch: Option<JoinHandle<()>>,
}

impl Piped {
    /// Starts a program. `stdin` of the command is not used.
    ///
    /// # Errors
    /// It is not installed or cannot be started.
    pub fn spawn(command: &Command) -> Result<Self, ProcessError> {
        let mut child = command
            .build()
            .spawn()
            .map_err(|error| started(&command.program, error))?;
        let talk = child.stderr.take().map(|stderr| {
            thread::spawn(move || {
                let mut kept = Vec::new();
                let mut stderr = stderr.take(TALK_LIMIT);
                let _broken = stderr.read_to_end(&mut kept);
                let _drained = std::io::copy(&mut stderr.into_inner(), &mut std::io::sink());
                String::from_utf8_lossy(&kept).into_owned()
            })
        });
        let (alive, ended) = mpsc::channel();
        let mut group = Group::of(child.id());
        let deadline = command.deadline;
        let watch = thread::spawn(move || {
            let _ended_or_late = ended.recv_timeout(deadline);
            group.kill();
        });
        Ok(Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            child,
            talk,
            alive: Some(alive),
            watch: Some(watch),
        })
    }

    /// Returns a handle that ends the program from another thread.
    pub fn killer(&self) -> Killer {
        Killer(self.alive.clone())
    }

    /// Ends its input, waits for its end, and returns its status and what it said on its standard
    /// error (the first 16 KiB). The status of a program killed at its deadline is a signal.
    ///
    /// # Errors
    /// The operating system does not tell.
    pub fn wait(mut self) -> Result<(ExitStatus, String), std::io::Error> {
        drop(self.stdin.take());
        drop(self.stdout.take());
        let status = self.child.wait()?;
        self.stop();
        let talk = self.talk.take().and_then(|talk| talk.join().ok());
        Ok((status, talk.unwrap_or_default()))
    }

    /// Kills what is left of the group. The child itself has not been waited for by anybody else, so
    /// its number cannot have gone to another program before `Drop` or `wait` are through.
    fn stop(&mut self) {
        if let Some(alive) = self.alive.take() {
            // A killer may hold the channel open, so its end has to be said. Fails where it is over.
            let _over = alive.send(());
        }
        if let Some(watch) = self.watch.take() {
            let _panicked = watch.join();
        }
    }
}

/// Ends a running program, from another thread than the one that reads from it.
#[derive(Clone, Debug)]
pub struct Killer(Option<mpsc::Sender<()>>);

impl Killer {
    /// Kills the program with all it started; nothing happens where it has ended.
    pub fn kill(&self) {
        if let Some(alive) = &self.0 {
            let _over = alive.send(());
        }
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        self.stop();
        let _already = self.child.wait();
    }
}
