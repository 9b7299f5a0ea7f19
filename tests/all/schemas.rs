//! The environment's JSON Schema in `schemas/` is what the binary's kinds make of it, and every
//! example is a spec without a mistake.

use reconciled::graph;
use reconciled::model::{File, Kinds, RepoPath, Revision, Snapshot};
use reconciled::provider::all_rows;
use reconciled::source::render::Rendered;
use reconciled::source::secrets::Secrets;
use reconciled::spec::{self, ReadOptions};
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn the_environment_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/environment.schema.json");
    let schema = reconciled::spec::schema(&Kinds::new(all_rows()));
    let current = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == current,
        "{} is not current: run this test with UPDATE_SCHEMAS=1, or cargo run -- schema",
        path.display()
    );
}

/// Reads every file below a folder of this repository.
fn folder(root: &Path) -> Snapshot {
    let mut files = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                let bytes = std::fs::read(&path).unwrap();
                files.insert(RepoPath::new(name).unwrap(), File::Bytes(bytes.into()));
            }
        }
    }
    let revision = Revision::new("examples");
    Snapshot { revision, files }
}

#[test]
fn every_example_is_read_without_a_mistake() {
    let kinds = Kinds::new(all_rows());
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut read = 0;
    for example in std::fs::read_dir(examples).unwrap() {
        let example = example.unwrap().path();
        if !example.is_dir() {
            continue;
        }
        let snapshot = folder(&example);
        let options = ReadOptions {
            folder: None,
            only: None,
            kinds: &kinds,
        };
        let reading = spec::read(&snapshot, &options);
        let mut wrong = reading.all_diagnostics();
        for found in &reading.environments {
            if let Ok(environment) = &found.environment {
                let nothing = (&Secrets::default(), &Rendered::default());
                let built = graph::build(environment, nothing, &kinds, &snapshot);
                match built {
                    Ok(graph) => wrong.extend(graph.warnings().iter().cloned()),
                    Err(mistakes) => wrong.extend(mistakes),
                }
                read += 1;
            }
        }
        assert!(wrong.is_empty(), "{}: {wrong:#?}", example.display());
    }
    assert!(read >= 3, "only {read} environments were found");
}
