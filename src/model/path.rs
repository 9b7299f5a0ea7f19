//! Where a field stands inside a resource, and patterns over such places.

use serde::{Serialize, Serializer};
use std::fmt;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A field of a map.
    Key(String),
    /// An item of an ordered list, from 0.
    Index(usize),
    /// An item of a keyed list, by its key fields and their values, e.g. `name=api`.
    Item(Vec<(String, String)>),
}

/// The place of one field, from the root of a resource's `spec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(pub Vec<Segment>);

impl FieldPath {
    /// Returns the path one field deeper.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.then(Segment::Key(key.into()))
    }

    /// Returns the path one segment deeper.
    #[must_use]
    pub fn then(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'))
}

impl fmt::Display for FieldPath {
    /// Writes `spec.containers[name=api].env[0]`; keys with other characters stand in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if is_plain(key) && nth == 0 => f.write_str(key)?,
                Segment::Key(key) if is_plain(key) => write!(f, ".{key}")?,
                Segment::Key(key) => write!(f, "[{key:?}]")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Item(keys) => {
                    let keys: Vec<String> = keys
                        .iter()
                        .map(|(key, value)| format!("{key}={value}"))
                        .collect();
                    write!(f, "[{}]", keys.join(","))?;
                }
            }
        }
        Ok(())
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A JSON pointer in which `*` stands for any one segment: `/spec/containers/*/image`.
/// It covers the place it names and everything below.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPattern(Vec<String>);

impl PathPattern {
    /// Reads a JSON pointer (RFC 6901) with `*` for any segment; the empty text covers everything.
    ///
    /// # Errors
    /// A pointer that does not begin with `/`.
    pub fn parse(pointer: &str) -> Result<Self, String> {
        if pointer.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let rest = pointer
            .strip_prefix('/')
            .ok_or_else(|| format!("begin the field pointer {pointer:?} with a slash"))?;
        Ok(Self(
            rest.split('/')
                .map(|part| part.replace("~1", "/").replace("~0", "~"))
                .collect(),
        ))
    }

    /// Takes a pointer written in this program's own tables.
    ///
    /// # Panics
    /// Where the pointer has no leading slash; each table is read by a test.
    pub fn known(pointer: &'static str) -> Self {
        Self::parse(pointer).expect("a pointer in our own tables begins with a slash")
    }

    /// Tells whether the path is the named place or below it.
    pub fn covers(&self, path: &FieldPath) -> bool {
        self.0.len() <= path.0.len() && self.agrees(path)
    }

    /// Tells whether the named place is the path, below it or above it.
    pub fn touches(&self, path: &FieldPath) -> bool {
        self.agrees(path)
    }

    /// Tells whether the pattern names exactly this place.
    pub fn is(&self, path: &FieldPath) -> bool {
        self.0.len() == path.0.len() && self.agrees(path)
    }

    /// Returns the pointer's parts, unescaped.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    fn agrees(&self, path: &FieldPath) -> bool {
        self.0.iter().zip(&path.0).all(|(part, segment)| {
            part == "*"
                || match segment {
                    Segment::Key(key) => key == part,
                    Segment::Index(index) => part.parse() == Ok(*index),
                    Segment::Item(keys) => keys.iter().any(|(_, value)| value == part),
                }
        })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            write!(f, "/{}", part.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_the_field() {
        let path = FieldPath::default()
            .key("spec")
            .key("containers")
            .then(Segment::Item(vec![("name".into(), "api".into())]))
            .key("app.kubernetes.io/name");
        assert_eq!(
            path.to_string(),
            r#"spec.containers[name=api]["app.kubernetes.io/name"]"#
        );
        let pattern = PathPattern::parse("/spec/containers/*").unwrap();
        assert!(pattern.covers(&path));
        assert!(!pattern.is(&path));
        assert!(
            PathPattern::parse("/spec/containers/api/app.kubernetes.io~1name")
                .unwrap()
                .is(&path)
        );
        assert!(!PathPattern::parse("/spec/volumes").unwrap().touches(&path));
    }
}
