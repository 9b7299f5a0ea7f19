//! Secrets that must be seen nowhere but where they were declared to go: not in any log, page,
//! message, record, plan or error, in no spelling.

use super::recorder::{REPOSITORY, Recorder};
use super::{Daemon, World};
use crate::peers::digitalocean::{Fault, Server};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::json;

/// Where a secret comes from, and its value. The signs are other ones in a URL.
const OF_ENV: &str = "canary-env+7Qz9/3=x&y";
const OF_FILE: &str = "canary-file+8Rw2/5=p&q";
const OF_CLOUD: &str = "canary-cloud-4Kd81";

/// Every way a secret may be spelled in an output.
fn spellings(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned()];
    // Three, for wherever it begins in what is encoded; what its neighbours decide is cut off.
    for shift in 0..3 {
        let shifted = format!("{}{secret}", "-".repeat(shift));
        for engine in [STANDARD, URL_SAFE] {
            let text = engine.encode(&shifted);
            let begin = if shift == 0 { 0 } else { 4 };
            all.push(text[begin..text.len() - 4].to_owned());
        }
    }
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    all.push(percent);
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    all.push(hex);
    all
}

#[track_caller]
fn assert_clean(place: &str, bytes: &[u8]) {
    assert!(!bytes.is_empty(), "{place} is empty, so this shows nothing");
    let text = String::from_utf8_lossy(bytes);
    for secret in [OF_ENV, OF_FILE, OF_CLOUD] {
        for spelled in spellings(secret) {
            if let Some(at) = text.find(&spelled) {
                let around: String = text[..at].chars().rev().take(300).collect();
                let around: String = around.chars().rev().collect();
                panic!("{place} shows {secret} as {spelled} after: {around}");
            }
        }
    }
}

