//! Every example is valid, whole and explained: what a newcomer copies first must work.

mod hybrid;
mod kubernetes_api;
mod program;

use reconciled::model::{Connection, Diagnostic, Kinds, RepoPath, Snapshot};
use reconciled::provider::all_rows;
use reconciled::source::render::Rendered;
use reconciled::source::secrets::Secrets;
use reconciled::source::{Limits, folder};
use reconciled::spec::{self, ReadOptions};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn snapshot() -> Snapshot {
    folder::snapshot(&root(), Limits::default()).unwrap()
}

/// The folders of the examples, by name.
fn examples(snapshot: &Snapshot) -> Vec<String> {
    let mut names: Vec<String> = snapshot
        .files
        .keys()
        .filter_map(|path| Some(path.as_str().split_once('/')?.0.to_owned()))
        .collect();
    names.dedup();
    names
}

fn shown(mistakes: &[Diagnostic]) -> String {
    let line = |mistake: &Diagnostic| {
        let at = &mistake.location;
        format!(
            "{}:{}:{} {} ({:?})",
            at.file, at.line, at.column, mistake.message, mistake.hint
        )
    };
    mistakes.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_environment_is_read_and_its_references_lead_somewhere() {
    let snapshot = snapshot();
    let kinds = Kinds::new(all_rows());
    let mut read = 0;
    for example in examples(&snapshot) {
        // Examples are repositories of their own: two of them may have an environment of one name.
        let options = ReadOptions {
            folder: RepoPath::new(&example),
            only: None,
            kinds: &kinds,
        };
        let reading = spec::read(&snapshot, &options);
        assert!(
            reading.all_diagnostics().is_empty(),
            "{example}:\n{}",
            shown(&reading.all_diagnostics())
        );
        assert!(
            !reading.environments.is_empty(),
            "{example} has no environment"
        );
        for found in &reading.environments {
            let environment = found.environment.as_ref().unwrap();
            let nothing = (&Secrets::default(), &Rendered::default());
            let graph = reconciled::graph::build(environment, nothing, &kinds, &snapshot)
                .unwrap_or_else(|mistakes| panic!("{}:\n{}", found.name, shown(&mistakes)));
            assert!(!graph.waves().is_empty(), "{} declares nothing", found.name);
            assert!(
                graph
                    .connections()
                    .values()
                    .all(|one: &std::sync::Arc<Connection>| !one.provider.is_empty())
            );
            read += 1;
        }
    }
    assert!(read >= 5, "{read}");
}

#[test]
fn every_file_of_a_spec_names_its_schema_and_every_example_explains_itself() {
    let snapshot = snapshot();
    for example in examples(&snapshot) {
        let readme = RepoPath::new(&format!("{example}/README.md")).unwrap();
        let readme = String::from_utf8(
            snapshot
                .bytes(&readme)
                .expect("each example has a README")
                .to_vec(),
        )
        .unwrap();
        assert!(readme.starts_with("# "), "{example}");
        for (path, _) in snapshot.under(&RepoPath::new(&example).unwrap()) {
            let inside = path.as_str().strip_prefix(&format!("{example}/")).unwrap();
            assert!(
                inside == "README.md" || readme.contains(inside),
                "{example}'s README does not name {inside}"
            );
            let text = String::from_utf8_lossy(snapshot.bytes(path).unwrap());
            let ours = text
                .lines()
                .any(|line| line.starts_with("apiVersion: reconciled.dev/"));
            let up = "../".repeat(path.as_str().split('/').count());
            let schema =
                format!("# yaml-language-server: $schema={up}schemas/environment.schema.json\n");
            assert!(
                !ours || text.starts_with(&schema),
                "{path} does not begin with {schema}"
            );
        }
    }
}

/// In the checkout itself, where other environments and broken files of tests stand beside them.
#[test]
fn each_validates_where_it_stands() {
    for example in ["quickstart", "kubernetes-api", "hybrid", "chart"] {
        let mut command = assert_cmd::Command::cargo_bin("reconciled").unwrap();
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command.args(["validate", &format!("examples/{example}")]);
        command.assert().success();
    }
}
