//! `host/nginx-site`: one site of nginx, in Debian's layout. Put in place, checked with `nginx -t`,
//! loaded; put back as it was where nginx refuses.
//!
//! nginx is never run to plan: a configuration can name files to open, and planning executes nothing
//! from the repository.

mod site;
mod swap;

use super::error::HostError;
use super::guard::{Standing, Verdict, judge};
use super::nginx::Nginx;
use super::original::{self, is_public};
use super::placed::{refused, too_large};
use super::root::{Found, Root};
use crate::model::{
    Action, Applied, Asked, Depth, Health, Kind, Live, Map, Observation, Owner, PathPattern,
    Prediction, Select, Step, Value,
};
use crate::provider::ProviderError;
use serde_json::json;
use site::{Site, Wished, is_secret, plain_text};
use swap::{swap, take_over};

/// The kind's row.
pub(super) fn row() -> Kind {
    Kind {
        identity: vec![PathPattern::known("/name")],
        originals: Some(original::KEPT),
        // After the files a site may read.
        wave: Select::always(10),
        schema: Some(json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "content"],
            "properties": {
                "name": {
                    "type": "string",
                    "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
                    "description": "The site's file in /etc/nginx/sites-available."
                },
                "content": {
                    "type": "string",
                    "description": "What stands in the http block: server blocks, upstreams, maps."
                },
                "enabled": {
                    "type": "boolean",
                    "default": true,
                    "description": "Whether it is linked from /etc/nginx/sites-enabled."
                }
            }
        })),
        ..Kind::plain(
            "host/nginx-site",
            "A site of the host's nginx: checked with `nginx -t`, loaded, put back where nginx refuses.",
        )
    }
}

/// Answers what is live.
pub(super) fn observe(
    root: &Root,
    nginx: Option<&Nginx>,
    asked: &Asked,
) -> Result<Observation, HostError> {
    let site = Site::at(root, asked.identity.get("/name").unwrap_or_default())?;
    let desired = asked.desired.as_deref().and_then(Value::as_map);
    // What is live can be told without nginx; nothing can be put in place.
    let refused = nginx.is_none().then(|| {
        let what = format!("the site {}", site.name);
        refused(&HostError::NoNginx { what })
    });
    let Some(found) = &site.found else {
        let made = desired.filter(|_| asked.depth >= Depth::PredictAll);
        let made = made.map(|desired| predicted(desired, &Map::new()));
        return Ok(Observation::Absent {
            prediction: refused.or(made),
        });
    };
    let value = shown(&site, asked, found)?;
    let touched = site
        .marks
        .touched(site.record.as_ref(), found, &site.more());
    let prediction = desired.map(|desired| match (refused, site.owner()) {
        (Some(refused), _) => refused,
        // What cannot be held while ours is tried could not be put back.
        (None, _) if found.bytes.is_none() && !site.is_pending() => too_large(&site.file, found),
        _ => predicted(desired, &value),
    });
    Ok(Observation::Present(Box::new(Live {
        prediction,
        outputs: Map::new(),
        owner: site.owner().map(|address| Owner::Resource(address.clone())),
        mark: site.mark(site.owner()).expect("it was found just above"),
        external_id: None,
        health: Health::Ready,
        going_since: None,
        touched_by: touched,
        lists: Vec::new(),
        verdict: None,
        applied_by: None,
        value: Value::Map(value).into(),
    })))
}

fn shown(site: &Site<'_>, asked: &Asked, found: &Found) -> Result<Map, HostError> {
    let desired = asked.desired.as_deref();
    let declared = desired.and_then(|desired| desired.get("content"));
    let applied = asked.owned.as_ref().map(|owned| owned.applied.json());
    let text = site
        .text()
        .unwrap_or_else(|| "(too large to show)".to_owned());
    // What is another's, or nobody's and not for everybody to read, whoever may propose a spec could read in its
    // plan, or guess at.
    let is_private = match site.owner() {
        Some(owner) => *owner != asked.address,
        None => !is_public(site.root, &site.file, found)?,
    };
    let secret = is_private
        || declared.is_some_and(is_secret)
        || match applied.as_ref().and_then(|applied| applied.get("content")) {
            Some(last) => last.get("$secret").is_some(),
            None => site.record.as_ref().is_some_and(|record| record.sealed),
        };
    let content = match declared.filter(|value| plain_text(value) == Some(&text)) {
        Some(declared) => declared.clone(),
        None => Value::from(text),
    };
    let content = if secret { content.sealed() } else { content };
    let mut value = Map::new();
    value.insert("name".to_owned(), site.name.clone().into());
    value.insert("content".to_owned(), content);
    // What nginx has not loaded is not in force, whatever the link says.
    value.insert(
        "enabled".to_owned(),
        Value::Bool(site.linked && !site.is_pending()),
    );
    Ok(value)
}

fn predicted(desired: &Map, live: &Map) -> Prediction {
    let mut after = live.clone();
    after.insert("enabled".to_owned(), Value::Bool(true));
    let declared = desired.iter().filter(|(_, value)| **value != Value::Null);
    after.extend(declared.map(|(field, value)| (field.clone(), value.clone())));
    Prediction::Becomes {
        value: Value::Map(after).into(),
        yielded: Vec::new(),
        payload: None,
        kept: Vec::new(),
    }
}

/// Carries out one step.
pub(super) fn apply(
    root: &Root,
    nginx: Option<&Nginx>,
    step: &Step,
) -> Result<Applied, ProviderError> {
    let what = format!("the nginx site {}", step.identity);
    let failed = |error: HostError| error.refusal(what.clone());
    let site = Site::at(root, step.identity.get("/name").unwrap_or_default()).map_err(failed)?;
    let wished = wished(step).map_err(failed)?;
    let mark = site.mark(site.owner());
    let equal = wished.as_ref().is_some_and(|wished| site.is_as(wished));
    let standing = Standing {
        what: &what,
        mark: mark.as_ref(),
        owner: site.owner(),
        equal,
    };
    let verdict = judge(step, &standing)?;
    if verdict == Verdict::Go {
        match (&wished, equal) {
            (Some(wished), true) => take_over(&site, step, wished).map_err(failed)?,
            _ => {
                let nginx =
                    nginx.ok_or_else(|| failed(HostError::NoNginx { what: what.clone() }))?;
                swap(&site, nginx, step, wished.as_ref()).map_err(failed)?;
            }
        }
    } else if step.action == Action::Delete && site.owner() == Some(&step.address) {
        root.remove(&site.link).map_err(failed)?;
        site.marks.remove(&site.file).map_err(failed)?;
    }
    let after = Site::at(root, &site.name).map_err(failed)?;
    Ok(Applied {
        outputs: Map::new(),
        mark: after.mark(after.owner()),
        external_id: None,
        health: Health::Ready,
        verdict: None,
        unchanged: verdict == Verdict::Done,
        note: None,
    })
}

/// Reads what a step declares; nothing where it deletes.
fn wished(step: &Step) -> Result<Option<Wished>, HostError> {
    let Some(desired) = &step.desired else {
        return Ok(None);
    };
    let wished = Wished::of(desired).ok_or_else(|| HostError::Spec {
        what: format!("the site {}", step.identity),
        field: "content",
        reason: "it is missing, or no text".to_owned(),
    })?;
    Ok(Some(wished))
}
