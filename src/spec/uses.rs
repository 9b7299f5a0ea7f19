//! Where an environment uses secrets, and for what, so that a branch's version gets the value of a
//! secret only where the merged one does just the same with it. All else that reads a secret is
//! withheld: a value that is not known before the merge. Reads no value.

use super::environment::Environment;
use super::expression::Expression;
use super::names::overlaps;
use super::resource::Declared;
use super::template::{Computed, Shape, Template};
use crate::model::{ConnectionName, Digest, PathPattern, SecretSource};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The uses an environment makes of secrets. Two uses are the same where text and place are, and all
/// that has a say in what is computed there and what it is compared with: sources of secrets,
/// variables, which object is meant and through which connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretUses {
    /// Of variables and resources.
    own: BTreeSet<Digest>,
    /// Of connections, by whatever name: what one environment connects with, another may.
    connecting: BTreeSet<Digest>,
}

impl SecretUses {
    /// Adds the uses that connections of another environment make.
    pub fn connect_as(&mut self, other: &Self) {
        self.connecting.extend(other.connecting.iter().cloned());
    }
}

impl Environment {
    /// Returns every use it makes of secrets.
    pub fn secret_uses(&self) -> SecretUses {
        let mut uses = SecretUses::default();
        let facts = Facts::of(self);
        let _rebuilt = facts.visit(self, &mut |is_connection, digest| {
            if is_connection {
                uses.connecting.insert(digest);
            } else {
                uses.own.insert(digest);
            }
            true
        });
        uses
    }

    /// Returns it with every text withheld that reads a secret in a way that is not among these uses.
    #[must_use]
    pub fn withheld(&self, but: &SecretUses) -> Self {
        Facts::of(self).visit(self, &mut |is_connection, digest| {
            if is_connection {
                but.connecting.contains(&digest)
            } else {
                but.own.contains(&digest)
            }
        })
    }
}

/// What is known of a variable: what it is made of, and whether a secret is in it.
struct Variable {
    made_of: String,
    secret: bool,
}

/// What names stand for, as text that differs where they mean something else.
struct Facts<'a> {
    of: &'a Environment,
    vars: BTreeMap<&'a str, Variable>,
    resources: BTreeMap<&'a str, &'a Declared>,
}

/// Asked of every use, with whether it is a connection's: may it stay?
type Asks<'f> = &'f mut dyn FnMut(bool, Digest) -> bool;

impl<'a> Facts<'a> {
    fn of(of: &'a Environment) -> Self {
        let one = |declared: &'a Declared| (declared.id.name(), declared);
        let mut facts = Self {
            of,
            vars: BTreeMap::new(),
            resources: of.resources.iter().map(one).collect(),
        };
        // In an order in which each reads only those before it.
        for (name, template) in &of.vars {
            let variable = Variable {
                made_of: facts.made_of(template, true),
                secret: facts.reads_secret(template),
            };
            facts.vars.insert(name, variable);
        }
        facts
    }

    fn visit(&self, environment: &Environment, asks: Asks<'_>) -> Environment {
        let mut new = environment.clone();
        for (name, template) in &mut new.vars {
            let mut ask = |digest| asks(false, digest);
            *template = self.rebuilt(template, &format!("vars/{name}"), &mut ask);
        }
        for connecting in new.connections.values_mut() {
            let place = format!("connections/{}", connecting.provider);
            let mut ask = |digest| asks(true, digest);
            connecting.settings = self.rebuilt(&connecting.settings, &place, &mut ask);
        }
        for declared in &mut new.resources {
            if self.reads_secret(&declared.spec) {
                let place = format!("resources/{}", self.object(declared.id.name()));
                let mut ask = |digest| asks(false, digest);
                declared.spec = self.rebuilt(&declared.spec, &place, &mut ask);
            }
        }
        new
    }

    fn rebuilt(
        &self,
        template: &Template,
        place: &str,
        ask: &mut dyn FnMut(Digest) -> bool,
    ) -> Template {
        let content = match &template.content {
            Shape::Computed(computed) if self.computes_with_secret(computed) => {
                let made_of = self.computed(computed, true);
                if ask(Digest::of(format!("{place}\0{made_of}"))) {
                    Shape::Computed(Arc::clone(computed))
                } else {
                    Shape::Withheld(Arc::clone(computed))
                }
            }
            Shape::List(items) => {
                // Another item before it makes it no other use.
                let place = format!("{place}/*");
                let item = |item| self.rebuilt(item, &place, &mut *ask);
                Shape::List(items.iter().map(item).collect())
            }
            Shape::Map(entries) => Shape::Map(
                entries
                    .iter()
                    .map(|(key, value)| {
                        let place = format!("{place}/{}", key.text.replace('/', "~1"));
                        (key.clone(), self.rebuilt(value, &place, &mut *ask))
                    })
                    .collect(),
            ),
            other => other.clone(),
        };
        Template {
            place: template.place.clone(),
            content,
        }
    }

