//! Where a node stands: a range of bytes in a named text, turned into lines and columns only when
//! somebody has to read them.

use crate::model::{Diagnostic, Location, RepoPath, Severity};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The longest source line a diagnostic repeats, in characters.
const LONGEST_LINE: usize = 400;

/// One text with its name.
#[derive(Debug)]
pub struct Source {
    file: RepoPath,
    text: String,
    /// The byte at which each line begins; found at the first mistake.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    /// Names a text.
    pub fn new(file: RepoPath, text: String) -> Arc<Self> {
        Arc::new(Self {
            file,
            text,
            lines: OnceLock::new(),
        })
    }

    /// Returns the file's path in the repository.
    pub fn file(&self) -> &RepoPath {
        &self.file
    }

    /// Returns the whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn line_of(&self, byte: usize) -> (usize, usize) {
        let lines = self.lines.get_or_init(|| {
            let breaks = self.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(breaks).collect()
        });
        let nth = lines.partition_point(|start| *start <= byte).max(1) - 1;
        (nth, lines.get(nth).copied().unwrap_or(0))
    }
}

/// A range of a text.
#[derive(Clone, Debug)]
pub struct Place {
    source: Arc<Source>,
    start: u32,
    end: u32,
}

impl Place {
    /// Names the bytes from `start` to before `end`.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let clamp = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        Self {
            source: Arc::clone(source),
            start: clamp(range.start),
            end: clamp(range.end),
        }
    }

    /// Returns the text this is a place of.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Returns the file's path in the repository.
    pub fn file(&self) -> &RepoPath {
        &self.source.file
    }

    /// Returns the bytes it names.
    pub(super) fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns what stands here as it was written, quotes included.
    pub fn written(&self) -> &str {
        let range = self.start as usize..self.end as usize;
        self.source.text.get(range).unwrap_or_default()
    }

    /// Returns the first occurrence of a text inside this place; the whole place where there is none
    /// (folded over lines, or written with escapes).
    #[must_use]
    pub fn find(&self, text: &str, after: usize) -> Self {
        let found = self.written().get(after..).and_then(|rest| rest.find(text));
        match found {
            Some(at) => {
                let start = self.start as usize + after + at;
                Self::new(&self.source, start..start + text.len())
            }
            None => self.clone(),
        }
    }

    /// Returns at which byte of this place another one begins, where it lies inside.
    pub fn offset_of(&self, inner: &Self) -> Option<usize> {
        let inside = self.start <= inner.start && inner.end <= self.end;
        inside.then(|| (inner.start - self.start) as usize)
    }

    /// Returns line, column and length; the length stays on the first line.
    pub fn location(&self) -> Location {
        let text = self.source.text.as_str();
        let start = (self.start as usize).min(text.len());
        let (line, begin) = self.source.line_of(start);
        let before = text.get(begin..start).unwrap_or_default();
        let first = self.written().lines().next().unwrap_or_default();
        Location {
            file: self.source.file.clone(),
            line: line + 1,
            column: before.chars().count() + 1,
            length: first.trim_end().chars().count().max(1),
        }
    }

    /// Returns the line this begins on; empty where it is too long to be repeated.
    pub fn source_line(&self) -> String {
        let (_, begin) = self.source.line_of(self.start as usize);
        let rest = self.source.text.get(begin..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        if line.len() > LONGEST_LINE {
            return String::new();
        }
        line.to_owned()
    }

    /// Makes an error that points here.
    pub fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            location: self.location(),
            severity: Severity::Error,
            code,
            message: message.into(),
            hint: None,
            source_line: self.source_line(),
            related: None,
        }
    }
}

/// Two places are equal where they name the same bytes of the same file.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        (self.start, self.end) == (other.start, other.end) && self.file() == other.file()
    }
}
