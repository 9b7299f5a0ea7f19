//! Secrets as anybody's words may quote them, and what takes them out of a text. It does not know where they
//! belong: what is secret by its place is sealed before, and this is for what turns up anywhere else.

mod spelled;

use super::map::Map;
use super::secret::{MASK, Secret};
use super::value::Value;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use spelled::{encoded, flat, percent_encoded, quoted};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// Shorter texts, and those of fewer different letters, are met by accident.
const SHORTEST: usize = 8;
const FEWEST_LETTERS: usize = 5;
/// One word in small letters up to this length may be the name of anything: `postgres`, `production`.
const LONGEST_WORD: usize = 10;
/// Shorter lines of a secret are not looked for by themselves, nor such as hold spaces: a file of settings has
/// many that stand elsewhere, too.
const SHORTEST_LINE: usize = 16;
/// Shorter beginnings of a secret tell little, and are met by accident before the mark of a cut.
const SHORTEST_BEGUN: usize = 4;
/// What stands where a text was cut, by ourselves or by others.
const CUTS: [&str; 2] = ["…", "..."];
/// Texts that are not to be shown. `Debug` shows none.
#[derive(Default)]
pub struct Known {
    /// The longest first.
    texts: Vec<Zeroizing<String>>,
    /// Made when something is looked for.
    search: OnceLock<Option<AhoCorasick>>,
    /// Where each is, as in a dictionary. Made when a beginning is looked for.
    sorted: OnceLock<Vec<usize>>,
}

