//! Every name that an expression or `dependsOn` uses has to mean something.

use super::connection::Connecting;
use super::expression::Wrong;
use super::manifests;
use super::names::overlaps;
use super::resource::Declared;
use super::template::{Computed, Template, located};
use crate::model::{ConnectionName, Kind};
use crate::yaml::{Place, Reader, nearest};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What an environment declares, by name.
pub(super) struct Symbols<'a> {
    vars: BTreeSet<String>,
    secrets: BTreeSet<&'a str>,
    /// Every key under `resources`, those that could not be read included.
    declared: &'a BTreeSet<String>,
    /// The kinds of those that could.
    kinds: BTreeMap<&'a str, &'a Arc<Kind>>,
}

/// Where an expression stands.
#[derive(Clone, Copy)]
enum At<'a> {
    Vars,
    Connection,
    Resource(&'a str),
}

impl<'a> Symbols<'a> {
    pub(super) fn new(
        vars: &[(String, Template)],
        secrets: impl Iterator<Item = &'a String>,
        declared: &'a BTreeSet<String>,
        resources: &'a [Declared],
    ) -> Self {
        Self {
            vars: vars.iter().map(|(name, _)| name.clone()).collect(),
            secrets: secrets.map(String::as_str).collect(),
            declared,
            kinds: resources
                .iter()
                .map(|one| (one.id.name(), &one.kind))
                .collect(),
        }
    }

    /// Checks every name and returns the variables in an order in which each reads only those before.
    pub(super) fn check(
        &self,
        vars: Vec<(String, Template)>,
        connections: &BTreeMap<ConnectionName, Connecting>,
        resources: &[Declared],
        reader: &mut Reader,
    ) -> Vec<(String, Template)> {
        for (_, template) in &vars {
            self.template(template, At::Vars, reader);
        }
        for connecting in connections.values() {
            self.template(&connecting.settings, At::Connection, reader);
        }
        for declared in resources {
            self.template(&declared.spec, At::Resource(declared.id.name()), reader);
            for (id, place) in &declared.depends_on {
                self.depends_on(id, place, declared.id.name(), reader);
            }
        }
        in_order(vars, reader)
    }

    fn template(&self, template: &Template, at: At<'_>, reader: &mut Reader) {
        template.walk(&mut |computed: &Computed| {
            for (expression, place) in computed.expressions() {
                let read = expression.reads.iter().map(|chain| (chain, false));
                let tested = expression.tests.iter().map(|chain| (chain, true));
                for (chain, only_tested) in read.chain(tested) {
                    if let Err(wrong) = self.chain(chain, at, only_tested) {
                        reader.report(located(wrong, place));
                    }
                }
            }
        });
    }

    fn chain(&self, chain: &[String], at: At<'_>, only_tested: bool) -> Result<(), Wrong> {
        let name = chain.get(1).map(String::as_str);
        match (chain.first().map(String::as_str), name) {
            (Some("vars"), Some(name)) if !only_tested => {
                let known = self.vars.iter().map(String::as_str);
                has(&self.vars, name).ok_or_else(|| unknown("variable", name, "vars", known))
            }
            (Some("vars"), None) if matches!(at, At::Vars) => Err(Wrong::new(
                "variable-cycle",
                "`vars` as a whole cannot be read inside `vars`",
            )
            .near("vars")),
            (Some("secrets"), Some(name)) => {
                let known = self.secrets.iter().copied();
                self.secrets
                    .contains(name)
                    .then_some(())
                    .ok_or_else(|| unknown("secret", name, "secrets", known))
            }
            (Some("secrets"), None) => {
                let wrong = Wrong::new("unknown-name", "which secret is not said").near("secrets");
                Err(wrong.with_hint("Write secrets.<name>."))
            }
            (Some("metadata"), Some("name" | "labels") | None) | (Some("vars"), _) => Ok(()),
            (Some("metadata"), Some(name)) => Err(unknown(
                "field",
                name,
                "metadata",
                ["name", "labels"].into_iter(),
            )),
            (Some("environments"), _) => {
                let wrong = Wrong::new(
                    "environment-not-listed",
                    "this reads another environment, which has to be allowed there",
                );
                Err(wrong.near("environments").with_hint(
                    "No environment can allow it yet. Hand the value over as a secret or a variable.",
                ))
            }
            (Some("resources"), _) => self.output(chain, at),
            _ => Ok(()),
        }
    }

