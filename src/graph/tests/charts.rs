//! Charts: what values may be, and what becomes of what helm makes of them.

use super::*;
use crate::model::Recipe;

const HEAD: &str = "  connections: { host: { provider: host }, k: { provider: kubernetes } }\n  secrets: { t: { env: T } }\n  vars: { tag: '7', hidden: \"${secrets.t}\", two: \"${1 + 1}\" }\n";

/// The environment of the chart `web` with this `spec`, beside a database.
fn parts(spec: &str) -> (crate::spec::Environment, Kinds, Snapshot) {
    parts_of(&format!("chart: web, {spec}"))
}

fn parts_of(spec: &str) -> (crate::spec::Environment, Kinds, Snapshot) {
    let text = environment(&format!(
        "{HEAD}  resources:\n    web: {{ kind: kubernetes/helm-chart, spec: {{ {spec} }} }}\n    f: {{ kind: kubernetes/object, spec: {{ apiVersion: v1, kind: ConfigMap, metadata: {{ name: f }} }} }}\n"
    ));
    let (kinds, snapshot) = (
        kinds(),
        snapshot(&[("e.yaml", &text), ("web/Chart.yaml", "")]),
    );
    let options = ReadOptions {
        folder: None,
        only: None,
        kinds: &kinds,
    };
    let found = read(&snapshot, &options).environments.remove(0);
    let environment = found
        .environment
        .unwrap_or_else(|wrong| panic!("{}", shown(&wrong)));
    (environment, kinds, snapshot)
}

fn rendered(text: &str) -> Rendered {
    Rendered {
        texts: [(ResourceId::new("web").unwrap(), text.into())].into(),
        ..Rendered::default()
    }
}

fn told(spec: &str, secrets: &Secrets, text: &str) -> String {
    let (environment, kinds, snapshot) = parts(spec);
    let built = build(&environment, (secrets, &rendered(text)), &kinds, &snapshot);
    let told = shown(&built.err().unwrap_or_default());
    let lines: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("e.yaml:"))
        .collect();
    lines.join("\n")
}

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n";

#[test]
fn values_are_computed_before_anything_is_rendered() {
    let spec = "release: shop, namespace: n, values: { image: { tag: \"v${vars.tag}\", none: null }, replicas: \"${vars.two}\" }, set: { \"a.b\": \"x,y\" }, crds: false, kubeVersion: '1.36', apiVersions: [a/v1]";
    let (environment, kinds, _) = parts(spec);
    let asked = renders(&environment, &secrets(), &kinds, &Allowance::default());
    let Recipe::Chart(chart) = &asked[0].recipe else {
        panic!("{asked:?}")
    };
    assert_eq!(
        chart.values,
        json!({ "image": { "tag": "v7", "none": null }, "replicas": 2 })
    );
    assert_eq!(chart.set, [("a.b".to_owned(), json!("x,y"))]);
    assert_eq!(
        (chart.release.as_str(), chart.namespace.as_deref()),
        ("shop", Some("n"))
    );
    assert_eq!(
        (chart.crds, chart.kube_version.as_deref()),
        (false, Some("1.36"))
    );
    assert_eq!(chart.api_versions, ["a/v1"]);
}

