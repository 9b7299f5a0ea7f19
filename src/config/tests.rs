//! The settings as a person writes them, right and wrong.

use super::*;
use crate::model::{Diagnostic, Gravity, Mention, SecretSource};
use crate::telemetry::log::Format;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Settings, Vec<Diagnostic>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reconciled.yaml");
    std::fs::write(&path, text).unwrap();
    let variables: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Settings::load(Some(&path), &variables)
}

/// The mistakes as `line:column code message / hint`, the file left out where it is the settings.
fn mistakes(text: &str, variables: &[(&str, &str)]) -> String {
    let lines: Vec<String> = load(text, variables)
        .unwrap_err()
        .iter()
        .map(|found| {
            let place = &found.location;
            let file = place.file.as_str();
            let file = if file.starts_with('$') { file } else { "" };
            let hint = found.hint.as_deref().unwrap_or_default();
            let (line, column) = (place.line, place.column);
            format!(
                "{file}{line}:{column} {} {} / {hint}",
                found.code, found.message
            )
        })
        .collect();
    lines.join("\n")
}

const WHOLE: &str = r##"
stateFolder: /var/lib/reconciled
repositories:
  - name: infrastructure
    url: https://github.com/acme/infrastructure
    branch: live
    folder: infra
    environments: infra/environments
    interval: 30s
    jitter: 1s
    credentials: { token: { file: tokens/git } }
    github: acme/infrastructure
  - name: ssh
    url: git@git.example.com:acme/other.git
    credentials: { sshKey: id_ed25519, knownHosts: /etc/known_hosts }
  - name: trying
    workingFolder: ../trying
