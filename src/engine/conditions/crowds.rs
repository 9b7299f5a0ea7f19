//! What many resources of an environment have in common at once is one piece of news: a cluster that is down, a folder
//! that was applied over what Git says, a node that died. Pure.

use super::{Condition, Found, Through, is_unwell};
use crate::engine::Report;
use crate::ledger::Episode;
use crate::model::{Address, Class};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// From how many resources on one kind of cause is told once.
const CROWD: usize = 4;

/// From how many on, where it is one and the same: a root folder that is gone, say.
const PAIR: usize = 2;

/// How many of them are named.
const NAMED: usize = 3;

/// From how many resources on that drift or do not work since the same look they are told once.
const STORM: usize = 8;

/// How many of those are named, the worst first.
const WORST: usize = 5;

/// What becomes of what cannot be told.
pub(in crate::engine) const LEFT_ALONE: &str = "They are left alone until they can be told again.";

/// What many resources have in common.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Crowd {
    /// The condition of the environment that is told.
    pub condition: String,
    /// What each of them is in.
    of: Condition,
    /// What was seen, masked.
    pub details: Value,
    members: BTreeSet<Address>,
    /// False where all of it ended in the same run.
    pub lasts: bool,
}

impl Crowd {
    /// Tells whether a condition is part of it.
    pub(in crate::engine) fn holds(&self, found: &Found) -> bool {
        self.of == found.condition && self.members.contains(&found.address)
    }
}

/// Tells whether a condition is that of a crowd.
pub(in crate::engine) fn is_crowd(condition: &str) -> bool {
    condition.starts_with("unknown/") || is_storm(condition)
}

/// Tells whether a condition is that of many resources that it began for in the same look.
pub(in crate::engine) fn is_storm(condition: &str) -> bool {
    condition.ends_with("/many")
}

/// Returns what many have in common of what a run found. `open` is what was open before.
pub(in crate::engine) fn crowds(report: &Report, found: &[Found], open: &[Episode]) -> Vec<Crowd> {
    let storms = [Condition::Drift, Condition::Failing].map(|of| storm(of, found, open));
    let unseen = unseen(report, open);
    unseen
        .into_iter()
        .chain(storms.into_iter().flatten())
        .collect()
}

/// Returns what cannot be told of many resources, by code.
fn unseen(report: &Report, open: &[Episode]) -> Vec<Crowd> {
    let mut by_code: BTreeMap<&str, Vec<&Address>> = BTreeMap::new();
    for (address, unknown) in &report.unknown {
        // What may pass by itself counts when it is found again.
        let again = || open.iter().any(|one| one.address.as_ref() == Some(address));
        if unknown.class != Class::Transient || again() {
            by_code.entry(unknown.code).or_default().push(address);
        }
    }
    let reason = |one: &&Address| report.unknown.get(*one).map(|unknown| &unknown.reason);
    let is_one = |all: &[&Address]| all.windows(2).all(|two| reason(&two[0]) == reason(&two[1]));
    by_code.retain(|_, all| all.len() >= CROWD || all.len() >= PAIR && is_one(all));
    let told = |(code, all): (&str, Vec<&Address>)| {
        let names = all.iter().map(|address| address.resource.to_string());
        let names = names.take(NAMED).collect::<Vec<_>>().join(", ");
        let why = all.first().and_then(|first| report.unknown.get(*first));
        let why = why.map_or_else(String::new, |unknown| unknown.reason.clone());
        let more = if all.len() > NAMED { " …" } else { "" };
        let what = format!("{} resources ({names}{more})", all.len());
        let message = format!("{what} cannot be told: {why}");
        let through = |address: &&Address| {
            let why = &report.unknown.get(*address)?.reason;
            Through::of(report, address, why)
        };
        let first = all.first().and_then(through);
        let is_one = all.iter().all(|one| through(one) == first);
        Crowd {
            condition: format!("unknown/{code}"),
            of: Condition::Unknown,
            details: json!({
                "code": code, "message": message, "hint": LEFT_ALONE,
                "what": what, "reason": why, "through": first.filter(|_| is_one),
            }),
            // All of that code, also those that may pass by themselves.
            members: with_code(report, code),
            lasts: true,
        }
    };
    by_code.into_iter().map(told).collect()
}

fn with_code(report: &Report, code: &str) -> BTreeSet<Address> {
    let unknown = report.unknown.iter();
    let those = unknown.filter(|(_, unknown)| unknown.code == code);
    those.map(|(address, _)| address.clone()).collect()
}

/// Returns what began for many in the same look, and those of it that go on.
fn storm(of: Condition, found: &[Found], open: &[Episode]) -> Option<Crowd> {
    // Failures of steps speak through their run.
    let counts =
        |one: &&Found| one.condition == of && (of != Condition::Failing || is_unwell(&one.details));
    let before = |one: &Found| {
        let mut open = open.iter();
        open.find(|open| {
            open.address.as_ref() == Some(&one.address) && open.condition == of.as_str()
        })
    };
    let condition = format!("{}/many", of.as_str());
    let goes_on = open
        .iter()
        .any(|one| one.address.is_none() && one.condition == condition);
    let is_new = |one: &&Found| before(one).is_none();
    let joins = goes_on || found.iter().filter(counts).filter(is_new).count() >= STORM;
    let is_member = |one: &&Found| match before(one) {
        Some(before) => before.details["crowd"] == true,
        None => joins,
    };
    let members: Vec<&Found> = found.iter().filter(counts).filter(is_member).collect();
    if members.is_empty() {
        return None;
    }
    Some(Crowd {
        details: seen(of, &members),
        of,
        condition,
        lasts: members.iter().any(|one| one.over.is_none()),
        members: members.iter().map(|one| one.address.clone()).collect(),
    })
}

