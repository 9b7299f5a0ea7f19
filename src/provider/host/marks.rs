//! Whose a file is: one record for each managed object, in a folder of our own below the root.
//!
//! Why records and not extended attributes: an editor that saves by renaming (`sed -i`, vim) drops
//! attributes, and a hand edit must stay attributable drift. A record survives it; a lost ledger is
//! rebuilt from the records, lost records only mean that the next run adopts what it finds.

use super::accounts::Account;
use super::error::HostError;
use super::path::HostPath;
use super::root::{Found, NewFile, Root};
use crate::model::{Address, Digest, DigestKey, Identity, KindName, Mark, Secret, Step, Touch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

/// What is remembered of one managed object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Whose it is.
    pub(super) address: Address,
    /// The object's path, for people who look here.
    pub(super) object: String,
    /// Its kind; a plain file where an older version wrote the record.
    #[serde(default)]
    pub(super) kind: Option<KindName>,
    /// What we wrote last, as [`Marks::written`] tells it; `None` while the first write is under way.
    #[serde(default)]
    pub(super) written: Option<Digest>,
    /// The permission bits it was left with: they count as declared where the spec is silent. `None` as above,
    /// and in records of older versions.
    #[serde(default)]
    pub(super) mode: Option<u32>,
    /// True where what we wrote held a secret: then nothing of it is shown without the ledger's word.
    #[serde(default)]
    pub(super) sealed: bool,
    /// Of a file of variables, those that held no secret when we wrote it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) open: BTreeSet<String>,
    /// What was in force before a change that is in place but not checked and loaded yet.
    #[serde(default)]
    pub(super) pending: Option<Before>,
}

/// What to put back where a change turns out wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    /// Whether there was a file; [`Marks::held`] has it.
    #[serde(default)]
    pub(super) held: bool,
    /// The text, where an older version wrote the record: it held no more of the file than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
    /// Whether it was enabled.
    pub(super) enabled: bool,
}

impl Record {
    /// Begins a record for an object that is about to be ours.
    pub(super) fn begin(step: &Step, object: &HostPath) -> Self {
        Self {
            address: step.address.clone(),
            object: object.to_string(),
            kind: Some(step.kind.clone()),
            written: None,
            mode: None,
            sealed: false,
            open: BTreeSet::new(),
            pending: None,
        }
    }
}

impl Record {
    /// Returns the object's kind.
    pub(super) fn kind(&self) -> KindName {
        let plain = || KindName::new("host/file");
        self.kind.clone().unwrap_or_else(plain)
    }

    /// Returns which object of its kind it is.
    pub(super) fn identity(&self) -> Identity {
        let name = self.object.rsplit('/').next().unwrap_or_default();
        Identity(vec![match self.kind().as_str() {
            "host/nginx-site" => ("/name".to_owned(), name.to_owned()),
            _ => ("/path".to_owned(), self.object.clone()),
        }])
    }
}

/// The records below one root.
pub(super) struct Marks<'a> {
    root: &'a Root,
    folder: HostPath,
    key: DigestKey,
    /// True where the key is not kept below the root yet.
    key_is_new: bool,
}

impl<'a> Marks<'a> {
    /// Opens the records, there or not. Writes nothing.
    ///
    /// # Errors
    /// The key is there but cannot be read.
    pub(super) fn open(root: &'a Root) -> Result<Self, HostError> {
        let folder = folder(root.path());
        let kept = root
            .read(&folder.join("key"))?
            .and_then(|found| found.bytes);
        let key_is_new = kept.is_none();
        let key = match kept {
            Some(bytes) => DigestKey::new(bytes),
            None => new_key(root)?,
        };
        Ok(Self {
            root,
            folder,
            key,
            key_is_new,
        })
    }

