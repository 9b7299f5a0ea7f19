//! Which files may say it, the one that declares it first.

use super::live::written;
use super::place::Found;
use super::state::State;
use crate::graph::node::Node;
use crate::model::RepoPath;
use crate::spec::API_VERSION;
use crate::spec::template::{Shape, Template};
use crate::yaml::edit::{self, Spot, Step, Text};
use crate::yaml::{self, Flavour, Limits};
use serde_json::Value as Json;

/// One way to write one field.
pub(super) struct Way {
    pub(super) file: RepoPath,
    pub(super) spot: Spot,
    /// Its last part: what is within the resource's `spec`.
    pub(super) steps: Vec<Step>,
    pub(super) to: Option<Json>,
    pub(super) note: Option<String>,
}

impl State<'_> {
    /// A manifest stands in one file, which is changed there or not at all.
    pub(super) fn in_manifest(
        &self,
        node: &Node,
        found: &Found<'_>,
        to: Option<Json>,
    ) -> Result<Vec<Way>, String> {
        let file = node.spec.place.file().clone();
        let bytes = self.snapshot.bytes(&file);
        let bytes = bytes.ok_or_else(|| self.rendered(&node.address))?;
        if self.is_shared(&file) {
            return Err(format!("{file} also belongs to other environments"));
        }
        let text = Text {
            file: &file,
            text: &String::from_utf8_lossy(bytes),
            flavour: Flavour::Kubernetes,
        };
        let spot = text.locate(&node.spec.place, false);
        let mut spot = spot.ok_or("its place in the file cannot be told")?;
        spot.steps.extend(found.steps.iter().cloned());
        Ok(vec![Way {
            file,
            spot,
            steps: found.steps.clone(),
            to,
            note: None,
        }])
    }

    /// A field of a spec is changed where it is declared; where others would change along, the environment's
    /// own file says it for itself.
    pub(super) fn in_specs(
        &self,
        id: &str,
        spec: &Template,
        found: &Found<'_>,
        to: Option<Json>,
    ) -> Result<Vec<Way>, String> {
        let own = &self.environment.path;
        let home = found.declared.unwrap_or(found.holder);
        let file = home.place.file();
        let is_item = |step: &Step| matches!(step, Step::Nth(_));
        let list = found.steps.iter().position(is_item);
        let computed = found.declared.and_then(computed);
        let shared = self.is_shared(file);
        let added = found.declared.is_none() && list.is_none();
        let mut ways = Vec::new();
        if file == own || !(shared || added || computed.is_some()) {
            let note = computed.clone();
            ways.extend(self.way(file, id, &found.steps, (to.clone(), note)));
        }
        // A second place in the same file is only another where that says `null`, or the list anew.
        if file == own && to.is_some() && list.is_none() {
            return Ok(ways);
        }
        // What a layer says of a list is replaced as a whole.
        let (steps, rest) = found.steps.split_at(list.unwrap_or(found.steps.len()));
        let whole = match (rest, to) {
            ([], to) => to.unwrap_or_default(),
            (rest, to) => {
                let mut whole = written_at(spec, steps);
                edit::put(&mut whole, rest, to.as_ref()).map_err(|error| error.to_string())?;
                whole
            }
        };
        let note = computed.or_else(|| match (file == own || added, shared) {
            (true, _) => None,
            (false, true) => Some(format!("{file} declares it for other environments too, so this one says it for itself")),
            (false, false) => Some(format!("{file} declares it in a way that cannot be changed alone, so the environment's own file says it")),
        });
        ways.extend(self.way(own, id, steps, (Some(whole), note)));
        Ok(ways)
    }

    fn way(
        &self,
        file: &RepoPath,
        id: &str,
        steps: &[Step],
        (to, note): (Option<Json>, Option<String>),
    ) -> Option<Way> {
        let mut spot = self.root(file)?;
        let base = ["spec", "resources", id, "spec"].map(|key| Step::Key(key.to_owned()));
        spot.steps.extend(base.iter().chain(steps).cloned());
        Some(Way {
            file: file.clone(),
            spot,
            steps: steps.to_vec(),
            to,
            note,
        })
    }

    /// Tells whether another environment is made of a file, too.
    fn is_shared(&self, file: &RepoPath) -> bool {
        let mut all = self.of.others.iter().flat_map(|files| files.iter());
        all.any(|path| file.is_under(path))
    }

    /// Finds the document of ours in a file.
    fn root(&self, file: &RepoPath) -> Option<Spot> {
        let bytes = self.snapshot.bytes(file)?;
        let parsed = yaml::parse(file, bytes, Flavour::Strict, &Limits::default());
        let document = parsed.documents.iter().find(|document| {
            let said = |key| document.root.get(key).and_then(yaml::Node::as_str);
            let metadata = document.root.get("metadata");
            let name = metadata.and_then(|metadata| metadata.get("name"));
            let named = name.and_then(yaml::Node::as_str) == Some(self.environment.name.as_str());
            said("apiVersion") == Some(API_VERSION) && (named || *file != self.environment.path)
        })?;
        let text = Text {
            file,
            text: std::str::from_utf8(bytes).ok()?,
            flavour: Flavour::Strict,
        };
        text.locate(&document.root.place, false)
    }
}

/// Says that expressions made a value, where they did.
fn computed(template: &Template) -> Option<String> {
    let mut any = false;
    template.walk(&mut |_| any = true);
    any.then(|| match &template.content {
        Shape::Computed(computed) if !computed.text.contains('\n') => {
            format!("`{}` made it; it is written out now", computed.text)
        }
        _ => "expressions made parts of it; they are written out now".to_owned(),
    })
}

fn written_at(spec: &Template, steps: &[Step]) -> Json {
    let here = steps.iter().try_fold(spec, |here, step| match step {
        Step::Key(key) => here.get(key),
        Step::Nth(_) => None,
    });
    here.map_or(Json::Null, |here| written(here, false))
}
