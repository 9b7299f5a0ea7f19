//! The `reconciled` program.

use mimalloc::MiMalloc;
use reconciled::cli::Cli;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    Cli::main().into()
}
