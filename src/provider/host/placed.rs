//! What `host/file` and `host/env-file` share: a plain file at a path, with mode and owner. Each kind
//! says only how its text is written and read.

use super::accounts::Account;
use super::error::HostError;
use super::guard::{Standing, Verdict, judge};
use super::known::{Known, Whose};
use super::marks::{Marks, Record};
use super::original;
use super::path::HostPath;
use super::root::{Found, Root};
use super::wished::{Wished, mode_kept, mode_of, stranger};
use crate::model::{
    Address, Applied, Asked, Depth, Fault as _, Health, Live, Map, Mark, Observation, Owner,
    Prediction, Step, Value,
};
use crate::provider::ProviderError;
use crate::telemetry::crash_point;

/// How a kind writes and reads its text.
pub(super) trait Form {
    /// Returns the file's bytes.
    fn bytes(&self, desired: &Map) -> Result<Vec<u8>, HostError>;
    /// Tells whether the live bytes already mean what is declared.
    fn means(&self, live: &[u8], desired: &Map) -> bool;
    /// Adds the kind's own fields of the live file, in the declaration's spelling; what may be a
    /// secret is sealed.
    fn read(&self, found: &Found, known: &Known<'_>, into: &mut Map);
    /// Returns the mode where none is declared and none is there yet; told as a declared one where
    /// `binding`.
    fn default_mode(&self, desired: &Map) -> DefaultMode;
    /// Returns the declared fields as they will read after the write.
    fn after(&self, desired: &Map) -> Map;
}

/// The mode of a file for which none is declared.
pub(super) struct DefaultMode {
    /// The permission bits.
    pub(super) mode: u32,
    /// Whether another mode of a file that is there is a difference.
    pub(super) binding: bool,
}

/// One file, looked at.
pub(super) struct Look<'a> {
    pub(super) path: HostPath,
    marks: Marks<'a>,
    pub(super) record: Option<Record>,
    pub(super) found: Option<Found>,
}

impl<'a> Look<'a> {
    fn at(root: &'a Root, path: &str) -> Result<Self, HostError> {
        let path = HostPath::parse(path)?;
        path.refuse_system(root.path())?;
        let marks = Marks::open(root)?;
        marks.refuse_own(&path)?;
        Ok(Self {
            record: marks.read(&path)?,
            found: root.read(&path)?,
            marks,
            path,
        })
    }

    fn owner(&self) -> Option<&Address> {
        self.record.as_ref().map(|record| &record.address)
    }

    fn whose(&self, asking: &Address, root: &Root) -> Result<Whose, HostError> {
        Ok(match (self.owner(), &self.found) {
            (Some(owner), _) if owner == asking => Whose::Ours,
            (Some(_), _) => Whose::Anothers,
            (None, Some(found)) if original::is_public(root, &self.path, found)? => {
                Whose::Everybodys
            }
            (None, _) => Whose::Nobodys,
        })
    }

    fn mark(&self) -> Option<Mark> {
        let found = self.found.as_ref()?;
        Some(self.marks.mark(found, "", self.owner()))
    }
}

/// Answers what is live.
pub(super) fn observe(
    root: &Root,
    form: &dyn Form,
    asked: &Asked,
) -> Result<Observation, HostError> {
    let look = Look::at(root, asked.identity.get("/path").unwrap_or_default())?;
    let desired = asked.desired.as_deref().and_then(Value::as_map);
    let Some(found) = &look.found else {
        let prediction = desired.filter(|_| asked.depth >= Depth::PredictAll);
        return Ok(Observation::Absent {
            prediction: prediction
                .map(|desired| predicted(form, desired, &Map::new(), look.record.as_ref()))
                .transpose()?,
        });
    };
    let applied = asked.owned.as_ref().map(|owned| owned.applied.json());
    let known = Known {
        desired,
        applied: applied.as_ref(),
        sealed: look.record.as_ref().is_some_and(|record| record.sealed),
        open: look.record.as_ref().map(|record| &record.open),
        whose: look.whose(&asked.address, root)?,
    };
    let mut value = Map::new();
    value.insert("path".to_owned(), look.path.to_string().into());
    form.read(found, &known, &mut value);
    about(found, desired, &mut value)?;
    let prediction = desired.map(|desired| match look.owner() {
        None if found.bytes.is_none() => Ok(too_large(&look.path, found)),
        _ => predicted(form, desired, &value, look.record.as_ref()),
    });
    Ok(Observation::Present(Box::new(Live {
        prediction: prediction.transpose()?,
        outputs: outputs(&look.path),
        owner: look
            .record
            .as_ref()
            .map(|record| Owner::Resource(record.address.clone())),
        mark: look.mark().expect("it was found just above"),
        external_id: None,
        health: Health::Ready,
        going_since: None,
        touched_by: look.marks.touched(look.record.as_ref(), found, ""),
        lists: Vec::new(),
        verdict: None,
        applied_by: None,
        value: Value::Map(value).into(),
    })))
}

/// Adds mode, owner and group, in the spelling of the declaration where it means the same.
fn about(found: &Found, desired: Option<&Map>, value: &mut Map) -> Result<(), HostError> {
    let declared = |field: &str| {
        desired
            .and_then(|map| map.get(field))
            .and_then(Value::as_str)
    };
    let mode = declared("mode").filter(|text| mode_of(text) == Some(found.mode));
    let mode = mode.map_or_else(|| format!("{:04o}", found.mode), str::to_owned);
    value.insert("mode".to_owned(), mode.into());
    for (field, account, number) in [
        ("owner", Account::User, found.uid),
        ("group", Account::Group, found.gid),
    ] {
        let name = match declared(field) {
            Some(name) if account.number(name)? == Some(number) => name.to_owned(),
            _ => account.name(number)?,
        };
        value.insert(field.to_owned(), name.into());
    }
    Ok(())
}

