//! What has to be rendered before a graph can be built: kustomizations, and charts with their values.
//!
//! Values are computed here and end in a file and in a program, so no secret may be among them: a
//! chart could put it anywhere in any form, where nothing tells that it is one. Nor what other
//! resources answer: it is known only after they are applied.

use crate::model::{Chart, ChartReference, Diagnostic, Recipe, Render, RepoPath, Value};
use crate::spec::Declared;
use crate::spec::chart;
use crate::spec::environment::manifests_path;
use crate::spec::expression::Fuel;
use crate::spec::manifests::{HELM_CHART, KUSTOMIZATION};
use crate::spec::registry_chart;
use crate::spec::template::{Scope, Shape, Template};

/// Where a fetched chart's files are put: no repository's snapshot has dot-folders.
const FETCHED: &str = ".fetched";

/// Returns what one declaration needs rendered; `None` where nothing, or where something is wrong.
pub(super) fn of(
    declared: &Declared,
    scope: &dyn Scope,
    fuel: &Fuel,
    wrong: &mut Vec<Diagnostic>,
) -> Option<Render> {
    let recipe = match declared.kind.name.as_str() {
        KUSTOMIZATION => Recipe::Kustomization(manifests_path(&declared.spec).ok()?),
        HELM_CHART => {
            let before = wrong.len();
            let values = Values { scope, fuel, wrong };
            let chart = values.chart(declared)?;
            if wrong.len() > before {
                return None;
            }
            Recipe::Chart(Box::new(chart))
        }
        _ => return None,
    };
    Some(Render {
        resource: declared.id.clone(),
        reads: declared.reads.clone(),
        recipe,
    })
}

struct Values<'a> {
    scope: &'a dyn Scope,
    fuel: &'a Fuel,
    wrong: &'a mut Vec<Diagnostic>,
}

impl Values<'_> {
    fn chart(mut self, declared: &Declared) -> Option<Chart> {
        let spec = &declared.spec;
        let fetched = self.fetched(spec)?;
        let path = match &fetched {
            Some(chart) => RepoPath::new(FETCHED)?.resolve(chart.name()),
            None => chart::path(spec),
        }?;
        let release = self.text(spec, "release");
        let crds = self.json(spec, "crds");
        let set = match self.json(spec, "set") {
            Some(serde_json::Value::Object(fields)) => fields.into_iter().collect(),
            _ => Vec::new(),
        };
        let versions = self.json(spec, "apiVersions");
        let versions = versions.iter().flat_map(|list| list.as_array()).flatten();
        Some(Chart {
            path,
            fetched,
            release: release.unwrap_or_else(|| declared.id.name().to_owned()),
            namespace: self.text(spec, "namespace"),
            values_files: chart::values_files(spec),
            api_versions: versions
                .filter_map(|one| Some(one.as_str()?.to_owned()))
                .collect(),
            values: self
                .json(spec, "values")
                .filter(serde_json::Value::is_object)
                .unwrap_or_else(|| serde_json::json!({})),
            set,
            crds: crds.is_none_or(|crds| crds != false),
            kube_version: self.text(spec, "kubeVersion"),
        })
    }

    /// Returns which chart of a registry is meant; `None` within where it is in the repository, and
    /// outside where something is wrong.
    fn fetched(&mut self, spec: &Template) -> Option<Option<ChartReference>> {
        let Some(chart) = spec
            .get("chart")
            .filter(|node| registry_chart::is_named(node))
        else {
            return Some(None);
        };
        let before = self.wrong.len();
        let (version, digest) = (self.one(spec, "version"), self.one(spec, "digest"));
        if self.wrong.len() > before {
            return None;
        }
        let pinned = registry_chart::address(chart)
            .and_then(|chart| registry_chart::pinned(spec, chart, version, digest.as_deref()));
        match pinned {
            Ok(chart) => Some(Some(chart)),
            Err(error) => {
                self.wrong.push(*error);
                None
            }
        }
    }

    /// Returns a field that has to be a text: 1.10 without quotes is the number 1.1.
    fn one(&mut self, spec: &Template, key: &str) -> Option<String> {
        let found = self.json(spec, key)?;
        if let (Some(node), false) = (spec.get(key), found.is_string() || found.is_null()) {
            let error = node
                .place
                .error("wrong-type", format!("`{key}` has to be a text"));
            self.wrong.push(error.with_hint("Write it in quotes."));
        }
        found.as_str().map(str::to_owned)
    }

    fn text(&mut self, spec: &Template, key: &str) -> Option<String> {
        Some(self.json(spec, key)?.as_str()?.to_owned())
    }

    /// Returns a field as plain JSON; what may not be in it is told where it stands.
    fn json(&mut self, spec: &Template, key: &str) -> Option<serde_json::Value> {
        let node = spec.get(key)?;
        self.check(node);
        let value = node.resolve(self.scope, self.fuel, &mut Vec::new());
        Some(value.masked_json())
    }

    fn check(&mut self, node: &Template) {
        match &node.content {
            Shape::List(items) => items.iter().for_each(|item| self.check(item)),
            Shape::Map(entries) => entries.iter().for_each(|(_, value)| self.check(value)),
            Shape::Computed(_) | Shape::Withheld(_) => {
                let value = node.resolve(self.scope, self.fuel, self.wrong);
                if is_secret(&value) {
                    let message = "a secret cannot be a value of a chart: the chart may put it anywhere, and it would be shown";
                    let error = node.place.error("secret-in-values", message);
                    self.wrong.push(error.with_hint("Declare a kubernetes/object of kind Secret with it, and give the chart that Secret's name, as in `existingSecret`."));
                } else if let Some(hole) =
                    value.holes().first().filter(|hole| !hole.needs.is_empty())
                {
                    let names: Vec<&str> = hole.needs.iter().map(String::as_str).collect();
                    let message = format!(
                        "a chart is rendered before anything is applied, and this reads {}",
                        names.join(", ")
                    );
                    let error = node.place.error("output-in-values", message);
                    self.wrong.push(error.with_hint("Declare a kubernetes/object (a ConfigMap, a Secret) with it, and give the chart that object's name."));
                }
            }
            _ => {}
        }
    }
}

fn is_secret(value: &Value) -> bool {
    match value {
        Value::Secret(_) => true,
        Value::Hole(hole) => hole.sensitive && hole.needs.is_empty(),
        Value::List(items) => items.iter().any(is_secret),
        Value::Map(fields) => fields.iter().any(|(_, value)| is_secret(value)),
        _ => false,
    }
}
