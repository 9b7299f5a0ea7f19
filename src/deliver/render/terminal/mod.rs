//! The terminal: plans, results and mistakes, coloured where that is wanted.

mod diagnostics;
mod plan;
mod recorded;
mod run;

pub use diagnostics::diagnostics_terminal;
pub use plan::plan_terminal;
pub use recorded::recorded_terminal;
pub use run::{ended_terminal, run_rest_terminal, run_terminal, waiting_terminal};

use crate::model::{Action, Step};

/// What is known of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Whether colours may be used.
    pub colour: bool,
    /// Its width in columns; source excerpts of diagnostics are cut to it.
    pub width: usize,
}

impl Default for Screen {
    /// No colours, 100 columns.
    fn default() -> Self {
        Self {
            colour: false,
            width: 100,
        }
    }
}

/// The few colours plans use. Source of the numbers: ECMA-48, SGR.
#[derive(Clone, Copy)]
enum Ink {
    Green,
    Red,
    Yellow,
    Cyan,
    Dim,
    Bold,
}

impl Screen {
    fn paint(self, ink: Ink, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Green => 32,
            Ink::Red => 31,
            Ink::Yellow => 33,
            Ink::Cyan => 36,
            Ink::Dim => 2,
            Ink::Bold => 1,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

fn ink_of(step: &Step) -> Ink {
    match step.overwrites() {
        true => Ink::Red,
        false => ink_of_action(step.action),
    }
}

fn ink_of_action(action: Action) -> Ink {
    match action {
        Action::Create => Ink::Green,
        Action::Update | Action::Wait => Ink::Yellow,
        Action::Replace | Action::Delete => Ink::Red,
        Action::Adopt => Ink::Cyan,
        Action::None => Ink::Dim,
    }
}