/// Says what a write gives: the live fields, those declared in their place.
fn predicted(
    form: &dyn Form,
    desired: &Map,
    live: &Map,
    record: Option<&Record>,
) -> Result<Prediction, HostError> {
    for (field, account) in [("owner", Account::User), ("group", Account::Group)] {
        let name = desired.get(field).and_then(Value::as_str);
        if let Some(name) = name
            && account.number(name)?.is_none()
        {
            return Ok(Prediction::Refused {
                reason: stranger(field, name, false),
                immutable: Vec::new(),
            });
        }
    }
    let mut after = live.clone();
    let made = || form.default_mode(desired).mode;
    let kept = mode_kept(form, desired, record);
    if let Some(mode) = kept.or_else(|| (!live.contains_key("mode")).then(made)) {
        after.insert("mode".to_owned(), format!("{mode:04o}").into());
    }
    for (field, value) in form.after(desired) {
        if value != Value::Null {
            after.insert(field, value);
        }
    }
    Ok(Prediction::Becomes {
        value: Value::Map(after).into(),
        yielded: Vec::new(),
        payload: None,
        kept: Vec::new(),
    })
}

/// Nobody's file that cannot be kept is not overwritten.
pub(super) fn too_large(path: &HostPath, found: &Found) -> Prediction {
    refused(&HostError::TooLargeToKeep {
        path: path.to_string(),
        size: found.size,
    })
}

/// Says that a write would be refused, why, and what to do.
pub(super) fn refused(error: &HostError) -> Prediction {
    let hint = error.hint().unwrap_or_default();
    Prediction::Refused {
        reason: format!("{error}. {hint}"),
        immutable: Vec::new(),
    }
}

fn outputs(path: &HostPath) -> Map {
    [("path".to_owned(), path.to_string().into())]
        .into_iter()
        .collect()
}

/// Carries out one step.
pub(super) fn apply(root: &Root, form: &dyn Form, step: &Step) -> Result<Applied, ProviderError> {
    let what = format!("the file {}", step.identity);
    let failed = |error: HostError| error.refusal(what.clone());
    let look = Look::at(root, step.identity.get("/path").unwrap_or_default()).map_err(failed)?;
    let desired = step.desired.as_deref().and_then(Value::as_map);
    let new = desired
        .map(|desired| Wished::of(form, desired, &look))
        .transpose()
        .map_err(failed)?;
    let equal = match (&look.found, desired, &new) {
        (Some(found), Some(desired), Some(new)) => new.is_as(form, desired, found),
        _ => false,
    };
    let mark = look.mark();
    let standing = Standing {
        what: &what,
        mark: mark.as_ref(),
        owner: look.owner(),
        equal,
    };
    let verdict = judge(step, &standing)?;
    match new {
        None => return removed(root, &look, step, verdict == Verdict::Done).map_err(failed),
        Some(new) if verdict == Verdict::Go => {
            put(root, &look, step, &new, equal).map_err(failed)?;
        }
        Some(_) => {}
    }
    let after = root.read(&look.path).map_err(failed)?;
    Ok(Applied {
        outputs: outputs(&look.path),
        mark: after.map(|found| look.marks.mark(&found, "", Some(&step.address))),
        external_id: None,
        health: Health::Ready,
        unchanged: verdict == Verdict::Done,
        verdict: None,
        note: None,
    })
}

fn removed(
    root: &Root,
    look: &Look<'_>,
    step: &Step,
    unchanged: bool,
) -> Result<Applied, HostError> {
    root.remove(&look.path)?;
    crash_point("host file removed, its record not yet");
    // Where it was gone already, the record may be of whoever makes it next.
    if look.owner() == Some(&step.address) {
        look.marks.remove(&look.path)?;
    }
    Ok(Applied {
        outputs: Map::new(),
        mark: None,
        external_id: None,
        health: Health::Ready,
        unchanged,
        verdict: None,
        note: None,
    })
}

/// Writes record and file. The record comes first: a file without one would be nobody's.
fn put(
    root: &Root,
    look: &Look<'_>,
    step: &Step,
    new: &Wished,
    equal: bool,
) -> Result<(), HostError> {
    let begun = Record::begin(step, &look.path);
    let mut record = match &look.record {
        Some(record) if record.address == step.address => record.clone(),
        _ => begun,
    };
    if let (None, Some(found), false) = (&look.record, &look.found, equal) {
        original::keep(root, &look.marks, &look.path, found)?;
        crash_point("host file's original kept, not yet recorded");
    }
    // Once sealed, the old text counts as secret until the new one is in place.
    record.sealed |= new.sealed;
    record.open.retain(|variable| new.open.contains(variable));
    if look.record.as_ref() != Some(&record) {
        look.marks.write(&look.path, &record)?;
        crash_point("host file recorded, not yet written");
    }
    if !equal {
        root.write(&look.path, &new.file())?;
        crash_point("host file written, not yet recorded as written");
    }
    if let Some(found) = root.read(&look.path)? {
        record.written = Some(look.marks.written(&found, ""));
        record.mode = Some(found.mode);
    }
    record.sealed = new.sealed;
    record.open.clone_from(&new.open);
    look.marks.write(&look.path, &record)
}
