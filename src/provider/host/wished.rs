//! A plain file as it is to be on this host: what is declared, and what stays as it is or was left.

use super::accounts::Account;
use super::error::HostError;
use super::marks::Record;
use super::placed::{Form, Look};
use super::root::{Found, NewFile};
use crate::model::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A file as declared, on this host.
pub(super) struct Wished {
    bytes: Vec<u8>,
    mode: u32,
    uid: Option<u32>,
    gid: Option<u32>,
    /// Whether any of it is a secret.
    pub(super) sealed: bool,
    /// The variables that are none.
    pub(super) open: BTreeSet<String>,
}

impl Wished {
    /// Reads the declaration; what it leaves out stays as it is, its mode as it was left.
    ///
    /// # Errors
    /// A field that no file can have, an account this host does not know.
    pub(super) fn of(form: &dyn Form, desired: &Map, look: &Look<'_>) -> Result<Self, HostError> {
        let found = look.found.as_ref();
        let wrong = |field, reason: String| HostError::Spec {
            what: look.path.to_string(),
            field,
            reason,
        };
        let text = |field: &str| -> Option<Cow<'_, str>> {
            match desired.get(field)? {
                Value::Secret(secret) => Some(Cow::Owned(secret.expose().to_owned())),
                other => other.as_str().map(Cow::Borrowed),
            }
        };
        let mode = match text("mode") {
            Some(mode) => mode_of(&mode)
                .ok_or_else(|| wrong("mode", "write octal digits, at most 0777".to_owned()))?,
            None => mode_kept(form, desired, look.record.as_ref())
                .or(found.map(|found| found.mode))
                .unwrap_or_else(|| form.default_mode(desired).mode),
        };
        let id = |field: &'static str, account: Account| match text(field) {
            Some(name) => account.number(&name)?.map(Some).ok_or_else(|| {
                let sealed = matches!(desired.get(field), Some(Value::Secret(_)));
                wrong(field, stranger(field, &name, sealed))
            }),
            None => Ok(None),
        };
        let mut sealed = false;
        desired.values().for_each(|value| {
            value.walk(&mut |node| sealed |= matches!(node, Value::Secret(_)));
        });
        let values = desired.get("values").and_then(Value::as_map);
        let is_open = |value: &Value| !matches!(value, Value::Secret(_));
        let open = values
            .into_iter()
            .flatten()
            .filter(|(_, value)| is_open(value));
        Ok(Self {
            open: open.map(|(name, _)| name.clone()).collect(),
            bytes: form.bytes(desired)?,
            mode,
            uid: id("owner", Account::User)?.or(found.map(|found| found.uid)),
            gid: id("group", Account::Group)?.or(found.map(|found| found.gid)),
            sealed,
        })
    }

    /// Returns what makes it.
    pub(super) fn file(&self) -> NewFile<'_> {
        NewFile {
            bytes: &self.bytes,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
        }
    }

    /// Tells whether a file already is so.
    pub(super) fn is_as(&self, form: &dyn Form, desired: &Map, found: &Found) -> bool {
        let means = |bytes: &Vec<u8>| form.means(bytes, desired);
        found.bytes.as_ref().is_some_and(means)
            && found.mode == self.mode
            && self.uid.is_none_or(|uid| uid == found.uid)
            && self.gid.is_none_or(|gid| gid == found.gid)
    }
}

/// Returns the mode that counts as declared where none is: the kind's own where that is for secrets, else the
/// one we left the file with. A file that nobody may write must not become one that everybody may, unseen.
pub(super) fn mode_kept(form: &dyn Form, desired: &Map, record: Option<&Record>) -> Option<u32> {
    let default = form.default_mode(desired);
    let left = || record.and_then(|record| record.mode);
    default.binding.then_some(default.mode).or_else(left)
}

/// Reads permission bits as they are written: three octal digits, or four that begin with 0. What lets a file
/// run as its owner is not given by a repository.
pub(super) fn mode_of(text: &str) -> Option<u32> {
    let right = (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let mode = u32::from_str_radix(text, 8).ok().filter(|_| right);
    mode.filter(|mode| *mode <= 0o777)
}

/// Says that an account is not known, without its name where that is a secret.
pub(super) fn stranger(field: &str, name: &str, sealed: bool) -> String {
    if sealed {
        format!("this host knows no such {field}, and its name is a secret")
    } else {
        format!("this host knows no {field} {name:?}")
    }
}
