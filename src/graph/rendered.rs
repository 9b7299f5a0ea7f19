//! What a program rendered, as objects. Mistakes in it are told at the resource: the text itself stands
//! nowhere in the repository, and may hold what Secrets hold.

use super::node::Node;
use super::objects::taken_apart;
use crate::model::{Diagnostic, Fault as _, RepoPath};
use crate::source::render::Rendered;
use crate::spec::template::{Shape, Template};
use crate::yaml::{self, Flavour, Limits};

/// What stands for a file name in places of rendered text.
const OUTPUT: &str = "\0rendered";

/// Returns every object that was rendered for a resource.
pub(super) fn objects(
    of: &Node,
    rendered: &Rendered,
    wrong: &mut Vec<Diagnostic>,
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
    Some(objects)
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