/// Returns what is said of a storm: how many, the worst of them, and who.
fn seen(of: Condition, members: &[&Found]) -> Value {
    let mut worst: Vec<&&Found> = members.iter().collect();
    worst.sort_by_key(|one| one.details["gone"] != true);
    let line = |one: &&&Found| {
        let what = match of {
            Condition::Drift if one.details["gone"] == true => "is gone from the live side",
            Condition::Drift => "differs",
            _ => one.details["message"].as_str().unwrap_or("does not work"),
        };
        format!("{}: {what}", one.address.resource)
    };
    let mut lines: Vec<String> = worst.iter().take(WORST).map(line).collect();
    let more = members.len().saturating_sub(lines.len());
    lines.extend((more > 0).then(|| format!("… and {more} more")));
    let managers = members
        .iter()
        .flat_map(|one| one.details["managers"].as_array());
    let managers: BTreeSet<&str> = managers.flatten().filter_map(Value::as_str).collect();
    if !managers.is_empty() {
        let some: Vec<&str> = managers.into_iter().take(NAMED).collect();
        lines.push(format!("By {}.", some.join(", ")));
    }
    let course = members.first().map(|one| one.details["course"].clone());
    json!({ "count": members.len(), "lines": lines, "hint": course, "code": of.as_str() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::fixtures::address;
    use crate::engine::conditions;
    use crate::ledger::EpisodeId;
    use jiff::Timestamp;

    fn found(of: usize) -> Vec<Found> {
        let one = |nth| Found {
            address: address(&format!("f{nth}")),
            condition: Condition::Drift,
            details: json!({ "gone": nth == 5, "managers": ["kubectl-edit"], "course": "only reported" }),
            over: None,
            certain: true,
        };
        (0..of).map(one).collect()
    }

    /// What is open of a drift, or, without it, of a storm.
    fn open(found: Option<&Found>, in_crowd: bool) -> Episode {
        let condition = found.map_or("drift/many", |_| "drift");
        let environment = address("f0").environment;
        let address = found.map(|found| found.address.clone());
        Episode {
            id: EpisodeId(1),
            environment,
            address,
            condition: condition.to_owned(),
            details: json!({ "crowd": in_crowd }),
            opened_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            how: None,
        }
    }

    #[test]
    fn from_eight_on_that_began_together_they_are_one_piece_of_news() {
        assert!(storm(Condition::Drift, &found(STORM - 1), &[]).is_none());
        let all = found(STORM);
        let storm = storm(Condition::Drift, &all, &[]).unwrap();
        assert!(storm.lasts && all.iter().all(|one| storm.holds(one)));
        assert_eq!(storm.condition, "drift/many");
        assert_eq!(storm.details["count"], STORM);
        let lines = storm.details["lines"].as_array().unwrap();
        // The worst first, and whoever did it last.
        assert_eq!(lines[0], "f5: is gone from the live side");
        assert_eq!(lines[WORST], "… and 3 more");
        assert_eq!(lines[WORST + 1], "By kubectl-edit.");
        // Failures of steps speak through their run.
        let failing = |code: &str| -> Vec<Found> {
            let all = found(STORM).into_iter();
            let failing = all.map(|one| Found {
                condition: Condition::Failing,
                details: json!({ "code": code }),
                ..one
            });
            failing.collect()
        };
        let of = |code| super::storm(Condition::Failing, &failing(code), &[]);
        assert!(of("invalid").is_none() && of(conditions::UNHEALTHY).is_some());
    }

    #[test]
    fn what_was_told_by_itself_stays_so_and_what_joins_a_storm_is_part_of_it() {
        let all = found(STORM);
        // One stood alone before: seven are new.
        let alone = open(Some(&all[0]), false);
        assert!(storm(Condition::Drift, &all, std::slice::from_ref(&alone)).is_none());
        // A storm goes on: the eighth joins, the one that was told alone does not.
        let before: Vec<Episode> = all[1..7].iter().map(|one| open(Some(one), true)).collect();
        let before = [vec![alone, open(None, false)], before].concat();
        let storm = storm(Condition::Drift, &all, &before).unwrap();
        assert!(!storm.holds(&all[0]) && all[1..].iter().all(|one| storm.holds(one)));
        let over: Vec<Found> = all
            .into_iter()
            .map(|one| Found {
                over: Some(super::super::End::Corrected),
                ..one
            })
            .collect();
        let storm = super::storm(Condition::Drift, &over, &[]).unwrap();
        assert!(!storm.lasts, "it was over in the same look");
    }
}