fn environment(greeting: &str) -> String {
    format!(
        "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: {{ name: shop }}
spec:
  secrets:
    of_env: {{ env: SHOP_TOKEN }}
    of_file: {{ file: key.txt }}
    of_cloud: {{ env: CLOUD_TOKEN }}
  connections:
    here: {{ provider: host, root: HOST }}
    do: {{ provider: digitalocean, token: \"${{secrets.of_cloud}}\" }}
  reconcile: {{ interval: 1s, onDrift: correct }}
  notify: {{ slack: \"#infra\" }}
  resources:
    page:
      kind: host/file
      spec: {{ path: /page, content: \"{greeting} ${{secrets.of_env}} ${{base64.encode(bytes(secrets.of_env))}}\" }}
    vars:
      kind: host/env-file
      spec: {{ path: /vars, values: {{ KEY: \"${{secrets.of_file}}\", GREETING: \"{greeting}\" }} }}
    # The check's complaint repeats the word it does not know.
    site:
      kind: host/nginx-site
      spec: {{ name: shop, content: \"${{secrets.of_env}} ${{secrets.of_file}};\\n\" }}
    # Its folder would have to stand where a file is.
    stuck:
      kind: host/file
      spec: {{ path: /occupied/below, content: \"${{secrets.of_file}}\" }}
    # No account of this host.
    owned:
      kind: host/file
      spec: {{ path: /owned, content: x, owner: \"${{secrets.of_env}}\", group: \"${{secrets.of_file}}\" }}
    moded:
      kind: host/file
      spec: {{ path: /moded, content: x, mode: \"${{secrets.of_env}}\" }}
    # The cloud repeats the token in its refusal.
    record:
      kind: digitalocean/domain-record
      connection: do
      spec: {{ domain: example.com, type: TXT, name: shop, data: \"{greeting} ${{secrets.of_env}}\" }}
"
    )
}

/// An environment in which somebody copied secrets to where none is declared; nothing of it is put back.
fn strayed(greeting: &str) -> String {
    format!(
        "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: {{ name: strayed }}
spec:
  secrets: {{ of_env: {{ env: SHOP_TOKEN }}, of_file: {{ file: key.txt }} }}
  connections: {{ here: {{ provider: host, root: HOST }} }}
  reconcile: {{ interval: 1s, onDrift: report }}
  notify: {{ slack: \"#infra\" }}
  resources:
    notes: {{ kind: host/file, spec: {{ path: /notes, content: \"{greeting}\\n\" }} }}
    words: {{ kind: host/env-file, spec: {{ path: /words, values: {{ WORD: \"{greeting}\" }} }} }}
"
    )
}

/// An environment that would name a file by a secret: it is refused, and its value told to nobody.
fn named_by_a_secret() -> &'static str {
    "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: named }
spec:
  secrets: { of_env: { env: SHOP_TOKEN } }
  connections: { here: { provider: host, root: HOST } }
  notify: { slack: \"#infra\" }
  resources:
    named: { kind: host/file, spec: { path: \"/${secrets.of_env}\", content: x } }
    again: { kind: host/file, spec: { path: \"/${secrets.of_env}\", content: x } }
"
}

fn prepared() -> (World, Recorder, Server) {
    let (world, recorder, cloud) = (World::new(), Recorder::start(), Server::start());
    for _ in 0..50 {
        cloud.fail("GET", "domains", Fault::Status(422, None));
    }
    world.write_live("occupied", "by a file\n");
    world.variable("SHOP_TOKEN", OF_ENV);
    world.variable("CLOUD_TOKEN", OF_CLOUD);
    world.variable("GITHUB", "github-token");
    world.variable("SLACK", "slack-token");
    world.variable("HOOK", crate::peers::hooks::SECRET);
    std::fs::write(world.folder().join("key.txt"), format!("{OF_FILE}\n")).unwrap();
    world.settings(|settings| {
        settings["repositories"][0]["github"] = REPOSITORY.into();
        settings["github"] = json!({ "token": { "env": "GITHUB" }, "apiUrl": recorder.url });
        settings["slack"] =
            json!({ "token": { "env": "SLACK" }, "channel": "#infra", "apiUrl": recorder.url });
        settings["webhook"] =
            json!({ "url": format!("{}/hook", recorder.url), "secret": { "env": "HOOK" } });
        settings["providers"]["rest"]["baseUrls"]["digitalocean"] = cloud.url().into();
        settings["log"]["filter"] = "warn,reconciled=trace".into();
    });
    (world, recorder, cloud)
}

/// Everything a daemon and its commands say, while a secret is applied, fails, drifts and is reviewed.
fn live_through_it(world: &World, recorder: &Recorder, daemon: &mut Daemon<'_>) {
    daemon.until("the files are there", |_| {
        let strayed = world.live("notes").and(world.live("words"));
        strayed.and(world.live("page")).and(world.live("vars"))
    });
    daemon.episode("failing", |_| true);
    world.write_live("page", &format!("hacked {OF_ENV}"));
    world.write_live("vars", &format!("KEY={OF_FILE}-hacked\n"));
    for path in ["shop/page", "shop/vars"] {
        daemon.episode("drift", |drift| {
            drift
                .address
                .as_ref()
                .is_some_and(|at| at.to_string() == path)
                && drift.ended_at.is_some()
        });
    }
    let encoded = STANDARD.encode(OF_ENV);
    world.write_live(
        "notes",
        &format!("hello\nbeside {OF_ENV} and {encoded}\n{OF_FILE}\n"),
    );
    world.write_live("words", &format!("WORD=beside-{OF_FILE}\n"));
    for path in ["strayed/notes", "strayed/words"] {
        daemon.episode("drift", |drift| {
            let at = drift.address.as_ref();
            at.is_some_and(|at| at.to_string() == path)
        });
    }
    world.git(&["checkout", "--quiet", "-b", "change"]);
    let head = world.commit(&[
        ("shop.yaml", &environment("welcome")),
        ("strayed.yaml", &strayed("welcome")),
    ]);
    world.git(&["update-ref", "refs/pull/1/head", &head]);
    world.git(&["checkout", "--quiet", "main"]);
    recorder.open_pull(&head);
    let has = |text: &str| recorder.sent().iter().any(|sent| sent.contains(text));
    daemon.until("the plan is a comment", |_| {
        has("/issues/1/comments").then_some(())
    });
    assert!(has("beside (sensitive)"), "{:#?}", recorder.sent());
    daemon.until("Slack was told", |_| has("/chat.").then_some(()));
    daemon.until("the webhook was told", |_| has("/hook").then_some(()));
}

#[test]
fn a_secret_is_seen_where_it_was_declared_to_go_and_nowhere_else() {
    let (world, recorder, _cloud) = prepared();
    let named = ("named.yaml", named_by_a_secret());
    world.commit(&[
        ("shop.yaml", &environment("hello")),
        ("strayed.yaml", &strayed("hello")),
        named,
    ]);
    let mut daemon = world.start();
    live_through_it(&world, &recorder, &mut daemon);
    let folder = world.repository();
    let refused = format!(
        "{:?}",
        world.command(&["validate", folder.to_str().unwrap()])
    );
    assert!(refused.contains("secret-identity"), "{refused}");
    assert_clean("the refusal", refused.as_bytes());

    let page = world.live("page").unwrap();
    assert!(
        page.contains(OF_ENV) && page.contains(&STANDARD.encode(OF_ENV)),
        "{page}"
    );
    assert!(world.live("vars").unwrap().contains(OF_FILE));

    assert_clean("the metrics page", daemon.page("/metrics").1.as_bytes());
    assert_clean("the readiness page", daemon.page("/readyz").1.as_bytes());
    assert_clean(
        "GitHub, Slack and the webhook",
        recorder.sent().join("\n").as_bytes(),
    );
    let last = world.runs("shop")[0].id.to_string();
    let strayed = world.runs("strayed")[0].id.to_string();
    world.write_live("page", "hacked again");
    let commands: [&[&str]; 7] = [
        &["status"],
        &["history", "list"],
        &["history", "show", &last],
        &["history", "show", &strayed],
        &["history", "diff", "1", &last],
        &["plan"],
        &["validate"],
    ];
    for command in commands {
        for format in ["text", "json", "markdown"] {
            let mut all = vec!["--output", format];
            all.extend(command);
            let said = world.command(&all);
            assert_clean(&format!("{all:?}"), format!("{said:?}").as_bytes());
        }
    }
    for file in std::fs::read_dir(world.folder().join("state")).unwrap() {
        let path = file.unwrap().path();
        if path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("ledger.db")
            && path.metadata().unwrap().len() > 0
        {
            assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
    assert_clean("the daemon's log", log.as_bytes());
    assert_clean(
        "the ledger after its end",
        &std::fs::read(world.ledger_file()).unwrap(),
    );
}

#[test]
fn applying_from_a_path_shows_no_secret_either() {
    let (world, _recorder, _cloud) = prepared();
    world.commit(&[("shop.yaml", &environment("hello"))]);
    let path = world.repository().join("shop.yaml");
    std::fs::copy(
        world.folder().join("key.txt"),
        world.repository().join("key.txt"),
    )
    .unwrap();
    for command in [&["plan"][..], &["apply", "--yes", "--no-wait"]] {
        for format in ["text", "json", "markdown"] {
            let mut all = vec!["--output", format];
            all.extend(command);
            all.push(path.to_str().unwrap());
            let said = world.command(&all);
            assert_clean(&format!("{all:?}"), format!("{said:?}").as_bytes());
            if command[0] == "apply" {
                assert_eq!(said.code, Some(1), "its steps fail: {said:?}");
            }
        }
    }
    assert!(world.live("page").unwrap().contains(OF_ENV));
}
