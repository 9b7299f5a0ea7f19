//! What a program rendered, as objects. Mistakes in it are told at the resource: the text itself stands
//! nowhere in the repository, and may hold what Secrets hold.

use super::node::Node;
use super::objects::taken_apart;
use crate::model::{Diagnostic, Fault as _, RepoPath};
use crate::source::render::Rendered;
use crate::spec::manifests::HELM_CHART;
use crate::spec::template::{Shape, Template};
use crate::yaml::{self, Flavour, Limits};

/// What stands for a file name in places of rendered text.
const OUTPUT: &str = "\0rendered";

/// Returns every object that was rendered for a resource.
pub(super) fn objects(
    of: &Node,
    rendered: &Rendered,
    (wrong, warnings): (&mut Vec<Diagnostic>, &mut Vec<Diagnostic>),
) -> Option<Vec<Template>> {
    let id = &of.address.resource;
    if let Some(failed) = rendered.failed.get(id) {
        let error = of.place.error(failed.code(), format!("failed to {failed}"));
        wrong.push(match failed.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        });
        return None;
    }
    let text = rendered.texts.get(id)?;
    let path = RepoPath::named(OUTPUT);
    let parsed = yaml::parse(
        &path,
        text.as_bytes(),
        Flavour::Kubernetes,
        &Limits::manifests(),
    );
    let before = wrong.len();
    wrong.extend(parsed.diagnostics().cloned());
    let mut objects = Vec::new();
    for document in &parsed.documents {
        let object = Template::literal(&document.root);
        if !matches!(object.content, Shape::Null) {
            taken_apart(object, &mut objects);
        }
    }
    if objects.is_empty() && wrong.len() == before {
        let error = of
            .place
            .error("empty-folder", "no Kubernetes object was rendered");
        let hint = "Nothing is deleted for it. Take the resource away if that is meant.";
        wrong.push(error.with_hint(hint));
        return None;
    }
    if of.kind.name.as_str() == HELM_CHART {
        leave_out_hooks(of, &mut objects, warnings);
    }
    Some(objects)
}

/// Leaves hooks out: they are Helm's to run, at an installation there is none of.
fn leave_out_hooks(of: &Node, objects: &mut Vec<Template>, warnings: &mut Vec<Diagnostic>) {
    let mut left_out = Vec::new();
    objects.retain(|object| {
        let Some(hook) = annotation(object, "helm.sh/hook") else {
            return true;
        };
        let text = |node: Option<&Template>| match node.map(|node| &node.content) {
            Some(Shape::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let name = object.get("metadata").and_then(|node| node.get("name"));
        left_out.push(format!(
            "{} {} ({hook})",
            text(object.get("kind")),
            text(name)
        ));
        false
    });
    if !left_out.is_empty() {
        let message = format!("hooks of the chart are left out: {}", left_out.join(", "));
        let warning = of.place.error("hook-left-out", message).as_warning();
        warnings.push(warning.with_hint("Helm runs them while it installs a release, and there is none here: declare what is needed of them as objects of your own."));
    }
}

/// Tells whether an object says of itself that it is to outlive its chart.
pub(super) fn is_kept(object: &Template) -> bool {
    annotation(object, "helm.sh/resource-policy") == Some("keep")
}

fn annotation<'t>(object: &'t Template, key: &str) -> Option<&'t str> {
    match &object
        .get("metadata")?
        .get("annotations")?
        .get(key)?
        .content
    {
        Shape::Text(text) => Some(text),
        _ => None,
    }
}

/// Tells whether a mistake is in rendered text.
pub(super) fn is_output(diagnostic: &Diagnostic) -> bool {
    diagnostic.location.file.as_str() == OUTPUT
}

/// Tells a mistake in rendered text at the resource.
pub(super) fn relocate(diagnostic: &mut Diagnostic, of: &Node) {
    let message = format!(
        "what was rendered cannot be used: {} (line {} of it)",
        diagnostic.message, diagnostic.location.line
    );
    *diagnostic = Diagnostic {
        severity: diagnostic.severity,
        ..of.place.error(diagnostic.code, message)
    };
}
