//! Whatever an expression says, evaluating it ends within its cost limit and never shows a secret.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use reconciled::graph;
use reconciled::model::{File, Kinds, RepoPath, Revision, Secret, Snapshot};
use reconciled::provider::all_rows;
use reconciled::source::render::Rendered;
use reconciled::source::secrets::Secrets;
use reconciled::spec::{ReadOptions, read};

const SECRET: &str = "canary-8c1f2d";

static KINDS: LazyLock<Kinds> = LazyLock::new(|| Kinds::new(all_rows()));

fuzz_target!(|text: &str| {
    let quoted = serde_json::Value::from(format!("${{{text}}}"));
    let spec = format!(
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: {{name: fuzzed}}\nspec:\n  vars: {{size: 3, name: shop, list: [1, 2]}}\n  \
         secrets: {{key: {{env: KEY}}}}\n  connections: {{here: {{provider: host}}}}\n  resources:\n    first:\n      kind: host/file\n      \
         spec: {{path: /srv/first, content: \"${{secrets.key}}\"}}\n    second:\n      kind: host/file\n      spec: {{path: /srv/second, content: {quoted}}}\n"
    );
    let path = RepoPath::new("fuzzed.yaml").expect("it is a path");
    let files = BTreeMap::from([(path, File::Bytes(spec.as_bytes().into()))]);
    let snapshot = Snapshot {
        revision: Revision::new("fuzzed"),
        files,
    };
    let reading = read(
        &snapshot,
        &ReadOptions {
            folder: None,
            only: None,
            kinds: &KINDS,
        },
    );
    let mut secrets = Secrets::default();
    secrets
        .values
        .insert("key".to_owned(), Secret::new(SECRET.to_owned()));
    let mut said = format!("{:?}", reading.all_diagnostics());
    for found in reading.environments {
        let Ok(environment) = found.environment else {
            continue;
        };
        match graph::build(
            &environment,
            (&secrets, &Rendered::default()),
            &KINDS,
            &snapshot,
        ) {
            Err(mistakes) => said.push_str(&format!("{mistakes:?}")),
            Ok(graph) => {
                for wave in graph.waves() {
                    said.push_str(&format!("{:?}", graph.resolve(wave, &BTreeMap::new())));
                }
            }
        }
    }
    assert!(
        text.contains(SECRET) || !said.contains(SECRET),
        "the secret is shown"
    );
});