impl Known {
    /// Knows secrets that may turn up anywhere; what is met by accident is not looked for.
    pub fn of<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut texts = Vec::new();
        for secret in secrets {
            let text = secret.expose();
            if !is_telling(text) {
                continue;
            }
            texts.extend(encoded(text));
            let percent = percent_encoded(text);
            // As a form has it. Source: the URL standard, "application/x-www-form-urlencoded".
            texts.push(Zeroizing::new(
                percent.replace("%20", "+").replace('~', "%7E"),
            ));
            texts.push(percent);
            let is_opaque = |line: &&str| {
                line.len() >= SHORTEST_LINE && is_telling(line) && !line.starts_with("-----")
            };
            let whole = |line: &&str| !line.contains(char::is_whitespace);
            let lines = text.lines().map(str::trim).filter(is_opaque).filter(whole);
            texts.extend(lines.map(|line| Zeroizing::new(line.to_owned())));
            texts.push(Zeroizing::new(text.to_owned()));
        }
        Self::quoted(texts)
    }

    /// Knows these texts just so, and as they stand on one line and inside of quotes.
    pub fn quoted(mut texts: Vec<Zeroizing<String>>) -> Self {
        let lines: Vec<_> = texts.iter().map(|text| flat(text)).collect();
        texts.extend(lines.into_iter().map(Zeroizing::new));
        let quoted: Vec<_> = texts.iter().flat_map(|text| quoted(text)).collect();
        texts.extend(quoted);
        texts.retain(|text| !text.is_empty());
        texts.sort_by(|one, other| (other.len(), other.as_str()).cmp(&(one.len(), one.as_str())));
        texts.dedup();
        Self {
            texts,
            search: OnceLock::new(),
            sorted: OnceLock::new(),
        }
    }

    /// Tells whether it looks for nothing.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Returns how many bytes the search for them takes.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.search().map_or(0, AhoCorasick::memory_usage)
    }

    /// Returns all it looks for, a text that holds another before that one.
    pub fn into_texts(self) -> Vec<Zeroizing<String>> {
        self.texts
    }

    /// Returns somebody's words without them, also where their line breaks were turned into spaces, and without
    /// what a cut left of one: whoever makes words short knows few of the secrets.
    pub fn clean(&self, words: String) -> String {
        let words = self.cleaned(&words).unwrap_or(words);
        self.cleaned(&flat(&words)).unwrap_or(words)
    }

    fn cleaned(&self, words: &str) -> Option<String> {
        let whole = self.without(words, &[]);
        self.without_begun(&whole).or(match whole {
            Cow::Owned(clean) => Some(clean),
            Cow::Borrowed(_) => None,
        })
    }

    /// Takes out beginnings of them that stand right before the mark of a cut, or at the very end; `None` where
    /// there are none. From the back, for a secret may hold such marks itself.
    fn without_begun(&self, words: &str) -> Option<String> {
        let marks = CUTS.iter().flat_map(|mark| words.match_indices(mark));
        let mut ends: Vec<_> = marks.map(|(at, _)| (at, SHORTEST_BEGUN)).collect();
        ends.push((words.len(), SHORTEST));
        ends.sort_unstable();
        let (mut clean, mut from) = (words.to_owned(), words.len());
        for (end, shortest) in ends.into_iter().rev() {
            if end <= from
                && let Some(begun) = self.begun(&words[..end], shortest)
            {
                from = end - begun;
                clean.replace_range(from..end, MASK);
            }
        }
        (from < words.len()).then_some(clean)
    }

    /// Returns how much of the longest beginning of one of them a text ends in, of so many letters at least, or of
    /// one that is shorter as a whole.
    fn begun(&self, text: &str, shortest: usize) -> Option<usize> {
        let longest = self.texts.first().map_or(0, |text| text.len());
        let far = text.len().saturating_sub(longest);
        let mut letters = text[text.ceil_char_boundary(far)..].chars().count();
        let mut ends = text.char_indices().filter(|(at, _)| *at >= far);
        let is_begun = |(at, _): &(usize, char)| {
            let (end, enough) = (&text[*at..], letters >= shortest);
            letters -= 1;
            let next = self.next_to(end);
            next.is_some_and(|known| known == end || enough && known.starts_with(end))
        };
        ends.find(is_begun).map(|(at, _)| text.len() - at)
    }

    /// Returns the first of them in a dictionary that is not before a text: if any begins with it, this one does.
    fn next_to(&self, text: &str) -> Option<&str> {
        let sorted = self.sorted.get_or_init(|| {
            let mut sorted: Vec<_> = (0..self.texts.len()).collect();
            sorted.sort_unstable_by_key(|nth| self.texts[*nth].as_str());
            sorted
        });
        let place = sorted.partition_point(|nth| self.texts[*nth].as_str() < text);
        sorted.get(place).map(|nth| self.texts[*nth].as_str())
    }

    /// Returns a value without them; `None` where it holds none. What `openly` says itself, which is no secret,
    /// may be shown.
    pub fn hidden(&self, value: &Value, openly: Option<&Value>) -> Option<Value> {
        if self.texts.is_empty() {
            return None;
        }
        let mut said = Vec::new();
        if let Some(openly) = openly {
            openly.walk(&mut |node| said.extend(node.as_str()));
        }
        self.hidden_but(value, &said)
    }

    fn hidden_but(&self, value: &Value, openly: &[&str]) -> Option<Value> {
        let hidden = |text: &str| match self.without(text, openly) {
            Cow::Borrowed(_) => None,
            Cow::Owned(clean) => Some(clean),
        };
        match value {
            Value::String(text) => hidden(text).map(|clean| match clean.as_str() {
                MASK => Value::Secret(Secret::new(text.as_str())),
                _ => Value::String(clean),
            }),
            Value::Number(number) => {
                let clean = hidden(&number.to_string());
                clean.map(|_| value.clone().sealed())
            }
            Value::List(items) => {
                let found: Vec<_> = items
                    .iter()
                    .map(|one| self.hidden_but(one, openly))
                    .collect();
                let hides = found.iter().any(Option::is_some);
                let pairs = found.into_iter().zip(items);
                let items = pairs.map(|(hidden, item)| hidden.unwrap_or_else(|| item.clone()));
                hides.then(|| Value::List(items.collect()))
            }
            Value::Map(fields) => {
                let one =
                    |(key, field): (&String, &Value)| (hidden(key), self.hidden_but(field, openly));
                let found: Vec<_> = fields.iter().map(one).collect();
                let hides = found
                    .iter()
                    .any(|(key, field)| key.is_some() || field.is_some());
                let pairs = found.into_iter().zip(fields);
                let fields = pairs.map(|((key, hidden), (name, field))| {
                    let key = key.unwrap_or_else(|| name.clone());
                    (key, hidden.unwrap_or_else(|| field.clone()))
                });
                hides.then(|| Value::Map(fields.collect::<Map>()))
            }
            Value::Null | Value::Bool(_) | Value::Secret(_) | Value::Hole(_) => None,
        }
    }

    /// Returns a text without them, but for those that one of `openly` holds as well.
    pub fn without<'t>(&self, text: &'t str, openly: &[&str]) -> Cow<'t, str> {
        if self.texts.is_empty() {
            return Cow::Borrowed(text);
        }
        let Some(search) = self.search() else {
            // More than can be looked for.
            return Cow::Owned(MASK.to_owned());
        };
        let is_open = |found: usize| {
            let found = self.texts[found].as_str();
            openly.iter().any(|said| said.contains(found))
        };
        let mut found = search.find_iter(text);
        if !found.any(|found| !is_open(found.pattern().as_usize())) {
            return Cow::Borrowed(text);
        }
        let mut clean = String::with_capacity(text.len());
        search.replace_all_with(text, &mut clean, |found, as_it_was, clean| {
            clean.push_str(match is_open(found.pattern().as_usize()) {
                true => as_it_was,
                false => MASK,
            });
            true
        });
        Cow::Owned(clean)
    }

    fn search(&self) -> Option<&AhoCorasick> {
        let made = self.search.get_or_init(|| {
            let texts = self.texts.iter().map(|text| text.as_str());
            let mut search = AhoCorasick::builder();
            search.match_kind(MatchKind::LeftmostLongest);
            // A table with a row for each letter of long texts takes some hundred times as much as they do.
            search.kind(Some(AhoCorasickKind::ContiguousNFA));
            search.build(texts).ok()
        });
        made.as_ref()
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

/// Tells whether a text is met by no accident.
fn is_telling(text: &str) -> bool {
    let letters: BTreeSet<char> = text.chars().collect();
    let is_word = text.len() <= LONGEST_WORD && text.bytes().all(|byte| byte.is_ascii_lowercase());
    text.trim().len() >= SHORTEST && letters.len() >= FEWEST_LETTERS && !is_word
}

#[cfg(test)]
mod tests;
