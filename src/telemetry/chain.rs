//! An error with everything behind it, on one line.

use std::error::Error;

/// Returns an error's text and those of its causes, joined by colons. What a cause repeats word by
/// word is said once: some libraries put their source into their own text.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !next.is_empty() && !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// Returns an error's text with the last of its causes, which says why; what lies between are the
/// layers of a library.
pub fn with_cause(error: &dyn Error) -> String {
    let mut last = None;
    let mut cause = error.source();
    while let Some(error) = cause {
        last = Some(error.to_string());
        cause = error.source();
    }
    let text = error.to_string();
    match last.filter(|last| !last.is_empty() && !text.ends_with(last)) {
        Some(last) => format!("{text}: {last}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{chain, with_cause};
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Outer {
        text: &'static str,
        source: io::Error,
    }

    #[test]
    fn causes_follow_and_nothing_is_said_twice() {
        let of = |text| {
            chain(&Outer {
                text,
                source: io::Error::other("disk on fire"),
            })
        };
        assert_eq!(of("open the ledger"), "open the ledger: disk on fire");
        assert_eq!(of("open: disk on fire"), "open: disk on fire");
    }

    #[test]
    fn the_last_cause_says_why() {
        let inner = Outer {
            text: "go through the layers",
            source: io::Error::other("disk on fire"),
        };
        let outer = Outer {
            text: "open the ledger",
            source: io::Error::other(inner),
        };
        assert_eq!(with_cause(&outer), "open the ledger: disk on fire");
    }
}
