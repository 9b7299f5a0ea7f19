//! The settings' schema against the validator that editors and CI use, beside the daemon's own reader: what one refuses
//! the other refuses too.

use super::peers::checked::packages;
use reconciled::config::Settings;
use std::collections::BTreeMap;
use std::process::Command;

/// Reads `[schema, documents]` and prints for each document whether it is valid. Strict: a mistake in the schema is an error.
const JUDGE: &str = r#"
const { createRequire } = require("module");
const ajv = createRequire(process.argv[1] + "/package.json")("ajv/dist/2020");
const [schema, documents] = JSON.parse(process.argv[2]);
const valid = new ajv.default({ strict: true, allErrors: true }).compile(schema);
console.log(JSON.stringify(documents.map((document) => valid(document))));
"#;

const DOCUMENTS: [(&str, bool); 34] = [
    ("{}", true),
    (
        "repositories: [{ name: a, url: https://example.com/a }]",
        true,
    ),
    (
        "repositories: [{ name: a, workingFolder: ../a, interval: 1h30m }]",
        true,
    ),
    (
        "repositories: [{ name: a, url: a, credentials: { token: { env: T }, username: u } }]",
        true,
    ),
    (
        "repositories: [{ name: a, url: a, credentials: { sshKey: k, knownHosts: h } }]",
        true,
    ),
    (
        "github: { token: { file: /t } }\nslack: { webhook: { env: W }, channel: \"#a\" }",
        true,
    ),
    (
        "limits: { concurrency: 256, source: { file: 64KiB, forkFetch: 8MiB } }\nlog: { format: text, filter: debug }",
        true,
    ),
    (
        "providers: { host: { allowed: true, root: /srv }, rest: { baseUrls: { digitalocean: http://a } } }",
        true,
    ),
    (
        "ledger: { path: a.db, retention: 7d }\nweb: { listen: 127.0.0.1:0 }\nstateFolder: state",
        true,
    ),
    (
        "slack: { token: { env: A }, channels: { warning: \"#a\" }, mention: [U012ABCDEF], daily: { at: \"23:59\" } }",
        true,
    ),
    ("slack: { token: { env: A }, mention: [\"@here\"] }", false),
    (
        "slack: { token: { env: A }, daily: { timezone: UTC } }",
        false,
    ),
    (
        "providers: { kubernetes: { registries: [{ address: ghcr.io/us, username: u, password: { env: P }, plainHttp: true, caFile: c }] } }",
        true,
    ),
    (
        "providers: { kubernetes: { registries: [{ username: u }] } }",
        false,
    ),
    ("repositories: [{ url: a }]", false),
    ("repositories: [{ name: a, url: a, intervall: 5m }]", false),
    ("repositories: { name: a, url: a }", false),
    ("repositories: [{ name: a, url: a, interval: 5 }]", false),
    (
        "github: { app: { id: 7, key: { file: /k } }, webhookSecret: { env: H } }",
        true,
    ),
    (
        "github: { app: { id: Iv1.a, key: { env: K }, installation: 8 } }",
        true,
    ),
    ("github: { app: { id: 7 } }", false),
    ("github: { app: { id: [7], key: { env: K } } }", false),
    ("github: { token: secret }", false),
    ("github: { token: {} }", false),
    ("slack: { token: { env: A, file: /b } }", false),
    (
        "webhook: { url: https://example.com/hook, secret: { file: /s } }",
        true,
    ),
    ("webhook: { url: https://example.com/hook }", false),
    (
        "webhook: { url: https://example.com/hook, secret: whsec_AAAA }",
        false,
    ),
    ("limits: { concurrency: 0 }", false),
    ("limits: { source: { file: 1MB } }", false),
    ("log: { format: xml }", false),
    ("providers: { host: { allowed: \"yes\" } }", false),
    ("web: 9720", false),
    ("wev: {}", false),
];

#[test]
fn editors_and_the_daemon_agree() {
    let documents: Vec<serde_json::Value> = DOCUMENTS
        .iter()
        .map(|(text, _)| serde_yaml::from_str(text).unwrap())
        .collect();
    let packages = packages();
    let judged = Command::new(packages.join("bin/node"))
        .args(["-e", JUDGE])
        .arg(&packages)
        .arg(serde_json::json!([reconciled::config::schema(), documents]).to_string())
        .output()
        .unwrap();
    assert!(
        judged.status.success(),
        "{}",
        String::from_utf8_lossy(&judged.stderr)
    );
    let judged: Vec<bool> = serde_json::from_slice(&judged.stdout).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reconciled.yaml");
    for ((text, right), judged) in DOCUMENTS.iter().zip(judged) {
        std::fs::write(&path, text).unwrap();
        let read = Settings::load(Some(&path), &BTreeMap::new());
        assert_eq!(read.is_ok(), *right, "the daemon on {text}: {read:?}");
        assert_eq!(judged, *right, "the schema on {text}");
    }
}
