//! Keeps what should have been a secret out of diagnostics.

use crate::model::Diagnostic;
use crate::model::secret::MASK;

/// Takes out the lines of environment variables, which may hold anything, and every text that was
/// written in the clear where a secret's place is expected.
pub(super) fn redact(diagnostics: &mut [Diagnostic], in_the_clear: &[String]) {
    for diagnostic in diagnostics {
        if diagnostic.location.file.as_str().starts_with('$') {
            diagnostic.source_line.clear();
        }
        for text in in_the_clear.iter().filter(|text| !text.is_empty()) {
            for shown in [&mut diagnostic.source_line, &mut diagnostic.message]
                .into_iter()
                .chain(&mut diagnostic.hint)
            {
                if shown.contains(text.as_str()) {
                    *shown = shown.replace(text.as_str(), MASK);
                }
            }
        }
    }
}