github: { token: { env: GITHUB_TOKEN }, apiUrl: https://github.example.com/api/v3 }
slack: { webhook: { file: /run/secrets/slack }, channel: "#infra", apiUrl: http://127.0.0.1:1, channels: { failure: "#oncall" }, mention: [S012ABCDEF], daily: { at: "09:30", timezone: Europe/Berlin } }
webhook: { url: https://example.com/events, secret: { file: /run/secrets/events } }
ledger: { path: ledger.db, retention: 30d }
web: { listen: "[::1]:9721" }
limits:
  concurrency: 4
  environments: 2
  requestTimeout: 10s
  source: { file: 2MiB, total: 1GiB, files: 1000, fetch: 1GiB, deadline: 30s }
providers:
  host: { allowed: true, root: /srv/root }
  kubernetes: { kubeconfig: kubeconfig, execPlugins: [aws] }
  rest: { baseUrls: { digitalocean: http://127.0.0.1:8080 } }
log: { format: json, filter: info }
"##;

#[test]
fn every_key_is_read_and_paths_stand_on_the_file_s_folder() {
    let settings = load(WHOLE, &[]).unwrap();
    let folder = settings.file.clone().unwrap().parent().unwrap().to_owned();
    let first = &settings.repositories[0];
    let token = folder.join("tokens/git");
    assert_eq!(
        first.access,
        Access::Git {
            url: "https://github.com/acme/infrastructure".into(),
            branch: "live".into(),
            credentials: Credentials::Token {
                username: "x-access-token".into(),
                token: SecretSource::File(token.to_str().unwrap().into()),
            },
        }
    );
    assert_eq!(
        (first.folder.as_str(), first.environments.as_str()),
        ("infra", "infra/environments")
    );
    assert_eq!(
        (first.interval, first.jitter),
        (Duration::from_secs(30), Duration::from_secs(1))
    );
    assert_eq!(
        settings.repositories[2].access,
        Access::Folder(folder.join("../trying"))
    );
    assert_eq!(
        settings.github.token,
        Some(SecretSource::Env("GITHUB_TOKEN".into()))
    );
    let slack = settings.slack.as_ref().unwrap();
    assert_eq!(
        slack.access,
        SlackAccess::Webhook(SecretSource::File("/run/secrets/slack".into()))
    );
    assert_eq!(slack.notify.channels[&Gravity::Failure], "#oncall");
    assert_eq!(
        slack.notify.mention,
        Some(vec![Mention::new("S012ABCDEF").unwrap()])
    );
    let daily = slack.daily.as_ref().unwrap();
    assert_eq!(
        (&*daily.cron, &*daily.timezone),
        ("30 9 * * *", "Europe/Berlin")
    );
    assert_eq!(settings.ledger.path, folder.join("ledger.db"));
    assert_eq!(settings.ledger.retention, Duration::from_secs(30 * 86_400));
    assert_eq!(settings.web.listen.to_string(), "[::1]:9721");
    assert_eq!(settings.limits.source.total_bytes, 1 << 30);
    assert_eq!(
        settings.providers.host,
        Host {
            allowed: true,
            root: "/srv/root".into()
        }
    );
    assert_eq!(settings.providers.kubernetes.exec_plugins, ["aws"]);
    assert_eq!(
        settings.providers.rest.base_urls["digitalocean"].port(),
        Some(8080)
    );
    assert_eq!(settings.log.format, Format::Json);
    let webhook = settings.webhook.as_ref().unwrap();
    assert_eq!(webhook.url.as_str(), "https://example.com/events");
    let watched = settings.paths_to_watch();
    for path in [
        folder.join("id_ed25519"),
        token,
        "/run/secrets/slack".into(),
        "/run/secrets/events".into(),
        settings.file.clone().unwrap(),
    ] {
        assert!(watched.contains(&path), "{path:?} in {watched:?}");
    }
}

#[test]
fn nothing_written_is_the_safe_default() {
    let home = [("HOME", "/home/ada")];
    let settings = load("", &home).unwrap();
    assert_eq!(
        settings.ledger.path,
        Path::new("/home/ada/.local/state/reconciled/ledger.db")
    );
    assert_eq!(settings.web.listen.to_string(), "127.0.0.1:9720");
    assert!(!settings.providers.host.allowed);
    assert_eq!((settings.slack, settings.github.token), (None, None));
    let unit = load(
        "",
        &[
            ("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"),
            ("HOME", "/root"),
        ],
    )
    .unwrap();
    assert_eq!(unit.state_folder, Path::new("/var/lib/a"));
}

#[test]
fn every_mistake_is_said_at_once_with_its_place() {
    let text = "repositores: []\nweb: { listen: localhost }\nlimits: { concurrency: 0 }\nlog: { format: jsn }\nrepositories:\n  - url: https://a.example\n  - { name: b, folder: ../x, url: y, interval: 5 }\n  - { name: c }\n  - { name: d, url: z, github: acme }\n  - { name: e, url: z }\n  - { name: e, url: z }\nslack: { channel: \"#a\" }\nledger: { retention: forever }\n";
    insta::assert_snapshot!(mistakes(text, &[]), @r#"
    1:1 unknown-key the key `repositores` is not known here / Did you mean `repositories`?
    2:16 bad-address it is no address and port / Write both, as in 127.0.0.1:9720, 0.0.0.0:9720 or [::1]:9720.
    3:24 out-of-range 0 is no whole number from 1 to 256 / 
    4:16 unknown-value "jsn" is none of auto, json, text / Did you mean json?
    6:5 missing-key `name` is missing here / 
    7:24 bad-path the path leaves the repository / Write it from the repository's root, as in infra/live.
    7:48 wrong-type a duration has to stand here, not a number / Write a unit: 5s, 5m or 5h.
    8:5 missing-key `url` is missing here / Name a Git repository with `url`, or a folder of this machine with `workingFolder`.
    9:32 bad-name it names no repository on GitHub / Write owner/name, as in acme/infrastructure.
    11:5 duplicate-name two repositories have the name e / 
    12:8 missing-key `token` or `webhook` is missing here / 
    13:22 bad-duration "forever" is no duration / Write a number and a unit (ms, s, m, h, d), as in 90s, 5m or 1h30m.
    "#);
}

#[test]
fn a_variable_wins_over_the_file() {
    let variables = [
        ("RECONCILED_GITHUB__API_URL", "http://127.0.0.1:9"),
        ("RECONCILED_GITHUB__TOKEN", "canary-token"),
        ("RECONCILED_SLACK__CHANNEL", "#other"),
        ("RECONCILED_SLACK__WEBHOOK__ENV", "RECONCILED_MY_HOOK"),
        ("RECONCILED_MY_HOOK", "https://hooks.example/canary"),
        ("RECONCILED_WEB__LISTEN", ""),
        ("RECONCILED_LIMITS__SOURCE__FILES", "7"),
        ("RECONCILED_PROVIDERS__HOST__ALLOWED", "false"),
        ("RECONCILED_PROVIDERS__KUBERNETES__EXEC_PLUGINS", "[a, b]"),
        ("RECONCILED_REPOSITORIES__0__BRANCH", "other"),
        ("RECONCILED_REPOSITORIES__3__NAME", "fourth"),
        ("RECONCILED_REPOSITORIES__3__URL", "/srv/git"),
        ("RECONCILED_SETTINGS", "somewhere"),
        ("RECONCILED_PORT", "tcp://10.0.0.1:9720"),
        ("RECONCILED_PORT_9720_TCP_ADDR", "10.0.0.1"),
        ("RECONCILED_SERVICE_HOST", "10.0.0.1"),
    ];
    let settings = load(WHOLE, &variables).unwrap();
    assert_eq!(settings.github.api_url.port(), Some(9));
    assert_eq!(
        settings.github.token,
        Some(SecretSource::Env("RECONCILED_GITHUB__TOKEN".into()))
    );
    let slack = settings.slack.unwrap();
    assert_eq!(
        slack.access,
        SlackAccess::Webhook(SecretSource::Env("RECONCILED_MY_HOOK".into()))
    );
    assert_eq!(slack.channel.as_deref(), Some("#other"));
    assert_eq!(settings.web.listen.to_string(), "[::1]:9721");
    assert_eq!(settings.limits.source.files, 7);
    assert!(!settings.providers.host.allowed);
    assert_eq!(settings.providers.kubernetes.exec_plugins, ["a", "b"]);
    let Access::Git { branch, .. } = &settings.repositories[0].access else {
        panic!("{:?}", settings.repositories[0]);
    };
    assert_eq!((branch.as_str(), settings.repositories.len()), ("other", 4));
}

#[test]
fn a_variable_that_means_nothing_is_an_error() {
    let variables = [
        ("RECONCILED_WEB__LISTN", "x"),
        ("RECONCILED_GITHUB_TOKEN", "canary-token"),
        ("RECONCILED_LIMITS__CONCURRENCY", "many"),
        ("RECONCILED_REPOSITORIES__1__NAME", "gap"),
        ("RECONCILED_LOG", "{ format: [ }"),
    ];
    let said = mistakes("", &variables);
    assert!(!said.contains("canary"), "{said}");
    insta::assert_snapshot!(said, @r#"
    $RECONCILED_GITHUB_TOKEN1:1 unknown-key the key `githubToken` is not known here / Known here: stateFolder, repositories, github, slack, webhook, sops, ledger, web, limits, providers, log. Two underscores go a level down, as in RECONCILED_WEB__LISTEN.
    $RECONCILED_LIMITS__CONCURRENCY1:1 wrong-type a whole number has to stand here, not a text / 
    $RECONCILED_LOG1:11 yaml-syntax mismatched bracket '[' closed by '}' / 
    $RECONCILED_REPOSITORIES__1__NAME1:1 bad-variable item 1 has no item before it / Count list items from 0, without gaps.
    $RECONCILED_WEB__LISTN1:1 unknown-key the key `listn` is not known here / Did you mean `listen`? Two underscores go a level down, as in RECONCILED_WEB__LISTEN.
    "#);
}

#[test]
fn no_secret_written_in_the_clear_is_shown() {
    let text = "github: { token: canary-one, tokn: 1 }\nslack: { token: 12345678 }\nrepositories:\n  - { name: a, url: \"https://u:canary-two@a.example/x\" }\n  - { name: b, url: \"https://canary-three@a.example/x\" }\nproviders: { rest: { baseUrls: { digitalocean: \"http://u:canary-four@b\" } } }\n";
    let found = load(text, &[("RECONCILED_WEB__PORT", "canary-five")]).unwrap_err();
    let shown = format!("{found:?}{}", serde_json::to_string(&found).unwrap());
    assert!(
        !shown.contains("canary") && !shown.contains("12345678"),
        "{shown}"
    );
    let secrets = found
        .iter()
        .filter(|found| found.code == "secret-in-settings");
    assert_eq!(secrets.count(), 5, "{shown}");
}

#[test]
fn broken_files_are_named() {
    let missing = Settings::load(
        Some(Path::new("/nowhere/reconciled.yaml")),
        &BTreeMap::new(),
    );
    let missing = missing.unwrap_err();
    assert_eq!(missing[0].code, "unreadable");
    assert_eq!(
        missing[0].location.file.as_str(),
        "/nowhere/reconciled.yaml"
    );
    for (text, code) in [
        ("web:\n\tlisten: x\n", "tab"),
        ("web: {}\nweb: {}\n", "duplicate-key"),
        ("web: {}\n---\nlog: {}\n", "many-documents"),
        ("- web\n", "wrong-type"),
        ("limits: { concurrency: 010 }\n", "octal-number"),
    ] {
        let found = load(text, &[]).unwrap_err();
        assert!(found[0].code.contains(code), "{text} gave {found:?}");
    }
}

/// Every map of the schema, with its path; `[]` is an item of a list.
fn maps<'s>(schema: &'s Value, path: String, found: &mut Vec<(String, &'s Value)>) {
    if let Some(items) = schema.get("items") {
        maps(items, format!("{path}[]/"), found);
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        found.push((path.clone(), schema));
        for (key, inner) in properties {
            maps(inner, format!("{path}{key}/"), found);
        }
    }
}

#[test]
fn the_schema_has_the_keys_that_are_read() {
    let schema = schema();
    let mut found = Vec::new();
    maps(&schema, String::new(), &mut found);
    assert!(found.len() > 15, "{found:?}");
    for (path, map) in found {
        // A key nobody knows, at this place: the hint lists those that are.
        let mut text = "{ zzzzzzzzzz: 1 }".to_owned();
        for part in path.split('/').filter(|part| !part.is_empty()).rev() {
            text = match part {
                "[]" => format!("[{text}]"),
                list if list.ends_with("[]") => {
                    format!("{{ {}: [{text}] }}", &list[..list.len() - 2])
                }
                key => format!("{{ {key}: {text} }}"),
            };
        }
        let said = load(&text, &[]).unwrap_err();
        let said = said.iter().find(|found| found.code == "unknown-key");
        let said = said.unwrap_or_else(|| panic!("{path}: {text}"));
        let hint = said.hint.clone().unwrap();
        let mut known: Vec<&str> = hint
            .trim_start_matches("Known here: ")
            .trim_end_matches('.')
            .split(", ")
            .collect();
        let mut described: Vec<&str> = map["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        known.sort_unstable();
        described.sort_unstable();
        assert_eq!(known, described, "{path}");
        assert_eq!(map["additionalProperties"], false, "{path}");
        for (key, inner) in map["properties"].as_object().unwrap() {
            assert!(inner["description"].is_string(), "{path}{key}");
        }
    }
}

#[test]
fn the_schema_file_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/reconciled.schema.json");
    let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == current,
        "{} is not current: run this test with UPDATE_SCHEMAS=1, or cargo run -- schema settings",
        path.display()
    );
}

#[test]
fn an_app_or_a_token_signs_in_at_github_and_not_both() {
    let whole = "github: { app: { id: 123, key: { file: app.pem }, installation: 7 }, webhookSecret: { env: HOOK } }\n";
    let repository = "repositories: [{ name: a, workingFolder: . }]\n";
    let settings = load(&format!("{repository}{whole}"), &[]).unwrap();
    let app = settings.github.app.as_ref().unwrap();
    assert_eq!((app.id.as_str(), app.installation), ("123", Some(7)));
    let hook = SecretSource::Env("HOOK".into());
    assert_eq!(settings.github.webhook_secret, Some(hook));
    let folder = settings.file.as_deref().unwrap().parent().unwrap();
    assert!(settings.paths_to_watch().contains(&folder.join("app.pem")));

    let both = "github: { token: { env: T }, app: { id: Iv1.a, key: { env: K } } }\n";
    insta::assert_snapshot!(
        mistakes(&format!("{repository}{both}"), &[]),
        @"2:35 conflict `token` and `app` stand here at once / Leave one of them out."
    );
    let half = "github: { app: { id: 1 } }\n";
    let said = mistakes(&format!("{repository}{half}"), &[]);
    assert!(said.contains("missing-key `key`"), "{said}");
}