    fn reads_secret(&self, template: &Template) -> bool {
        let mut reads = false;
        template.walk(&mut |computed| reads |= self.computes_with_secret(computed));
        reads
    }

    fn computes_with_secret(&self, computed: &Computed) -> bool {
        let secret = |chain: &Vec<String>| self.is_secret(chain);
        computed
            .expressions()
            .flat_map(|(expression, _)| expression.chains())
            .any(secret)
    }

    /// Tells whether what a chain of names reads may hold a secret, live ones included.
    fn is_secret(&self, chain: &[String]) -> bool {
        match (chain.first().map(String::as_str), chain.get(1)) {
            (Some("vars"), Some(name)) => self
                .vars
                .get(name.as_str())
                .is_none_or(|variable| variable.secret),
            (Some("vars"), None) => self.vars.values().any(|variable| variable.secret),
            (Some("metadata"), _) => false,
            (Some("resources"), Some(id)) => {
                let declared = self.resources.get(id.as_str());
                declared.is_none_or(|declared| {
                    let outputs = &declared.kind.outputs;
                    outputs
                        .iter()
                        .any(|output| output.sensitive && overlaps(&output.name, chain))
                })
            }
            _ => true,
        }
    }

    /// Writes out a template with all that has a say in its value; `follow` says whether to look at
    /// what the resources are that it reads.
    fn made_of(&self, template: &Template, follow: bool) -> String {
        match &template.content {
            Shape::Computed(computed) | Shape::Withheld(computed) => {
                self.computed(computed, follow)
            }
            Shape::Null => "null".to_owned(),
            Shape::Bool(value) => value.to_string(),
            Shape::Number(value) => value.to_string(),
            Shape::Text(text) => format!("{text:?}"),
            Shape::List(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| self.made_of(item, follow))
                    .collect();
                format!("[{}]", items.join(","))
            }
            Shape::Map(entries) => {
                let one = |(key, value): &(crate::yaml::Key, Template)| {
                    format!("{:?}:{}", key.text, self.made_of(value, follow))
                };
                let entries: Vec<String> = entries.iter().map(one).collect();
                format!("{{{}}}", entries.join(","))
            }
        }
    }

    fn computed(&self, computed: &Computed, follow: bool) -> String {
        let read = |(expression, _): (&Expression, _)| {
            let chains = expression.chains();
            let read: BTreeSet<String> = chains.map(|chain| self.read(chain, follow)).collect();
            format!("{read:?}")
        };
        let read: Vec<String> = computed.expressions().map(read).collect();
        // A digest, so that variables made of variables do not double with each.
        let read = Digest::of(read.join("\0"));
        format!("{:?} of {read}", computed.text)
    }

    /// Says what a chain of names stands for here.
    fn read(&self, chain: &[String], follow: bool) -> String {
        let name = chain.get(1).map_or("", String::as_str);
        let means = match chain.first().map(String::as_str) {
            Some("vars") if name.is_empty() => {
                let all = self.vars.iter();
                let all: Vec<String> = all
                    .map(|(name, variable)| format!("{name}={}", variable.made_of))
                    .collect();
                all.join("\0")
            }
            Some("vars") => self
                .vars
                .get(name)
                .map(|variable| variable.made_of.clone())
                .unwrap_or_default(),
            Some("secrets") => self.secret(name),
            Some("metadata") => format!("{} {:?}", self.of.name, self.of.labels),
            Some("resources") if follow => self.object(name),
            _ => String::new(),
        };
        format!("{}={means}", chain.join("."))
    }

    /// Says where a secret lives: one of a cluster is another where its connection leads elsewhere.
    fn secret(&self, name: &str) -> String {
        let source = self.of.secrets.get(name);
        let through = match source {
            Some(SecretSource::Kubernetes(of)) => self.connection(&of.connection),
            _ => None,
        };
        format!("{source:?} {through:?}")
    }

    /// Says where a connection leads, and as whom.
    fn connection(&self, name: &ConnectionName) -> Option<String> {
        let connecting = self.of.connections.get(name)?;
        let settings = self.made_of(&connecting.settings, false);
        Some(format!("{} {settings}", connecting.provider))
    }

    /// Says which live object a resource is, and behind which connection. What that reads of other
    /// resources is left at their names: two may read each other, which is told elsewhere.
    fn object(&self, id: &str) -> String {
        let Some(declared) = self.resources.get(id) else {
            return format!("no {id}");
        };
        let field = |pattern: &PathPattern| {
            let mut parts = pattern.parts().iter();
            let node = parts.try_fold(&declared.spec, |node, part| node.get(part));
            node.map_or_else(String::new, |node| self.made_of(node, false))
        };
        let identity: Vec<String> = declared.kind.identity.iter().map(field).collect();
        let connection = self.connection(&declared.connection);
        format!(
            "{id} {} {} {connection:?} {identity:?}",
            declared.kind.name, declared.connection
        )
    }
}

#[cfg(test)]
mod tests;