#[test]
fn no_secret_and_nothing_of_another_resource_becomes_a_value() {
    let spec = "values: { a: \"${secrets.t}\", b: [\"x-${vars.hidden}\"], c: \"${resources.f.uid}\", d: \"${vars.tag}\" }, set: { e: \"${vars.hidden}\" }";
    let known = told(spec, &secrets(), OBJECT);
    insta::assert_snapshot!(known, @"
    e.yaml:9:74 secret-in-values: a secret cannot be a value of a chart: the chart may put it anywhere, and it would be shown
    e.yaml:9:94 secret-in-values: a secret cannot be a value of a chart: the chart may put it anywhere, and it would be shown
    e.yaml:9:118 output-in-values: a chart is rendered before anything is applied, and this reads f
    e.yaml:9:170 secret-in-values: a secret cannot be a value of a chart: the chart may put it anywhere, and it would be shown
    ");
    assert!(!known.contains("canary"));
    // Nor where the secrets are not at hand: the same is said.
    assert_eq!(told(spec, &Secrets::default(), OBJECT), known);
    let (environment, kinds, _) = parts(spec);
    assert_eq!(
        renders(&environment, &secrets(), &kinds, &Allowance::default()),
        []
    );
}

#[test]
fn a_chart_of_a_registry_is_one_version_or_one_digest() {
    let asked = |which: &str| {
        let spec = format!("chart: 'oci://EXAMPLE.com:5000/charts/web', {which}");
        let (environment, kinds, snapshot) = parts_of(&spec);
        let asked = renders(&environment, &secrets(), &kinds, &Allowance::default());
        let built = build(
            &environment,
            (&secrets(), &rendered(OBJECT)),
            &kinds,
            &snapshot,
        );
        let said = shown(&built.err().unwrap_or_default());
        let line = said.lines().find(|line| line.starts_with("e.yaml:"));
        match asked.first().map(|one| &one.recipe) {
            Some(Recipe::Chart(chart)) => {
                assert_eq!(line, None);
                assert!(asked[0].reads.is_empty());
                format!("{} at {}", chart.fetched.as_ref().unwrap(), chart.path)
            }
            _ => line.unwrap_or_default().to_owned(),
        }
    };
    let digest = "0123456789abcdef".repeat(4);
    let all = [
        "version: \"1.2.${vars.tag}\"",
        &format!("digest: 'sha256:{digest}'"),
        &format!("version: v1.0.0-rc.1, digest: 'sha256:{digest}'"),
        "release: x",
        "version: latest",
        "version: '^1.2'",
        "version: 1.2",
        "version: \"${secrets.t}\"",
        "version: \"${resources.f.uid}\"",
        "digest: 'sha256:abc'",
    ];
    insta::assert_snapshot!(all.map(asked).join("\n"), @"
    oci://example.com:5000/charts/web 1.2.7 at .fetched/web
    oci://example.com:5000/charts/web@sha256:0123456789ab at .fetched/web
    oci://example.com:5000/charts/web v1.0.0-rc.1 at .fetched/web
    e.yaml:9:56 missing-key: `version` or `digest` is missing here
    e.yaml:9:102 floating-version: `latest` is not one version: what is rendered would change without a commit
    e.yaml:9:102 floating-version: `^1.2` is not one version: what is rendered would change without a commit
    e.yaml:9:102 wrong-type: `version` has to be a text
    e.yaml:9:102 secret-in-values: a secret cannot be a value of a chart: the chart may put it anywhere, and it would be shown
    e.yaml:9:102 output-in-values: a chart is rendered before anything is applied, and this reads f
    e.yaml:9:101 bad-digest: this is no digest
    ");
}

#[test]
fn an_address_holds_nothing_but_the_registry_and_the_name() {
    for wrong in [
        "oci://",
        "oci://a",
        "oci://a/",
        "oci://u:p@a/b",
        "oci://a/b:1.0.0",
        "oci://a/../b",
        "oci://a/b?c",
    ] {
        let (environment, kinds, snapshot) = parts_of(&format!("chart: '{wrong}', version: 1.0.0"));
        let built = build(
            &environment,
            (&secrets(), &rendered(OBJECT)),
            &kinds,
            &snapshot,
        );
        let said = built.err().unwrap_or_default();
        assert!(
            said.iter().any(|one| one.code == "bad-chart"),
            "{wrong}: {said:?}"
        );
    }
}

#[test]
fn hooks_are_left_out_and_said_and_what_is_to_be_kept_is_protected() {
    let hook = "apiVersion: batch/v1\nkind: Job\nmetadata: { name: migrate, annotations: { helm.sh/hook: pre-install } }\n";
    let kept = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: kept, annotations: { helm.sh/resource-policy: keep } }\n";
    let (environment, kinds, snapshot) = parts("namespace: n");
    let text = rendered(&format!(
        "{OBJECT}---\n{hook}---\n# only a comment\n---\n{kept}"
    ));
    let graph = build(&environment, (&secrets(), &text), &kinds, &snapshot).unwrap();
    let wanted = graph.resolve(&graph.waves()[0], &BTreeMap::new());
    let names: Vec<(String, Option<bool>)> = wanted
        .iter()
        .map(|one| (one.address.resource.to_string(), one.lifecycle.protect))
        .collect();
    assert_eq!(
        names,
        [
            ("web[ConfigMap/n/a]".to_owned(), None),
            ("web[ConfigMap/n/kept]".to_owned(), Some(true)),
            ("f".to_owned(), None),
        ]
    );
    let warnings = shown(graph.warnings());
    assert!(warnings.contains("Job migrate (pre-install)"), "{warnings}");
}

#[test]
fn what_helm_wrote_and_cannot_be_used_is_told_at_the_resource_without_its_text() {
    let all = [
        "a: [canary",
        "kind: Secret\ndata: canary\n",
        "# nothing\n",
        "{}\n",
    ];
    let told: Vec<String> = all.map(|text| told("crds: true", &secrets(), text)).into();
    insta::assert_snapshot!(told.join("\n"), @"
    e.yaml:9:5 yaml-syntax: what was rendered cannot be used: unclosed bracket '[' (line 1 of it)
    e.yaml:9:5 missing-key: what was rendered cannot be used: `apiVersion` is missing here, as a text (line 1 of it)
    e.yaml:9:5 empty-folder: no Kubernetes object was rendered
    e.yaml:9:5 missing-key: what was rendered cannot be used: `apiVersion` is missing here, as a text (line 1 of it)
    ");
}
