//! The command line: one file per command. Data goes to stdout, talk to stderr.
//!
//! A command gathers its arguments, calls the engine and renders; it decides nothing about a plan.

mod against;
mod apply;
mod ask;
mod chosen;
mod completions;
mod demo;
mod exit;
mod explain;
mod failure;
mod history;
mod import;
mod init;
mod output;
mod paths;
mod pause;
mod pauses;
mod plan;
mod planned;
mod progress;
mod rollback;
mod run;
mod schema;
mod serve;
mod settings;
mod starter;
mod status;
mod validate;

pub use exit::Exit;

use crate::ledger::Ledger;
use crate::model::EnvironmentName;
use clap::{Parser, Subcommand};
use output::{Format, Output};
use std::path::PathBuf;

const EXIT_CODES: &str = "Exit codes:
  0  nothing differs, or all went well
  1  failed, or was asked for wrongly
  2  something differs (plan), or is held back (apply)";

/// Keeps clusters, clouds and hosts equal to a Git repository of YAML environments.
#[derive(Debug, Parser)]
#[command(name = "reconciled", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
struct Global {
    /// The daemon's settings file
    #[arg(
        long,
        global = true,
        env = "RECONCILED_SETTINGS",
        value_name = "FILE",
        help_heading = "Global options"
    )]
    settings: Option<PathBuf>,
    /// How data is printed
    #[arg(
        long,
        short,
        global = true,
        default_value = "text",
        value_name = "FORMAT",
        help_heading = "Global options"
    )]
    output: Format,
    /// Whether output is coloured
    #[arg(
        long,
        global = true,
        default_value = "auto",
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    color: clap::ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Import(import::Args),
    Validate(validate::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Run(run::Args),
    Status(status::Args),
    Pause(pause::PauseArgs),
    Resume(pause::ResumeArgs),
    Rollback(rollback::Args),
    History(history::Args),
    Schema(schema::Args),
    Explain(explain::Args),
    Demo(demo::Args),
    Completions(completions::Args),
}

impl Cli {
    /// Reads the process's arguments and runs the command. Help and the version are data; a mistake
    /// is told on stderr and is a failure, for clap's own 2 means here that something differs.
    pub fn main() -> Exit {
        match Self::try_parse() {
            Ok(cli) => cli.run(),
            Err(told) => {
                let _nobody_listens = told.print();
                if told.use_stderr() {
                    Exit::Failed
                } else {
                    Exit::Same
                }
            }
        }
    }

    /// Runs the command that was asked for. What made it fail is told on stderr, with what to do next.
    pub fn run(self) -> Exit {
        let out = Output::new(self.global.output, self.global.color);
        self.carry_out(out).unwrap_or_else(|error| {
            out.say(&failure::text(&error, out.color));
            Exit::Failed
        })
    }

    fn carry_out(self, out: Output) -> anyhow::Result<Exit> {
        let Self { global, command } = self;
        match command {
            Command::Init(args) => init::run(&args, &out),
            Command::Import(args) => import::run(&args, &global, &out),
            Command::Validate(args) => validate::run(&args, &global, &out),
            Command::Plan(args) => plan::run(&args, &global, &out),
            Command::Apply(args) => apply::run(&args, &global, &out),
            Command::Run(args) => run::run(&args, &global, &out),
            Command::Status(args) => status::run(&args, &global, &out),
            Command::Pause(args) => pause::pause(&args, &global, &out),
            Command::Resume(args) => pause::resume(&args, &global, &out),
            Command::Rollback(args) => rollback::run(&args, &global, &out),
            Command::History(args) => history::run(&args, &global, &out),
            Command::Schema(args) => schema::run(&args, &out),
            Command::Explain(args) => explain::run(&args, &out),
            Command::Demo(args) => demo::run(&args, &out),
            Command::Completions(args) => completions::run(&args, &out),
        }
    }
}

/// Runs a command's asynchronous part to its end.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// Waits for Ctrl-C or SIGTERM: from now on, not from when it is first waited for. A signal that came in
/// between would end the process on the spot.
fn stopped() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::terminate(), SignalKind::interrupt()];
    let [terminated, interrupted] = kinds.map(signal);
    async move {
        let (Ok(mut terminated), Ok(mut interrupted)) = (terminated, interrupted) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    }
}

/// Reads an environment's name from the command line.
fn environment(text: &str) -> Result<EnvironmentName, String> {
    EnvironmentName::new(text).map_err(|error| format!("failed to {error}"))
}

/// Refuses an environment that nothing is known of: a slip of the finger must not look like an answer.
async fn known(ledger: &Ledger, name: &EnvironmentName) -> anyhow::Result<()> {
    let known = ledger.environments().await?;
    if known.contains(name) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(EnvironmentName::as_str).collect();
    let names = match names.as_slice() {
        [] => "the daemon has not read any yet".to_owned(),
        names => format!("known are {}", names.join(", ")),
    };
    anyhow::bail!("find the environment {name}: {names}")
}
