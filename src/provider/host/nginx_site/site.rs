//! One site as it is on the host: its file, the link that enables it, whose it is.

use crate::model::{Address, Mark, Value};
use crate::provider::host::error::HostError;
use crate::provider::host::marks::{Marks, Record};
use crate::provider::host::path::HostPath;
use crate::provider::host::root::{Found, NewFile, Root};
use crate::telemetry::crash_point;
use std::path::Path;

/// What the site's file may be used for: read by all, like the rest of nginx's configuration.
const MODE: u32 = 0o644;
/// The same where its content holds a secret: by its owner alone.
const SECRET_MODE: u32 = 0o600;

/// One site, looked at.
pub(super) struct Site<'a> {
    pub(super) root: &'a Root,
    pub(super) name: String,
    pub(super) file: HostPath,
    pub(super) link: HostPath,
    pub(super) marks: Marks<'a>,
    pub(super) record: Option<Record>,
    pub(super) found: Option<Found>,
    pub(super) linked: bool,
}

/// A site as declared.
pub(super) struct Wished {
    pub(super) content: String,
    pub(super) enabled: bool,
    pub(super) sealed: bool,
}

impl Wished {
    /// Reads a declaration; `None` where it has no text to put in place.
    pub(super) fn of(desired: &Value) -> Option<Self> {
        let content = desired.get("content");
        Some(Self {
            content: content.and_then(plain_text)?.to_owned(),
            enabled: desired.get("enabled") != Some(&Value::Bool(false)),
            sealed: content.is_some_and(is_secret),
        })
    }

    /// Returns its file.
    pub(super) fn file(&self) -> NewFile<'_> {
        file_of(&self.content, self.sealed)
    }
}

impl<'a> Site<'a> {
    /// Looks at a site.
    ///
    /// # Errors
    /// The name cannot be a file's, or something else stands in its place.
    pub(super) fn at(root: &'a Root, name: &str) -> Result<Self, HostError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(plain) {
            return Err(HostError::Spec {
                what: format!("the site {name:?}"),
                field: "name",
                reason: "use letters, digits, dots, hyphens and underscores".to_owned(),
            });
        }
        let file = HostPath::of(&["etc", "nginx", "sites-available", name]);
        let link = HostPath::of(&["etc", "nginx", "sites-enabled", name]);
        file.refuse_system(root.path())?;
        let marks = Marks::open(root)?;
        let linked = match root.read_link(&link)? {
            None => false,
            Some(target) if is_target(root, &file, &target) => true,
            Some(target) => {
                return Err(HostError::InTheWay {
                    path: link.to_string(),
                    found: format!("it links to {target}, not to the site of its name"),
                });
            }
        };
        Ok(Self {
            record: marks.read(&file)?,
            found: root.read(&file)?,
            root,
            name: name.to_owned(),
            file,
            link,
            marks,
            linked,
        })
    }

    /// Tells whether what is in place was not checked and loaded yet.
    pub(super) fn is_pending(&self) -> bool {
        self.record
            .as_ref()
            .is_some_and(|record| record.pending.is_some())
    }

    /// Returns its text, for people to read; `None` where there is none, or too much.
    pub(super) fn text(&self) -> Option<String> {
        let bytes = self.found.as_ref()?.bytes.as_ref()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Returns what belongs to its version beside the file.
    pub(super) fn more(&self) -> String {
        format!("linked={} pending={}", self.linked, self.is_pending())
    }

    /// Returns its version; `None` where it is not there.
    pub(super) fn mark(&self, owner: Option<&Address>) -> Option<Mark> {
        let found = self.found.as_ref()?;
        Some(self.marks.mark(found, &self.more(), owner))
    }

    /// Returns whose it is.
    pub(super) fn owner(&self) -> Option<&Address> {
        self.record.as_ref().map(|record| &record.address)
    }

    /// Tells whether it is as declared, and in force.
    pub(super) fn is_as(&self, wished: &Wished) -> bool {
        self.text().as_ref() == Some(&wished.content)
            && self.linked == wished.enabled
            && !self.is_pending()
    }

    /// Puts file and link in place, or takes them away.
    pub(super) fn place(&self, file: Option<&NewFile<'_>>, enabled: bool) -> Result<(), HostError> {
        // Taken away: the link first, put in place: the file first. A link to nothing breaks nginx.
        if !enabled {
            self.root.remove(&self.link)?;
        }
        match file {
            Some(file) => self.root.write(&self.file, file)?,
            None => {
                self.root.remove(&self.file)?;
            }
        }
        crash_point("nginx site in place, its link not yet");
        if enabled {
            let target = format!("../sites-available/{}", self.name);
            self.root.link(&self.link, &target)?;
        }
        Ok(())
    }
}

/// Returns a site's file as we make it.
pub(super) fn file_of(content: &str, sealed: bool) -> NewFile<'_> {
    NewFile {
        bytes: content.as_bytes(),
        mode: if sealed { SECRET_MODE } else { MODE },
        uid: None,
        gid: None,
    }
}

/// Tells whether a link's target is the site's own file.
fn is_target(root: &Root, file: &HostPath, target: &str) -> bool {
    target == format!("../sites-available/{}", file.name())
        || (root.path() == Path::new("/") && target == file.to_string())
}

/// Returns a text, opened where it is sealed.
pub(super) fn plain_text(value: &Value) -> Option<&str> {
    match value {
        Value::Secret(secret) => Some(secret.expose()),
        other => other.as_str(),
    }
}

/// Tells whether a value is, or will be, a secret.
pub(super) fn is_secret(value: &Value) -> bool {
    match value {
        Value::Secret(_) => true,
        Value::Hole(hole) => hole.sensitive,
        _ => false,
    }
}