    /// Tells whether the folder of the records is there: where it is not, nothing was ever ours below this root,
    /// or this is not what we wrote to.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(super) fn are_there(&self) -> Result<bool, HostError> {
        Ok(self.root.names(&self.folder)?.is_some())
    }

    /// Refuses a path inside the records' own folder.
    ///
    /// # Errors
    /// It is one.
    pub(super) fn refuse_own(&self, path: &HostPath) -> Result<(), HostError> {
        if path.parts().starts_with(self.folder.parts()) {
            return Err(HostError::Spec {
                what: path.to_string(),
                field: "path",
                reason: "the ownership records are kept there".to_owned(),
            });
        }
        Ok(())
    }

    /// Returns the record of an object.
    ///
    /// # Errors
    /// There is one that cannot be read: that is never "nobody's".
    pub(super) fn read(&self, object: &HostPath) -> Result<Option<Record>, HostError> {
        match self.root.read(&self.place(object))? {
            Some(found) => parsed(found, object).map(Some),
            None => Ok(None),
        }
    }

    /// Returns every record, in the order of their objects.
    ///
    /// # Errors
    /// One cannot be read.
    pub(super) fn all(&self) -> Result<Vec<Record>, HostError> {
        let folder = self.folder.join("objects");
        let mut records = Vec::new();
        for name in self.root.names(&folder)?.unwrap_or_default() {
            let path = folder.join(&name);
            if let Some(found) = self.root.read(&path)?.filter(|_| name.ends_with(".json")) {
                records.push(parsed(found, &path)?);
            }
        }
        records.sort_by(|one: &Record, other| one.object.cmp(&other.object));
        Ok(records)
    }

    /// Keeps the record of an object.
    ///
    /// # Errors
    /// The system refuses; then the old record stands.
    pub(super) fn write(&self, object: &HostPath, record: &Record) -> Result<(), HostError> {
        if self.key_is_new {
            self.keep_key()?;
        }
        let text = serde_json::to_vec_pretty(record).map_err(|error| HostError::Record {
            path: object.to_string(),
            reason: error.to_string(),
        })?;
        self.root.write(&self.place(object), &private(&text))
    }

    /// Keeps the key, once: files that are made side by side at a first start all want to.
    fn keep_key(&self) -> Result<(), HostError> {
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join("key");
        match self.root.read(&path)? {
            Some(_) => Ok(()),
            None => self.root.write(&path, &private(self.key.expose())),
        }
    }

    /// Returns the folder of what stood here before us.
    pub(super) fn originals(&self) -> HostPath {
        self.folder.join("originals")
    }

    /// Forgets an object, and what is held of it.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn remove(&self, object: &HostPath) -> Result<(), HostError> {
        self.root.remove(&self.place(object))?;
        self.let_go(object)
    }

    /// Holds a file as it is while another is tried in its place: bytes, mode and owner, below a folder that
    /// only this account may enter. What could be written here can be put back.
    ///
    /// # Errors
    /// It is larger than what is read, its owner cannot be given to a file, or the system refuses: then it
    /// must not be replaced.
    pub(super) fn hold(&self, object: &HostPath, found: &Found) -> Result<(), HostError> {
        let whole = found.whole(object)?;
        self.root.make_private(&self.folder.join("before"))?;
        self.root.write(&self.hold_of(object), &whole)
    }

    /// Returns the file that is held.
    ///
    /// # Errors
    /// It is not there any more, or cannot be read.
    pub(super) fn held(&self, object: &HostPath) -> Result<Found, HostError> {
        let place = self.hold_of(object);
        self.root.read(&place)?.ok_or_else(|| HostError::Record {
            path: object.to_string(),
            reason: format!("what it was before is no longer at {place}"),
        })
    }

    /// Lets go of what is held, if anything is.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn let_go(&self, object: &HostPath) -> Result<(), HostError> {
        self.root.remove(&self.hold_of(object)).map(|_was_there| ())
    }

    fn hold_of(&self, object: &HostPath) -> HostPath {
        let name = Digest::of(object.to_string()).to_string();
        self.folder.join("before").join(&name)
    }

    /// Tells what a file looks like as a digest that cannot be guessed at: equal for equal files.
    pub(super) fn written(&self, found: &Found, more: &str) -> Digest {
        let content = match &found.bytes {
            Some(bytes) => Digest::of(bytes).to_string(),
            None => format!("{} {}", found.size, found.changed),
        };
        let text = format!(
            "{content} {:o} {} {} {more}",
            found.mode, found.uid, found.gid
        );
        self.key.digest(&Secret::new(text))
    }

    /// Returns the version of live state: what it looks like, and whose it is.
    pub(super) fn mark(&self, found: &Found, more: &str, owner: Option<&Address>) -> Mark {
        let owner = owner.map(ToString::to_string).unwrap_or_default();
        Mark(self.written(found, &format!("{more} {owner}")).to_string())
    }

    /// Tells who touched an object, where it is not as we left it. The system knows the owner of a
    /// file, not who wrote it: that is what is said.
    pub(super) fn touched(&self, record: Option<&Record>, found: &Found, more: &str) -> Vec<Touch> {
        let left = record.and_then(|record| record.written.as_ref());
        if left.is_none_or(|left| *left == self.written(found, more)) {
            return Vec::new();
        }
        vec![Touch {
            path: None,
            by: format!(
                "{} (owner of the file: {})",
                Touch::UNKNOWN,
                Account::User
                    .name(found.uid)
                    .unwrap_or_else(|_unreadable| found.uid.to_string())
            ),
            at: Some(found.changed),
        }]
    }

    fn place(&self, object: &HostPath) -> HostPath {
        let name = format!("{}.json", Digest::of(object.to_string()));
        self.folder.join("objects").join(&name)
    }
}

fn parsed(found: Found, path: &HostPath) -> Result<Record, HostError> {
    let bytes = found.bytes.unwrap_or_default();
    serde_json::from_slice(&bytes).map_err(|error| HostError::Record {
        path: path.to_string(),
        reason: error.to_string(),
    })
}

/// Returns the folder of the records: hidden in a root of one's own, where programs keep their state
/// on a whole machine.
fn folder(root: &Path) -> HostPath {
    if root == Path::new("/") {
        HostPath::of(&["var", "lib", "reconciled", "host"])
    } else {
        HostPath::of(&[".reconciled"])
    }
}

fn private(bytes: &[u8]) -> NewFile<'_> {
    NewFile {
        bytes,
        mode: 0o600,
        uid: None,
        gid: None,
    }
}

/// Returns the key for where none is kept yet: the root's seed, else one for each run of this program. So
/// what is planned before the first write and what is seen after it agree.
fn new_key(root: &Root) -> Result<DigestKey, HostError> {
    static KEY: OnceLock<DigestKey> = OnceLock::new();
    if let Some(key) = root.seed().or(KEY.get()) {
        return Ok(key.clone());
    }
    let mut key = vec![0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut key))
        .map_err(HostError::std("read", "/dev/urandom"))?;
    Ok(KEY.get_or_init(|| DigestKey::new(key)).clone())
}
