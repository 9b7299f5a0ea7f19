//! Whole environments: what is read, over which layers, from which files, within which bounds.

use super::*;
use crate::model::{Every, OnDrift, OnMerge, SecretSource};
use crate::spec::reading::MOST_DIAGNOSTICS;
use std::time::Duration;

#[test]
fn an_environment_is_read_over_its_layers() {
    let base = "apiVersion: reconciled.dev/v1alpha1\nkind: Layer\nmetadata: { labels: { Owner: platform, Team: shop } }\nspec:\n  vars: { region: nyc3, size: small, list: [1, 2] }\n  connections: { host: { provider: host, root: /srv } }\n  reconcile: { onMerge: observe, interval: 10m, paused: \"base\" }\n  resources:\n    motd: { kind: host/file, spec: { path: /etc/motd, content: base, mode: \"0644\" } }\n    gone: { kind: host/file, spec: { path: /gone } }\n";
    let lower = "apiVersion: reconciled.dev/v1alpha1\nkind: Layer\nspec: { extends: [base.yaml], vars: { size: medium } }\n";
    let env = "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: { name: prod, labels: { Team: ~ } }\nspec:\n  extends: [../bases/lower.yaml]\n  vars: { list: [3] }\n  secrets: { t: { env: T }, f: { file: /run/t } }\n  reconcile: { onDrift: correct, driftInterval: \"0 6 * * *\", paused: ~ }\n  notify: { slack: \"#infra\" }\n  resources:\n    motd: { spec: { content: \"${vars.region}\", mode: ~ }, lifecycle: { protect: true, ignore: [/mode], deadline: 90s } }\n    gone: ~\n";
    let reading = reading(&[
        ("envs/prod.yaml", env),
        ("bases/lower.yaml", lower),
        ("bases/base.yaml", base),
    ]);
    let one = &reading.environments[0];
    let files: Vec<&str> = one.files.iter().map(RepoPath::as_str).collect();
    assert_eq!(
        files,
        ["bases/base.yaml", "bases/lower.yaml", "envs/prod.yaml"]
    );
    let environment = one
        .environment
        .as_ref()
        .unwrap_or_else(|d| panic!("{}", shown(d)));
    assert_eq!(
        environment.labels,
        [("Owner".to_owned(), "platform".to_owned())]
    );
    let reconcile = &environment.reconcile;
    assert_eq!(
        (reconcile.on_merge, reconcile.on_drift),
        (OnMerge::Observe, OnDrift::Correct)
    );
    assert_eq!(reconcile.interval, Duration::from_secs(600));
    assert_eq!(
        reconcile.drift_interval,
        Some(Every::Cron("0 6 * * *".to_owned()))
    );
    assert_eq!(reconcile.paused, None);
    assert_eq!(environment.notify.slack.as_deref(), Some("#infra"));
    assert_eq!(
        environment.secrets["f"],
        SecretSource::File("/run/t".to_owned())
    );
    let ids: Vec<&str> = environment
        .resources
        .iter()
        .map(|one| one.id.name())
        .collect();
    assert_eq!(ids, ["motd"]);
    let motd = &environment.resources[0];
    assert_eq!(
        (motd.lifecycle.protect, motd.lifecycle.deadline),
        (Some(true), Some(Duration::from_secs(90)))
    );
    assert!(motd.spec.get("mode").is_none() && motd.spec.get("path").is_some());
}

#[test]
fn one_bad_environment_leaves_the_others() {
    let good = environment("  vars: {}\n");
    let bad = environment("  varz: {}\n").replace("test", "bad");
    let reading = reading(&[
        ("a.yaml", &good),
        ("b.yaml", &bad),
        (
            "c.yml",
            &format!(
                "{}---\n{}",
                good.replace("test", "c"),
                bad.replace("name: bad", "name: d")
            ),
        ),
    ]);
    let found: Vec<_> = reading
        .environments
        .iter()
        .map(|e| (e.name.as_str(), e.environment.is_ok()))
        .collect();
    assert_eq!(
        found,
        [("bad", false), ("c", true), ("d", false), ("test", true)]
    );
}

#[test]
fn only_what_was_asked_for_is_returned() {
    let kinds = kinds();
    let files = [
        ("a/x.yaml", environment("  vars: {}\n")),
        ("b/y.yaml", environment("  vars: {}\n").replace("test", "y")),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let names = |folder: Option<&str>, only: Option<&str>| {
        let path = |text: &str| RepoPath::new(text).unwrap();
        let options = ReadOptions {
            folder: folder.map(path),
            only: only.map(path),
            kinds: &kinds,
        };
        let found = read(&snapshot(&files), &options).environments;
        found.iter().map(|e| e.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(None, None), ["test", "y"]);
    assert_eq!(names(Some("a"), None), ["test"]);
    assert_eq!(names(None, Some("b/y.yaml")), ["y"]);
    assert_eq!(names(None, Some("b")), ["y"]);
}

#[test]
fn a_folder_of_manifests_is_a_file_it_depends_on() {
    let text = environment(
        "  connections: { c: { provider: kubernetes } }\n  resources: { api: { kind: kubernetes/manifests, spec: { path: ../k8s/api, namespace: shop } } }\n",
    );
    let reading = reading(&[("envs/prod.yaml", &text), ("k8s/api/a.yaml", "a: 1")]);
    let files: Vec<&str> = reading.environments[0]
        .files
        .iter()
        .map(RepoPath::as_str)
        .collect();
    assert_eq!(files, ["envs/prod.yaml", "k8s/api"]);
}

#[test]
fn much_input_costs_bounded_time() {
    let bomb = (1..9).fold(
        "  vars:\n    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(),
        |text, nth| {
            text + &format!(
                "    a{nth}: &a{nth} [{}]\n",
                [format!("*a{}", nth - 1).as_str(); 10].join(", ")
            )
        },
    );
    assert!(check(&bomb).contains("too-many-aliases"));
    let large = environment(&format!(
        "  vars: {{ a: \"{}\" }}\n",
        "x".repeat(100 * 1024 * 1024)
    ));
    assert!(check(&large).contains("file-too-large"));
    let one = |nth: usize| {
        environment("  vars: { a: 1 }\n").replace("name: test", &format!("name: e{nth}"))
    };
    let many: Vec<String> = (0..10_000).map(one).collect();
    // One file may hold them all, up to its size.
    let few = many[..5000].join("---\n");
    assert_eq!(
        reading(&[("all.yaml", &few)])
            .environments
            .iter()
            .filter(|e| e.environment.is_ok())
            .count(),
        5000
    );
    let files: Vec<(String, &String)> = many
        .iter()
        .enumerate()
        .map(|(nth, text)| (format!("e{nth}.yaml"), text))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    assert_eq!(reading(&files).environments.len(), 10_000);
    let equal = vec![environment("  vars: { a: 1 }\n"); 5000].join("---\n");
    let equal = reading(&[("equal.yaml", &equal)]).environments;
    let said: usize = equal
        .iter()
        .map(|e| e.environment.as_ref().unwrap_err().len())
        .sum();
    assert_eq!((equal.len(), said), (5000, 5000), "one for each");
    let mistakes = environment(&(0..1000).fold("  vars:\n".to_owned(), |text, nth| {
        text + &format!("    a{nth}: \"${{x}}\"\n")
    }));
    let reading = reading(&[("e.yaml", &mistakes)]);
    assert_eq!(
        reading.environments[0]
            .environment
            .as_ref()
            .unwrap_err()
            .len(),
        MOST_DIAGNOSTICS + 1
    );
}
