//! Ranges of a text and what comes in their place.

use std::ops::Range;

/// One range and what comes in its place.
#[derive(Debug)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

/// Puts every splice in its place, the last first so that none moves another; `None` where two overlap.
pub(super) fn spliced(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    splices.sort_by_key(|splice| std::cmp::Reverse((splice.range.start, splice.range.end)));
    let mut text = text.to_owned();
    let mut above = text.len();
    for Splice { range, with } in splices {
        if range.end > above || range.start > range.end || text.get(range.clone()).is_none() {
            return None;
        }
        above = range.start;
        text.replace_range(range, &with);
    }
    Some(text)
}

/// Returns where the line begins that holds a byte.
pub(super) fn line_start(text: &str, byte: usize) -> usize {
    text[..byte].rfind('\n').map_or(0, |at| at + 1)
}

/// Returns where the next line begins; the end of the text where there is none.
pub(super) fn next_line(text: &str, byte: usize) -> usize {
    // What ends with its line has the next one there already.
    if byte > 0 && text[..byte].ends_with('\n') {
        return byte;
    }
    text[byte..]
        .find('\n')
        .map_or(text.len(), |at| byte + at + 1)
}

/// Returns how far right a byte stands, in characters.
pub(super) fn column(text: &str, byte: usize) -> usize {
    text[line_start(text, byte)..byte].chars().count()
}

/// Tells whether nothing but spaces stands before a byte on its line.
pub(super) fn opens_line(text: &str, byte: usize) -> bool {
    text[line_start(text, byte)..byte].chars().all(|c| c == ' ')
}
