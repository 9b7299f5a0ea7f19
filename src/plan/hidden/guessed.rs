//! What a branch writes itself, in what others say of it: hidden there just as a secret is. The words of a server are
//! shown without secrets, so that of many guesses that it repeats the right one would be seen to be missing.

use crate::model::{Basis, Change, Known, MASK, Value, Wanted};
use crate::plan::diff;
use std::borrow::Cow;
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// Shorter words are no secret that is looked for.
const SHORTEST: usize = 8;
/// Nor is one word in small letters up to this length, as the name of a field.
const LONGEST_WORD: usize = 10;
/// What is longer is known in pieces of this length, one after the other: what a server quotes of it still is hidden.
const LONGEST: usize = 1024;
/// Before these a few letters of a secret are looked for, too: it may have been cut.
const CUTS: [&str; 2] = ["…", "..."];

/// The words of a branch that the merged spec has not.
pub(super) struct Guessed {
    words: Known,
}

impl Guessed {
    /// Finds them; `None` where there are none, or no secret that one could be.
    pub(super) fn of(wanted: &Wanted, known: &Known) -> Option<Self> {
        let Basis::Branch { said, merged, .. } = &wanted.basis else {
            return None;
        };
        if known.is_empty() {
            return None;
        }
        let mut words = BTreeSet::new();
        said.walk(&mut |node| note(node, &mut words));
        wanted.desired.walk(&mut |node| note(node, &mut words));
        let mut openly = BTreeSet::new();
        if let Some(merged) = merged {
            merged.walk(&mut |node| note(node, &mut openly));
        }
        let mut texts = Vec::new();
        for word in words.difference(&openly) {
            texts.push(Zeroizing::new((*word).to_owned()));
            // As it looks to whoever hid a secret in it before.
            if let Cow::Owned(hidden) = known.without(word, &[])
                && hidden != MASK
            {
                texts.push(Zeroizing::new(hidden));
            }
        }
        (!texts.is_empty()).then(|| Self {
            words: Known::quoted(texts),
        })
    }

    /// Returns somebody's words without them.
    pub(super) fn clean(&self, words: String) -> String {
        self.words.clean(words)
    }

    /// Takes them out of what a field becomes, where the branch does not say just that of this field.
    pub(super) fn hide(&self, change: &mut Change, wanted: &Wanted) {
        let openly = diff::at(&wanted.desired, &change.path);
        let after = change.after.as_ref();
        if let Some(hidden) = after.and_then(|after| self.words.hidden(after, openly)) {
            change.after = Some(hidden);
        }
    }
}

/// Notes a text, its parts as a server may repeat them, and names of fields.
fn note<'v>(node: &'v Value, words: &mut BTreeSet<&'v str>) {
    let mut add = |text: &'v str| {
        let parts = text.split(|one: char| one.is_whitespace() || "\"'`:/,;=@(){}[]".contains(one));
        // A server that reads a text splits it at anything, and quotes the part that it cannot read.
        let pieces = text.split(|one: char| !one.is_alphanumeric());
        let all = parts.chain(pieces).chain([text]);
        let all = all.flat_map(in_pieces);
        words.extend(all.filter(|text| may_be_secret(text)));
    };
    match node {
        Value::String(text) => add(text),
        Value::Map(fields) => fields.keys().for_each(|key| add(key)),
        _ => {}
    }
}

/// Cuts a text where it is too long.
fn in_pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(LONGEST));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn may_be_secret(text: &str) -> bool {
    let is_word = text.len() <= LONGEST_WORD && text.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_cut = CUTS.iter().any(|cut| text.contains(cut));
    is_cut || text.trim().len() >= SHORTEST && !is_word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_by_whatever_part_of_it_a_server_quotes() {
        // A schedule is split at its dashes, and only the part that is no number is quoted.
        let text = Value::from("0-Zx9canary77 of team-Zx9canary78, * *");
        let mut words = BTreeSet::new();
        note(&text, &mut words);
        for part in ["Zx9canary77", "0-Zx9canary77", "team-Zx9canary78"] {
            assert!(words.contains(part), "{part}: {words:?}");
        }
    }

    fn guessed(text: &str) -> Known {
        let text = Value::from(text);
        let mut words = BTreeSet::new();
        note(&text, &mut words);
        let words = words.into_iter().map(str::to_owned).map(Zeroizing::new);
        Known::quoted(words.collect())
    }

    /// A text whose words never repeat.
    fn long(length: usize, between: &str) -> String {
        let word = |nth: u32| format!("{:08x}{between}", nth.wrapping_mul(0x9E37_79B1));
        let words = length / (8 + between.len());
        (0..).map(word).take(words).collect()
    }

    #[test]
    fn the_longest_text_of_an_object_takes_no_more_than_some_times_its_length() {
        let memory = guessed(&long(1 << 20, "\n")).memory();
        assert!(memory < 48 << 20, "{memory}");
    }

    #[test]
    fn of_a_long_text_that_is_quoted_no_word_is_shown() {
        for between in ["", " of ", "\n", " \"é\" "] {
            let text = long(40_000, between);
            let known = guessed(&text);
            let cut = &text[..text.floor_char_boundary(20_000)];
            for quote in [&text[..], cut, &cut.replace('"', "\\\"")] {
                let shown = known.clean(format!("invalid value: {quote}"));
                let rest = shown.replace(MASK, "").replace(between.trim(), "");
                assert!(shown.len() < quote.len(), "{between:?}: {shown}");
                let rest = rest.trim_start_matches("invalid value: ");
                // Half a word where the last piece begins, which is cut itself.
                let left = rest.chars().filter(char::is_ascii_alphanumeric).count();
                assert!(left < 8, "{between:?}: {rest}");
            }
        }
    }
}
