//! A change of a site, in steps that a kill may come between: recorded, put in place, checked and
//! loaded, recorded as in force. What was in force before is held until then.

use super::site::{Site, Wished, file_of};
use crate::model::Step;
use crate::provider::host::error::HostError;
use crate::provider::host::marks::{Before, Record};
use crate::provider::host::nginx::Nginx;
use crate::provider::host::original;
use crate::telemetry::crash_point;

/// Puts a change in place, has it checked and loaded, or puts back what was there.
pub(super) fn swap(
    site: &Site<'_>,
    nginx: &Nginx,
    step: &Step,
    wished: Option<&Wished>,
) -> Result<(), HostError> {
    if let (None, Some(found)) = (&site.record, &site.found) {
        original::keep(site.root, &site.marks, &site.file, found)?;
        crash_point("nginx site's original kept, not yet recorded");
    }
    let mut record = site
        .record
        .clone()
        .unwrap_or_else(|| Record::begin(step, &site.file));
    record.address = step.address.clone();
    // What a killed run had put in place was never in force: what was before it is what counts.
    let before = match record.pending.take() {
        Some(before) => before,
        None => held(site)?,
    };
    record.pending = Some(before.clone());
    record.sealed |= wished.is_some_and(|wished| wished.sealed);
    site.marks.write(&site.file, &record)?;
    crash_point("nginx site recorded as changing, not yet in place");
    if let Err(error) = loaded(site, nginx, wished) {
        let left_over = put_back(site, &before, record.sealed).err();
        return Err(left_over.unwrap_or_else(|| quiet(error, record.sealed)));
    }
    crash_point("nginx site loaded, not yet recorded as in force");
    match wished {
        Some(wished) => in_force(site, record, wished.sealed),
        None => {
            site.root.remove(&site.file)?;
            crash_point("nginx site removed, its record not yet");
            site.marks.remove(&site.file)
        }
    }
}

/// Holds what is in force, whole: what nginx may make us put back must not be lost, nor opened to others.
fn held(site: &Site<'_>) -> Result<Before, HostError> {
    if let Some(found) = &site.found {
        site.marks.hold(&site.file, found)?;
        crash_point("nginx site held, not yet recorded as changing");
    }
    Ok(Before {
        held: site.found.is_some(),
        content: None,
        enabled: site.linked && site.found.is_some(),
    })
}

/// Puts it in place, and has the whole configuration checked and loaded.
fn loaded(site: &Site<'_>, nginx: &Nginx, wished: Option<&Wished>) -> Result<(), HostError> {
    match wished {
        Some(wished) => site.place(Some(&wished.file()), wished.enabled)?,
        // The file goes last: while it is there, a killed run is found and finished.
        None => {
            site.root.remove(&site.link)?;
        }
    }
    crash_point("nginx site in place, not yet checked");
    let what = format!("the site {}", site.name);
    nginx.check(site.root, &what)?;
    nginx.reload(site.root, &what)
}

/// Records that what is in place is in force, and how it was left.
fn in_force(site: &Site<'_>, mut record: Record, sealed: bool) -> Result<(), HostError> {
    record.pending = None;
    record.sealed = sealed;
    let after = Site::at(site.root, &site.name)?;
    let more = format!("linked={} pending=false", after.linked);
    record.written = after
        .found
        .as_ref()
        .map(|found| site.marks.written(found, &more));
    site.marks.write(&site.file, &record)?;
    site.marks.let_go(&site.file)
}

/// Marks as ours what already is as declared.
pub(super) fn take_over(site: &Site<'_>, step: &Step, wished: &Wished) -> Result<(), HostError> {
    in_force(site, Record::begin(step, &site.file), wished.sealed)
}

/// Puts back what was in force, and whose it was.
fn put_back(site: &Site<'_>, before: &Before, sealed: bool) -> Result<(), HostError> {
    match (&before.content, before.held) {
        (_, true) => {
            let held = site.marks.held(&site.file)?;
            site.place(Some(&held.whole(&site.file)?), before.enabled)?;
        }
        (Some(content), false) => {
            // Its mode is not known: where we never wrote it, nobody else gets to read it.
            let never_ours = site
                .record
                .as_ref()
                .is_none_or(|record| record.written.is_none());
            let file = file_of(content, sealed || never_ours);
            site.place(Some(&file), before.enabled)?;
        }
        (None, false) => site.place(None, before.enabled)?,
    }
    crash_point("nginx site put back, its record not yet");
    match &site.record {
        Some(record) => {
            let record = Record {
                pending: None,
                ..record.clone()
            };
            site.marks.write(&site.file, &record)?;
            site.marks.let_go(&site.file)
        }
        None => site.marks.remove(&site.file),
    }
}

/// nginx quotes the configuration: where that holds a secret, its words are kept back.
fn quiet(error: HostError, sealed: bool) -> HostError {
    match error {
        HostError::NginxRefused { what, .. } if sealed => HostError::NginxRefused {
            what,
            words: "nginx refuses it (its words are kept back, the site holds a secret)".to_owned(),
        },
        other => other,
    }
}
