//! Child processes: argv only, a scrubbed environment, a deadline, capped output. Nothing else in the
//! daemon starts a program.

mod command;
mod error;
mod group;
mod piped;
#[cfg(test)]
mod tests;

pub use command::{Command, OUTPUT_LIMIT, lookup, withhold};
pub use error::ProcessError;
pub use piped::{Killer, Piped};

use group::Group;
use std::process::ExitStatus;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

/// Where a program that may not reach the network is told to go for it (`HTTP_PROXY`): nobody answers
/// there.
pub const NOWHERE: &str = "http://127.0.0.1:9";

/// What a program left.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output, up to the command's limit.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error, up to the command's limit.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Returns what it said on its standard error, trimmed.
    pub fn talk(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }
}

/// Runs a program to its end.
///
/// # Guarantees
/// - Past the deadline, or when the returned future is dropped, the program is killed with all it started.
/// - Its environment is PATH, HOME (neither where it is bare), `LC_ALL=C.UTF-8` and what the command names.
///
/// # Errors
/// It is not installed, cannot be started, or did not end in time. A bad exit status is no error here.
pub async fn run(command: Command) -> Result<Output, ProcessError> {
    let Command {
        program,
        stdin,
        deadline,
        output_limit,
        ..
    } = command.clone();
    let broken = |source| ProcessError::Broken {
        program: program.clone(),
        source,
    };
    let mut child = tokio::process::Command::from(command.build())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| started(&program, error))?;
    let mut group = child.id().map(Group::of);
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async move {
        if let Some(mut input) = input {
            // A program may end without reading all of it; its status tells whether that was wrong.
            let _early_end = input.write_all(&stdin).await;
        }
    };
    let work = async {
        let ((), stdout, stderr) =
            tokio::join!(feed, kept(output, output_limit), kept(errors, output_limit));
        let (stdout, stderr) = (stdout.map_err(broken)?, stderr.map_err(broken)?);
        let status = child.wait().await.map_err(broken)?;
        Ok(Output {
            status,
            stdout,
            stderr,
        })
    };
    let result = tokio::time::timeout(deadline, work).await;
    if let Some(group) = &mut group {
        group.kill();
    }
    result.unwrap_or(Err(ProcessError::Timeout { program, deadline }))
}

/// Reads to the end and keeps the first `limit` bytes.
async fn kept(
    source: Option<impl AsyncRead + Unpin>,
    limit: usize,
) -> Result<Vec<u8>, std::io::Error> {
    let mut kept = Vec::new();
    let Some(mut source) = source else {
        return Ok(kept);
    };
    (&mut source)
        .take(u64::try_from(limit).unwrap_or(u64::MAX))
        .read_to_end(&mut kept)
        .await?;
    tokio::io::copy(&mut source, &mut tokio::io::sink()).await?;
    Ok(kept)
}

fn started(program: &str, source: std::io::Error) -> ProcessError {
    let program = program.to_owned();
    match source.kind() {
        std::io::ErrorKind::NotFound => ProcessError::Missing { program },
        _ => ProcessError::Start { program, source },
    }
}
