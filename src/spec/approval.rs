//! `kind: Approval`: that a plan of an environment was merged. It counts in one place for each environment, so
//! that nobody overlooks one; anywhere else it is a mistake.

use crate::model::{Diagnostic, Digest, EnvironmentName, RepoPath};
use crate::yaml::{Document, Reader};
use serde_json::{Value, json};

/// How often one plan can be asked for.
const MOST_REQUESTS: u64 = 1_000_000;

/// A plan that may be carried out, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Whose plan.
    pub environment: EnvironmentName,
    /// The digest of what is merged and not live yet.
    pub plan: Digest,
    /// Which request for this plan it answers, from 1: a later one is another approval.
    pub request: u32,
}

impl Approval {
    /// Returns where the approval of an environment stands, below the folder that environments are looked for in.
    pub fn path(folder: Option<&RepoPath>, environment: &EnvironmentName) -> RepoPath {
        let path = format!("approvals/{environment}.yaml");
        let below = folder.map_or_else(|| RepoPath::new(&path), |folder| folder.resolve(&path));
        below.expect("a name of an environment leads nowhere else")
    }

    /// Returns the file that says so.
    pub fn text(&self) -> String {
        let Self {
            environment,
            plan,
            request,
        } = self;
        format!(
            "# Written by reconciled. Merged, it lets exactly this plan be carried out, once, while nothing of it has moved.\n\
             apiVersion: {}\nkind: Approval\nspec:\n  environment: {environment}\n  plan: \"{plan}\"\n  request: {request}\n",
            super::API_VERSION
        )
    }
}

/// Returns the JSON Schema (2020-12) of an approval's file.
pub fn schema() -> Value {
    let environment = json!({
        "type": "string",
        "pattern": super::schema::NAME,
        "description": "The name of the environment; the file is approvals/ENVIRONMENT.yaml.",
    });
    let plan = json!({
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "The hash of the plan, all 64 digits of it: what is merged and not live yet, and what is live where it changes that.",
    });
    let request = json!({
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_REQUESTS,
        "description": "Which request for this plan it answers, from 1. A later one is another approval.",
    });
    let spec = json!({
        "type": "object",
        "description": "An approval: a merged record that lets one plan be carried out, once. The daemon writes it; nobody else has to.",
        "additionalProperties": false,
        "required": ["environment", "plan", "request"],
        "properties": { "environment": environment, "plan": plan, "request": request },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Approval of reconciled",
        "type": "object",
        "description": "That a plan of an environment may be carried out, once, while nothing of it has moved.",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "spec"],
        "properties": {
            "apiVersion": { "const": super::API_VERSION, "description": "The version of this format." },
            "kind": { "const": "Approval", "description": "An approval." },
            "spec": spec,
        },
    })
}

/// Reads one document.
pub(super) fn read(
    document: &Document,
    folder: Option<&RepoPath>,
) -> Result<Approval, Vec<Diagnostic>> {
    let mut reader = Reader {
        diagnostics: document.diagnostics.clone(),
    };
    let root = &document.root;
    let approval = typed(document, &mut reader);
    if let Some(approval) = &approval {
        let there = Approval::path(folder, &approval.environment);
        if *root.place.file() != there {
            let of = &approval.environment;
            let message = format!("an approval of {of} counts only in {there}");
            let error = root.place.error("misplaced-approval", message);
            reader.report(error.with_hint(format!("Move it to {there}, or delete it.")));
        }
    }
    match approval {
        Some(approval) if !reader.failed() => Ok(approval),
        _ => Err(reader.diagnostics),
    }
}

fn typed(document: &Document, reader: &mut Reader) -> Option<Approval> {
    let root = &document.root;
    let mut fields = reader.fields(root, &root.place)?;
    let _known = (fields.get("apiVersion"), fields.get("kind"));
    let spec = fields.require(reader, "spec");
    fields.finish(reader);
    let spec = spec?;
    let mut fields = reader.fields(spec, &spec.place)?;
    let environment = fields.require(reader, "environment");
    let plan = fields.require(reader, "plan");
    let request = fields.require(reader, "request");
    fields.finish(reader);
    let environment = environment.and_then(|node| {
        let name = EnvironmentName::new(reader.name(node)?);
        let wrong = |error| node.place.error("bad-name", format!("failed to {error}"));
        name.map_err(|error| reader.report(wrong(error))).ok()
    });
    let plan = plan.and_then(|node| {
        let text = reader.name(node)?;
        let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if text.len() != 64 || !text.chars().all(is_digit) {
            let message = "a plan is named by the 64 hexadecimal digits of its hash";
            reader.report(node.place.error("bad-hash", message));
            return None;
        }
        Some(Digest::from_hex(text))
    });
    let request = request.and_then(|node| reader.whole(node, 1..=MOST_REQUESTS));
    Some(Approval {
        environment: environment?,
        plan: plan?,
        request: u32::try_from(request?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::tests::{reading, shown};

    const SHOP: &str = "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: { name: shop }\nspec: { resources: {} }\n";

    fn approval() -> Approval {
        Approval {
            environment: EnvironmentName::new("shop").unwrap(),
            plan: Digest::of("the plan"),
            request: 2,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = approval().text();
        let read = reading(&[("shop.yaml", SHOP), ("approvals/shop.yaml", &text)]);
        assert_eq!(shown(&read.all_diagnostics()), "");
        assert_eq!(read.environments[0].approval, Some(approval()));
        assert!(
            !read.environments[0]
                .files
                .contains(&RepoPath::new("approvals/shop.yaml").unwrap())
        );
    }

    #[test]
    fn editors_and_the_daemon_agree() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let text = approval().text();
        let broken = [
            ("\n  request: 2", ""),
            ("request: 2", "request: 0"),
            ("request: 2", "request: 1000001"),
            ("request: 2", "request: 2\n  who: me"),
            ("environment: shop", "environment: Shop"),
            ("plan: \"", "plan: \"0"),
            ("kind: Approval", "kind: Approval\nmetadata: {}"),
        ];
        let broken = broken.map(|(good, bad)| (text.replace(good, bad), false));
        for (text, is_right) in broken.into_iter().chain([(text.clone(), true)]) {
            let value: Value = serde_yaml::from_str(&text).unwrap();
            assert_eq!(schema.is_valid(&value), is_right, "the schema on {text}");
            let read = reading(&[("shop.yaml", SHOP), ("approvals/shop.yaml", &text)]);
            let told = shown(&read.all_diagnostics());
            assert_eq!(told.is_empty(), is_right, "the daemon on {text}: {told}");
        }
    }

    #[test]
    fn mistakes_are_told_where_they_stand_and_approve_nothing() {
        let written = approval().text();
        let misplaced = reading(&[("shop.yaml", SHOP), ("old/shop.yaml", &written)]);
        assert_eq!(misplaced.environments[0].approval, None);
        let told = shown(&misplaced.all_diagnostics());
        let said = "an approval of shop counts only in approvals/shop.yaml";
        assert!(
            told.contains("misplaced-approval") && told.contains(said),
            "{told}"
        );
        let broken = "apiVersion: reconciled.dev/v1alpha1\nkind: Approval\nspec: { environment: shop, plan: \"12\", request: 0, who: me }\n";
        let broken = reading(&[("shop.yaml", SHOP), ("approvals/shop.yaml", broken)]);
        assert_eq!(broken.environments[0].approval, None);
        let told = shown(&broken.all_diagnostics());
        for part in [
            "approvals/shop.yaml:3:34 bad-hash",
            "out-of-range: 0 is no whole number from 1",
            "unknown-key: the key `who` is not known here",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
