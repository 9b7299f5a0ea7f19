//! Whatever bytes a file holds, reading it ends with environments or located mistakes.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use reconciled::graph;
use reconciled::model::{File, Kinds, RepoPath, Revision, Snapshot};
use reconciled::provider::all_rows;
use reconciled::source::render::Rendered;
use reconciled::source::secrets::Secrets;
use reconciled::spec::{ReadOptions, read};

static KINDS: LazyLock<Kinds> = LazyLock::new(|| Kinds::new(all_rows()));

fuzz_target!(|bytes: &[u8]| {
    let path = RepoPath::new("environments/fuzzed.yaml").expect("it is a path");
    let files = BTreeMap::from([(path, File::Bytes(bytes.into()))]);
    let snapshot = Snapshot {
        revision: Revision::new("fuzzed"),
        files,
    };
    let options = ReadOptions {
        folder: None,
        only: None,
        kinds: &KINDS,
    };
    let reading = read(&snapshot, &options);
    for mistake in reading.all_diagnostics() {
        // Places are what people click on: they must exist.
        let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).count();
        assert!(
            mistake.location.line <= lines + 1,
            "{} is past the end",
            mistake.location.line
        );
    }
    for found in reading.environments {
        let Ok(environment) = found.environment else {
            continue;
        };
        let nothing = (&Secrets::default(), &Rendered::default());
        if let Ok(graph) = graph::build(&environment, nothing, &KINDS, &snapshot) {
            for wave in graph.waves() {
                let _wanted = graph.resolve(wave, &BTreeMap::new());
            }
        }
    }
});
