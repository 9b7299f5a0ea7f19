//! Where a command's data goes: stdout, as text or JSON, coloured or not.

use clap::ColorChoice;
use serde::Serialize;
use std::io::{IsTerminal as _, Write as _};

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people at a terminal.
    Text,
    /// For programs; the shape is stable.
    Json,
    /// For a comment on a pull request.
    Markdown,
}

/// The two streams of a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// How data is printed.
    pub format: Format,
    /// Whether stdout takes colours.
    pub color: bool,
    /// How many columns stdout has.
    pub width: usize,
}

impl Output {
    /// Looks at the terminal.
    pub(super) fn new(format: Format, color: ColorChoice) -> Self {
        let stdout = console::Term::stdout();
        let color = match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => stdout.features().colors_supported(),
        };
        let width = stdout
            .size_checked()
            .map_or(100, |(_, columns)| usize::from(columns));
        Self {
            format,
            color,
            width,
        }
    }

    /// Tells whether data is for programs.
    pub(super) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Tells whether a person may be asked something.
    pub(super) fn can_ask() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Writes data to stdout. A reader that went away is not an error.
    pub(super) fn data(self, text: &str) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout().lock();
        let newline = if text.ends_with('\n') || text.is_empty() {
            ""
        } else {
            "\n"
        };
        match write!(stdout, "{text}{newline}").and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// Writes data as JSON.
    pub(super) fn json(self, data: &impl Serialize) -> anyhow::Result<()> {
        self.data(&serde_json::to_string_pretty(data)?)
    }

    /// Says something to the person, on stderr.
    pub(super) fn say(self, text: &str) {
        let _nobody_listens = writeln!(std::io::stderr().lock(), "{text}");
    }
}
