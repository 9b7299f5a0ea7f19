//! `kubernetes/helm-chart`: which files a chart is rendered from, each of which has to be there. One of a
//! registry is none of them.

use super::registry_chart;
use super::template::{Shape, Template};
use crate::model::{Diagnostic, File, RepoPath, Snapshot};
use crate::yaml::Place;
use std::collections::BTreeSet;

/// What a chart is rendered from.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// The chart's folder or package, and the files of values.
    pub(super) reads: BTreeSet<RepoPath>,
    /// What is not there, or cannot be used.
    pub(super) wrong: Vec<Diagnostic>,
}

/// Returns the path of the chart of a spec, where it is in the repository.
pub(crate) fn path(spec: &Template) -> Option<RepoPath> {
    local(spec.get("chart")?)
}

/// Returns the files of values of a spec, in their order.
pub(crate) fn values_files(spec: &Template) -> Vec<RepoPath> {
    items(spec).filter_map(local).collect()
}

fn items(spec: &Template) -> impl Iterator<Item = &Template> {
    let listed = spec.get("valuesFiles").map(|node| &node.content);
    match listed {
        Some(Shape::List(items)) => items.as_slice(),
        _ => &[],
    }
    .iter()
}

fn local(node: &Template) -> Option<RepoPath> {
    match &node.content {
        Shape::Text(text) if !text.contains("://") => node.place.file().folder().resolve(text),
        _ => None,
    }
}

/// Looks for everything a spec names.
pub(super) fn files(spec: &Template, snapshot: &Snapshot) -> Files {
    let mut files = Files::default();
    if let Some(node) = spec
        .get("chart")
        .filter(|node| !registry_chart::is_named(node))
    {
        match local(node) {
            Some(path) => files.chart(path, &node.place, snapshot),
            None => files.wrong.push(not_local(node)),
        }
        let beside = ["version", "digest"].into_iter();
        for (key, node) in beside.filter_map(|key| Some((key, spec.get(key)?))) {
            let message = format!(
                "`{key}` is for a chart of a registry, and this one stands in the repository"
            );
            let error = node.place.error("conflict", message);
            files
                .wrong
                .push(error.with_hint("Leave it out: the commit says which one is meant."));
        }
    }
    for node in items(spec) {
        match local(node) {
            Some(path) => files.file(path, &node.place, snapshot),
            None => files.wrong.push(not_local(node)),
        }
    }
    files
}

impl Files {
    fn chart(&mut self, path: RepoPath, at: &Place, snapshot: &Snapshot) {
        let is_package = path.extension().as_deref() == Some("tgz");
        let described = path.resolve("Chart.yaml");
        let described = described.is_some_and(|file| snapshot.files.contains_key(&file));
        if snapshot.under(&path).next().is_none() {
            let error = at.error("missing-folder", format!("{path} is not there"));
            let hint = "It is taken relative to the file it is written in.";
            self.wrong.push(error.with_hint(hint));
        } else if !is_package && !described {
            let error = at.error("missing-file", format!("{path} holds no Chart.yaml"));
            let hint = "Name the folder of a chart, or a package of one (.tgz).";
            self.wrong.push(error.with_hint(hint));
        }
        for (file, content) in snapshot.under(&path) {
            // Left out, it would change what is rendered without a word.
            if let Some(why) = content.refusal() {
                let error = at.error("unreadable-file", format!("{file} {why}"));
                self.wrong.push(error);
            }
        }
        self.reads.insert(path);
    }

    fn file(&mut self, path: RepoPath, at: &Place, snapshot: &Snapshot) {
        let missing = match snapshot.files.get(&path) {
            Some(File::Bytes(_)) => None,
            Some(other) => Some(other.refusal().unwrap_or_default()),
            None => Some("is not there".to_owned()),
        };
        if let Some(why) = missing {
            let error = at.error("missing-file", format!("{path} {why}"));
            let hint = "It is taken relative to the file it is written in.";
            self.wrong.push(error.with_hint(hint));
        }
        self.reads.insert(path);
    }
}

fn not_local(node: &Template) -> Diagnostic {
    match &node.content {
        Shape::Text(text) if text.contains("://") => {
            let message = "nothing is fetched from elsewhere while planning";
            let error = node.place.error("remote-reference", message);
            error.with_hint(
                "Name a chart of a registry as in oci://ghcr.io/charts/web, or put it into the repository with `helm pull` and name its path.",
            )
        }
        _ => super::environment::bad_path(&node.place),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::RepoPath;
    use crate::spec::tests::{environment, reading, shown};

    const HEAD: &str = "  connections: { k: { provider: kubernetes } }\n";

    #[test]
    fn what_a_chart_is_rendered_from_is_part_of_the_environment() {
        let spec = "  resources: { web: { kind: kubernetes/helm-chart, spec: { chart: ../charts/web, valuesFiles: [values.yaml] } } }\n";
        let text = environment(&format!("{HEAD}{spec}"));
        let files = [
            ("envs/e.yaml", text.as_str()),
            ("envs/values.yaml", "a: b\n"),
            ("charts/web/Chart.yaml", ""),
        ];
        let found = reading(&files).environments.remove(0);
        assert!(found.environment.is_ok());
        let files: Vec<&str> = found.files.iter().map(RepoPath::as_str).collect();
        assert_eq!(files, ["charts/web", "envs/e.yaml", "envs/values.yaml"]);
    }

    #[test]
    fn what_is_missing_or_elsewhere_is_told_where_it_is_named() {
        let spec = "  resources:\n    a: { kind: kubernetes/helm-chart, spec: { chart: gone } }\n    b: { kind: kubernetes/helm-chart, spec: { chart: empty, valuesFiles: [gone.yaml, ../../x, 'https://example.com/v'] } }\n    c: { kind: kubernetes/helm-chart, spec: { chart: 'https://example.com/chart' } }\n    d: { kind: kubernetes/helm-chart, spec: { chart: web, version: 1.2.3 } }\n";
        let text = environment(&format!("{HEAD}{spec}"));
        let files = [("e.yaml", text.as_str()), ("empty/readme.md", "")];
        let found = reading(&files).environments.remove(0).environment;
        let text = shown(&found.unwrap_err());
        let told: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("e.yaml:"))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        e.yaml:7:54 missing-folder: gone is not there
        e.yaml:8:54 missing-file: empty holds no Chart.yaml
        e.yaml:8:75 missing-file: gone.yaml is not there
        e.yaml:8:86 bad-path: this path names nothing in the repository
        e.yaml:8:95 remote-reference: nothing is fetched from elsewhere while planning
        e.yaml:9:54 remote-reference: nothing is fetched from elsewhere while planning
        e.yaml:10:54 missing-folder: web is not there
        e.yaml:10:68 conflict: `version` is for a chart of a registry, and this one stands in the repository
        ");
    }
}
