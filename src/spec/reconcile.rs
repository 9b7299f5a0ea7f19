//! `spec.reconcile` and `spec.notify`: how the environment wants to be kept, and who is told.

use crate::model::{DeletionBudget, Every, Notify, OnDrift, OnFailure, OnMerge, Reconcile, Window};
use crate::yaml::{Content, Node, Place, Reader, notify as told, parse_duration};
use std::time::Duration;

const ON_MERGE: [(&str, OnMerge); 3] = [
    ("apply", OnMerge::Apply),
    ("propose", OnMerge::Propose),
    ("observe", OnMerge::Observe),
];

const ON_DRIFT: [(&str, OnDrift); 3] = [
    ("correct", OnDrift::Correct),
    ("propose", OnDrift::Propose),
    ("report", OnDrift::Report),
];

const ON_FAILURE: [(&str, OnFailure); 2] = [
    ("retry", OnFailure::Retry),
    ("rollback", OnFailure::Rollback),
];

/// The shortest time between two looks: more often would only cost requests.
const SHORTEST: Duration = Duration::from_secs(1);

/// Reads `reconcile`.
pub(super) fn read(node: &Node, reader: &mut Reader) -> Reconcile {
    let mut reconcile = Reconcile::default();
    let Some(mut fields) = reader.fields(node, &node.place) else {
        return reconcile;
    };
    if let Some(word) = fields
        .get("onMerge")
        .and_then(|node| reader.one_of(node, &ON_MERGE))
    {
        reconcile.on_merge = word;
    }
    if let Some(word) = fields
        .get("onDrift")
        .and_then(|node| reader.one_of(node, &ON_DRIFT))
    {
        reconcile.on_drift = word;
    }
    if let Some(word) = fields
        .get("onFailure")
        .and_then(|node| reader.one_of(node, &ON_FAILURE))
    {
        reconcile.on_failure = word;
    }
    if let Some(interval) = fields
        .get("interval")
        .and_then(|node| interval(node, reader))
    {
        reconcile.interval = interval;
    }
    if let Some(node) = fields.get("driftInterval") {
        reconcile.drift_interval = every(node, reader);
    }
    if let Some(node) = fields.get("windows") {
        reconcile.windows = reader.list(node, |reader, item| window(item, reader));
    }
    if let Some(prune) = fields.get("prune").and_then(|node| reader.boolean(node)) {
        reconcile.prune = prune;
    }
    if let Some(node) = fields.get("deletionBudget") {
        reconcile.deletion_budget = budget(node, reader);
    }
    if let Some(node) = fields.get("protect") {
        reconcile.protect = reader.list(node, |reader, item| Some(reader.name(item)?.to_owned()));
    }
    if let Some(node) = fields.get("paused") {
        reconcile.paused = paused(node, reader);
    }
    if let Some(destroy) = fields.get("destroy").and_then(|node| reader.boolean(node)) {
        reconcile.destroy = destroy;
    }
    fields.finish(reader);
    reconcile
}

/// Returns what `protect` names, and where.
pub(super) fn protecting(node: &Node) -> Vec<(String, Place)> {
    let Some(Content::List(items)) = node.get("protect").map(|node| &node.content) else {
        return Vec::new();
    };
    let one = |item: &Node| match &item.content {
        Content::Text(text) => Some((text.text.clone(), item.place.clone())),
        _ => None,
    };
    items.iter().filter_map(one).collect()
}

/// Reads `notify`.
pub(super) fn notify(node: &Node, reader: &mut Reader) -> Notify {
    let mut notify = Notify::default();
    let Some(mut fields) = reader.fields(node, &node.place) else {
        return notify;
    };
    notify.slack = fields
        .get("slack")
        .and_then(|node| reader.name(node))
        .map(str::to_owned);
    notify.channels = told::channels(fields.get("channels"), reader);
    notify.mention = told::mention(fields.get("mention"), reader);
    fields.finish(reader);
    notify
}

fn interval(node: &Node, reader: &mut Reader) -> Option<Duration> {
    let interval = reader.duration(node)?;
    if interval < SHORTEST {
        reader.report(
            node.place
                .error("out-of-range", "an interval is at least 1s"),
        );
        return None;
    }
    Some(interval)
}

fn every(node: &Node, reader: &mut Reader) -> Option<Every> {
    let text = match &node.content {
        Content::Text(text) => text.text.as_str(),
        _ => return reader.duration(node).map(Every::Interval),
    };
    if parse_duration(text).is_some() {
        return interval(node, reader).map(Every::Interval);
    }
    let times = Window {
        cron: text.to_owned(),
        open_for: Duration::from_secs(60),
        timezone: "UTC".to_owned(),
    };
    match times.check() {
        Ok(()) => Some(Every::Cron(times.cron)),
        Err(_) => {
            let message = format!("{text:?} is neither a duration nor five cron fields");
            let error = node.place.error("bad-duration", message);
            reader.report(error.with_hint("Write 10m, or five cron fields in UTC: \"0 6 * * *\"."));
            None
        }
    }
}

fn window(node: &Node, reader: &mut Reader) -> Option<Window> {
    let mut fields = reader.fields(node, &node.place)?;
    let cron = fields
        .require(reader, "cron")
        .and_then(|node| reader.name(node));
    let open_for = fields
        .require(reader, "for")
        .and_then(|node| reader.duration(node));
    let zone = fields.get("timezone");
    let timezone = zone.map_or(Some("UTC"), |node| reader.name(node));
    fields.finish(reader);
    let window = Window {
        cron: cron?.to_owned(),
        open_for: open_for?,
        timezone: timezone?.to_owned(),
    };
    if let Err(error) = window.check() {
        let place = node.get("cron").map_or(&node.place, |cron| &cron.place);
        let of_zone = error
            .to_string()
            .contains(&format!("{:?}", window.timezone));
        let place = zone.filter(|_| of_zone).map_or(place, |zone| &zone.place);
        reader.report(place.error("bad-window", format!("failed to {error}")));
        return None;
    }
    Some(window)
}

fn budget(node: &Node, reader: &mut Reader) -> DeletionBudget {
    let mut budget = DeletionBudget::default();
    let Some(mut fields) = reader.fields(node, &node.place) else {
        return budget;
    };
    let whole = |node: &Node, most: u64, reader: &mut Reader| {
        let value = reader.whole(node, 0..=most)?;
        u32::try_from(value).ok()
    };
    if let Some(count) = fields
        .get("count")
        .and_then(|node| whole(node, 1_000_000, reader))
    {
        budget.count = count;
    }
    if let Some(percent) = fields
        .get("percent")
        .and_then(|node| whole(node, 100, reader))
    {
        budget.percent = percent;
    }
    fields.finish(reader);
    budget
}

/// `paused: false` is how a layer is overruled; `paused: true` says no reason.
fn paused(node: &Node, reader: &mut Reader) -> Option<String> {
    match node.content {
        Content::Bool(false) => None,
        Content::Bool(true) => {
            let error = node
                .place
                .error("wrong-type", "why it is paused has to stand here");
            reader.report(error.with_hint("Write the reason: paused: \"migration until Friday\"."));
            None
        }
        _ => reader.name(node).map(str::to_owned),
    }
}
