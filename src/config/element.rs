//! What every element needs while it is read: the reader, and what relative paths stand on.

use crate::yaml::{Content, Fields, Node, Reader};
use std::path::{Path, PathBuf};
use url::Url;

/// The reading of one settings file.
#[derive(Debug)]
pub(super) struct Reading {
    /// Gathers mistakes.
    pub(super) reader: Reader,
    /// The folder of the settings file; relative paths stand on it.
    pub(super) folder: PathBuf,
    /// What was written in the clear where a secret's place is expected: shown nowhere.
    pub(super) in_the_clear: Vec<String>,
}

impl Reading {
    /// Reads the fields of an element with `read`, then reports unknown ones. Left out, or no map,
    /// it is `T::default()`.
    pub(super) fn element<'n, T: Default>(
        &mut self,
        node: Option<&'n Node>,
        read: impl FnOnce(&mut Self, &mut Fields<'n>) -> T,
    ) -> T {
        let Some(node) = node else {
            return T::default();
        };
        let Some(mut fields) = self.reader.fields(node, &node.place) else {
            return T::default();
        };
        let element = read(self, &mut fields);
        fields.finish(&mut self.reader);
        element
    }

    /// Reads a path; a relative one stands on the settings file's folder.
    pub(super) fn path(&mut self, node: Option<&Node>) -> Option<PathBuf> {
        let text = self.reader.name(node?)?;
        Some(self.folder.join(Path::new(text)))
    }

    /// Reads a text, where it is given.
    pub(super) fn text(&mut self, node: Option<&Node>) -> Option<String> {
        self.reader.name(node?).map(str::to_owned)
    }

    /// Reads a list of texts, empty where it is left out.
    pub(super) fn texts(&mut self, node: Option<&Node>) -> Vec<String> {
        let Some(node) = node else {
            return Vec::new();
        };
        self.reader
            .list(node, |reader, item| reader.name(item).map(str::to_owned))
    }

    /// Reads an `http` or `https` address without credentials in it.
    pub(super) fn address(&mut self, node: Option<&Node>) -> Option<Url> {
        let node = node?;
        let text = self.reader.name(node)?;
        let url = Url::parse(text).ok();
        let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
            let error = node.place.error("bad-address", "it is no http address");
            self.reader
                .report(error.with_hint("Write it whole, as in https://api.github.com."));
            return None;
        };
        if !url.username().is_empty() || url.password().is_some() {
            self.in_the_clear.push(text.to_owned());
            let error = node
                .place
                .error("secret-in-settings", "the address holds credentials");
            self.reader
                .report(error.with_hint("Leave them out, and name where they live beside it."));
            return None;
        }
        Some(url)
    }

    /// Tells the text of a scalar whatever its type.
    pub(super) fn scalar(node: &Node) -> Option<&str> {
        match &node.content {
            Content::Text(text) => Some(&text.text),
            Content::Bool(_) | Content::Number(_) => Some(node.place.written()),
            _ => None,
        }
    }
}
