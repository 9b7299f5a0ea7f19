//! Fields put into a map and taken out of it.

use super::splice::{Splice, column, line_start, next_line, opens_line};
use super::tree::{Entry, Tree};
use super::{Uneditable, Writer};
use serde_json::Value;

impl Writer<'_> {
    /// Adds a field after the others.
    pub(super) fn add_field(
        &mut self,
        (tree, entries): (&Tree, &[Entry]),
        name: &str,
        value: &Value,
    ) -> Result<(), Uneditable> {
        let text = self.text();
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            let with = self.manner.flow(&serde_json::json!({ name: value }));
            self.put(tree.span.clone(), with);
            return Ok(());
        };
        let end = last.value.span.end;
        if tree.is_flow() {
            let field = self.manner.flow_entry(name, value);
            let with = self.beside(last.key.start, &field);
            self.put(end..end, with);
            return Ok(());
        }
        let column = column(text, first.key.start);
        let field = self.manner.entry(name, value, column);
        self.add_lines(below_comments(text, next_line(text, end), column), field);
        Ok(())
    }

    /// Takes a field away; the map stays, maybe empty.
    pub(super) fn take_field(
        &mut self,
        (tree, entries): (&Tree, &[Entry]),
        nth: usize,
    ) -> Result<(), Uneditable> {
        let text = self.text();
        let entry = &entries[nth];
        let (before, next) = (nth.checked_sub(1), entries.get(nth + 1));
        let range = if tree.is_flow() {
            match (before, next) {
                (_, Some(next)) => entry.key.start..next.key.start,
                (Some(before), None) => entries[before].value.span.end..entry.value.span.end,
                (None, None) => return Err(Uneditable::Form),
            }
        } else if opens_line(text, entry.key.start) {
            line_start(text, entry.key.start)..next_line(text, entry.value.span.end)
        } else if let (None, Some(next)) = (before, next) {
            entry.key.start..next.key.start
        } else {
            return Err(Uneditable::Form);
        };
        self.put(range, String::new());
        Ok(())
    }

    /// Returns what follows another in brackets: on its own line where that one has its own.
    pub(super) fn beside(&self, last: usize, what: &str) -> String {
        let text = self.text();
        if opens_line(text, last) {
            let indent = column(text, last);
            format!(",{}{:indent$}{what}", self.manner.eol, "")
        } else {
            format!(", {what}")
        }
    }

    /// Puts lines before the line that begins at a byte, or at the end of the text.
    pub(super) fn add_lines(&mut self, at: usize, mut lines: String) {
        if at > 0 && !self.text()[..at].ends_with('\n') {
            // The text has no newline at its end, and needs none.
            lines.truncate(lines.trim_end_matches(['\r', '\n']).len());
            lines.insert_str(0, self.manner.eol);
        }
        self.splices.push(Splice {
            range: at..at,
            with: lines,
        });
    }
}

/// Returns where the comments end that stand below a value and further right than its key: they are about that value,
/// and what is added after it does not part them.
fn below_comments(text: &str, from: usize, column: usize) -> usize {
    let (mut at, mut end) = (from, from);
    for line in text[from..].split_inclusive('\n') {
        at += line.len();
        let inner = line.trim_start_matches(' ');
        match inner.trim_end() {
            "" => {}
            comment if comment.starts_with('#') && line.len() - inner.len() > column => end = at,
            _ => break,
        }
    }
    end
}