    fn output(&self, chain: &[String], at: At<'_>) -> Result<(), Wrong> {
        let Some(id) = chain.get(1) else {
            let wrong = Wrong::new("unknown-name", "which resource is not said").near("resources");
            return Err(
                wrong.with_hint("Write resources.<id>.<output>, or resources[\"<id>\"].<output>.")
            );
        };
        match at {
            At::Vars => {
                let wrong = Wrong::new("expression-not-here", "a variable cannot read a resource")
                    .near("resources");
                return Err(wrong.with_hint("Read the resource where the value is used."));
            }
            At::Resource(own) if own == id => {
                let message = format!("`{id}` reads itself");
                let wrong = Wrong::new("reference-cycle", message).near(id.as_str());
                return Err(wrong.with_hint(
                    "Write the value out, or put it into `vars` and read it in both places.",
                ));
            }
            _ => {}
        }
        if !self.declared.contains(id) {
            return Err(self.unknown_resource(id, at));
        }
        let Some(kind) = self.kinds.get(id.as_str()) else {
            return Ok(());
        };
        // Objects of a folder have outputs, the folder has none.
        let is_folder = manifests::has_members(kind);
        let outputs = || {
            kind.outputs
                .iter()
                .map(|output| output.name.as_str())
                .filter(|_| !is_folder)
        };
        if chain.len() > 2
            && outputs().any(|output| {
                overlaps(output, chain) && chain.len() - 2 >= output.split('.').count()
            })
        {
            return Ok(());
        }
        let asked = chain.get(2..).unwrap_or_default().join(".");
        let message = match (asked.as_str(), outputs().next()) {
            (_, None) => format!("a {} has no outputs", kind.name),
            ("", _) => format!("which output of `{id}` is not said"),
            (asked, _) => format!("a {} has no output `{asked}`", kind.name),
        };
        let wrong =
            Wrong::new("unknown-output", message).near(chain.last().map_or("", String::as_str));
        let list: Vec<&str> = outputs().collect();
        Err(match nearest(&asked, list.iter().copied()) {
            Some(near) => wrong.with_hint(format!("Did you mean `{near}`?")),
            None if list.is_empty() => wrong,
            None => wrong.with_hint(format!("Outputs: {}.", list.join(", "))),
        })
    }

    /// A hyphen in an id reads as a minus: `resources.api-env.uid` is `resources.api - env.uid`.
    fn unknown_resource(&self, id: &str, at: At<'_>) -> Wrong {
        let hyphened = self
            .declared
            .iter()
            .find(|other| other.starts_with(&format!("{id}-")));
        match hyphened {
            Some(other) => {
                let wrong =
                    Wrong::new("unknown-resource", format!("there is no resource `{id}`")).near(id);
                wrong.with_hint(format!(
                    "A hyphen is a minus here: write resources[\"{other}\"]."
                ))
            }
            None => {
                let own = match at {
                    At::Resource(own) => own,
                    _ => "",
                };
                unknown("resource", id, "resources", self.others(own))
            }
        }
    }

    /// What a resource may mean by a name that is slightly wrong: never itself.
    fn others<'s>(&'s self, own: &'s str) -> impl Iterator<Item = &'s str> {
        let declared = self.declared.iter().map(String::as_str);
        declared.filter(move |id| *id != own)
    }

    fn depends_on(&self, id: &str, place: &Place, own: &str, reader: &mut Reader) {
        if id == own {
            let error = place.error("reference-cycle", format!("`{id}` depends on itself"));
            reader.report(error.with_hint("Take it out, or name another resource."));
        } else if !self.declared.contains(id) {
            let others = self.others(own);
            reader.report(located(unknown("resource", id, "resources", others), place));
        }
    }
}

fn has(set: &BTreeSet<String>, name: &str) -> Option<()> {
    set.contains(name).then_some(())
}

fn unknown<'k>(what: &str, name: &str, under: &str, known: impl Iterator<Item = &'k str>) -> Wrong {
    let code = match what {
        "variable" => "unknown-variable",
        "secret" => "unknown-secret",
        "resource" => "unknown-resource",
        _ => "unknown-name",
    };
    let wrong = Wrong::new(code, format!("there is no {what} `{name}`")).near(name);
    match nearest(name, known) {
        Some(near) => wrong.with_hint(format!("Did you mean `{near}`?")),
        None => wrong.with_hint(format!("Declare it under `{under}`.")),
    }
}

/// Orders variables so that each reads only those before it. A circle is reported with its path.
fn in_order(vars: Vec<(String, Template)>, reader: &mut Reader) -> Vec<(String, Template)> {
    let mut reads: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, template) in &vars {
        let entry = reads.entry(name.clone()).or_default();
        template.walk(&mut |computed: &Computed| {
            for (expression, _) in computed.expressions() {
                for chain in expression.chains() {
                    if let [root, name, ..] = chain.as_slice()
                        && root == "vars"
                    {
                        entry.insert(name.clone());
                    }
                }
            }
        });
    }
    let mut left = vars;
    let mut ordered: Vec<(String, Template)> = Vec::with_capacity(left.len());
    let mut done: BTreeSet<String> = BTreeSet::new();
    loop {
        let names: BTreeSet<String> = left.iter().map(|(name, _)| name.clone()).collect();
        let is_ready = |name: &String| {
            let mut needed = reads.get(name).into_iter().flatten();
            needed.all(|other| done.contains(other) || !names.contains(other))
        };
        let (ready, waiting): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|(name, _)| is_ready(name));
        if ready.is_empty() {
            left = waiting;
            break;
        }
        done.extend(ready.iter().map(|(name, _)| name.clone()));
        ordered.extend(ready);
        left = waiting;
    }
    if let Some(path) = circle(&left, &reads)
        && let Some((_, template)) = left.iter().find(|(name, _)| Some(name) == path.first())
    {
        let message = format!("the variables form a circle: {}", path.join(" -> "));
        reader.report(template.place.error("variable-cycle", message));
    }
    ordered
}

fn circle(
    left: &[(String, Template)],
    reads: &BTreeMap<String, BTreeSet<String>>,
) -> Option<Vec<String>> {
    let names: BTreeSet<&String> = left.iter().map(|(name, _)| name).collect();
    let mut path: Vec<String> = vec![left.first()?.0.clone()];
    loop {
        let last = path.last()?;
        let next = reads
            .get(last)?
            .iter()
            .find(|name| names.contains(name))?
            .clone();
        if let Some(start) = path.iter().position(|name| *name == next) {
            path.push(next);
            return Some(path.split_off(start));
        }
        path.push(next);
    }
}
