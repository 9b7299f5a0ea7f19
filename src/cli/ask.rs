//! Asks a person at the terminal, on stderr; where nobody can answer, the answer is no.

use super::output::Output;
use anyhow::bail;
use std::io::{BufRead as _, Write as _};

/// Asks for a plain `yes`.
///
/// # Errors
/// Nobody can be asked: stdin or stderr is no terminal.
pub(super) fn yes(question: &str) -> anyhow::Result<bool> {
    if !Output::can_ask() {
        bail!(
            "ask whether to go on: nobody can be asked here\nnext: pass --yes to go on without asking"
        );
    }
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "{question} Only `yes` goes on: ")?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
