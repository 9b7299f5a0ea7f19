//! What a benchmark prints: a line a number, with what DESIGN asks for beside it.

#![expect(
    clippy::print_stdout,
    reason = "what a benchmark measures is what it has to say"
)]

use std::time::Duration;

/// Returns how many times as long as the floor something took.
pub(crate) fn ratio(subject: Duration, floor: Duration) -> f64 {
    subject.as_secs_f64() / floor.as_secs_f64().max(1e-9)
}

/// Prints one line: what, how much, and what DESIGN asks for, where it asks for something.
pub(crate) fn line(what: &str, measured: &str, target: &str) {
    let target = if target.is_empty() {
        String::new()
    } else {
        format!("   (target {target})")
    };
    println!("  {what:<44} {measured:>18}{target}");
}

/// Prints what the lines that follow are about.
pub(crate) fn heading(text: &str) {
    println!("\n{text}");
}

/// Returns milliseconds for people.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Reads a number from the environment.
pub(crate) fn number(variable: &str, otherwise: usize) -> usize {
    let text = std::env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
