//! Kustomizations as people write them: what they are made of, and what is refused.

use crate::model::RepoPath;
use crate::spec::tests::{environment, kinds, shown, snapshot};
use crate::spec::{EnvironmentReading, ReadOptions, read};

const WEB: &str = "  connections: { k: { provider: kubernetes } }\n  resources: { web: { kind: kubernetes/kustomization, spec: { path: overlays/prod } } }\n";

fn reading(files: &[(&str, &str)]) -> EnvironmentReading {
    let kinds = kinds();
    let text = environment(WEB);
    let all: Vec<(&str, &str)> = [("e.yaml", text.as_str())]
        .into_iter()
        .chain(files.iter().copied())
        .collect();
    let options = ReadOptions {
        folder: None,
        only: None,
        kinds: &kinds,
    };
    read(&snapshot(&all), &options).environments.remove(0)
}

/// What is wrong with an overlay, without the excerpts.
fn wrong(overlay: &str) -> String {
    let files = [
        ("overlays/prod/kustomization.yaml", overlay),
        (
            "overlays/prod/a.yaml",
            "apiVersion: builtin\nkind: PrefixTransformer\n",
        ),
        (
            "overlays/prod/plugin.yaml",
            "apiVersion: someteam.example.com/v1\nkind: ChartInflator\n",
        ),
        ("overlays/prod/https:/example.com/a.yaml", "kind: Trap\n"),
        ("other/b.yaml", "kind: ConfigMap\n"),
        ("empty/readme.md", ""),
    ];
    let found = reading(&files).environment.err().unwrap_or_default();
    let lines = found.iter().map(|one| {
        format!(
            "{}:{} {}: {}",
            one.location.file, one.location.line, one.code, one.message
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_file_is_followed_and_counts_as_part_of_the_environment() {
    let files = [
        (
            "overlays/prod/kustomization.yaml",
            "resources: [../../base, extra.yaml]\ncomponents: [../../component]\npatches: [{ path: patch.yaml }, { patch: \"path: x\", target: { kind: Deployment } }]\nconfigMapGenerator: [{ name: c, files: [key=conf/a.ini], envs: [b.env], literals: [path=c] }]\ntransformers: [\"apiVersion: builtin\\nkind: LabelTransformer\\nfieldSpecs: [{ path: metadata/labels }]\\n\"]\n",
        ),
        ("overlays/prod/extra.yaml", ""),
        ("overlays/prod/patch.yaml", ""),
        ("overlays/prod/conf/a.ini", ""),
        ("overlays/prod/b.env", ""),
        ("overlays/prod/unused.yaml", ""),
        ("base/kustomization.yml", "resources: [deployment.yaml]\n"),
        ("base/deployment.yaml", ""),
        (
            "component/Kustomization",
            "kind: Component\npatchesStrategicMerge: [\"kind: Deployment\\nmetadata: {}\\n\"]\n",
        ),
    ];
    let read = reading(&files);
    assert!(
        read.environment.is_ok(),
        "{}",
        shown(&read.environment.unwrap_err())
    );
    let files: Vec<&str> = read.files.iter().map(RepoPath::as_str).collect();
    assert_eq!(
        files,
        [
            "base/deployment.yaml",
            "base/kustomization.yml",
            "component/Kustomization",
            "e.yaml",
            "overlays/prod/b.env",
            "overlays/prod/conf/a.ini",
            "overlays/prod/extra.yaml",
            "overlays/prod/kustomization.yaml",
            "overlays/prod/patch.yaml",
        ]
    );
}

#[test]
fn nothing_remote_is_let_through_wherever_it_stands() {
    insta::assert_snapshot!(wrong("resources:\n- https://example.com/a.yaml\n- github.com/org/repo//base?ref=v1\n- https:/example.com/a.yaml\npatches:\n- PATH: https://example.com/p.yaml\nopenapi: { path: 'HTTPS://example.com/s.json' }\nconfigMapGenerator: [{ name: x, files: [k=https://example.com/f], ENVS: [http://example.com/e] }]\ncrds: [ssh://git@example.com/crd]\nbases: [git@example.com:org/repo.git]\n"), @"
    overlays/prod/kustomization.yaml:2 remote-reference: nothing is fetched from elsewhere while planning
    overlays/prod/kustomization.yaml:3 remote-reference: nothing is fetched from elsewhere while planning
    overlays/prod/kustomization.yaml:4 remote-reference: nothing is fetched from elsewhere while planning
    overlays/prod/kustomization.yaml:6 remote-reference: nothing is fetched from elsewhere while planning
    overlays/prod/kustomization.yaml:7 remote-reference: nothing is fetched from elsewhere while planning
    overlays/prod/kustomization.yaml:8 remote-reference: nothing is fetched from elsewhere while planning
    overlays/prod/kustomization.yaml:8 remote-reference: nothing is fetched from elsewhere while planning
    overlays/prod/kustomization.yaml:9 remote-reference: nothing is fetched from elsewhere while planning
    overlays/prod/kustomization.yaml:10 remote-reference: nothing is fetched from elsewhere while planning
    ");
}

#[test]
fn nothing_that_starts_a_program_is_let_through() {
    insta::assert_snapshot!(wrong("generators: [plugin.yaml, a.yaml]\ntransformers:\n- |\n  apiVersion: builtin\n  kind: PrefixTransformer\n  metadata: { name: x, annotations: { config.kubernetes.io/function: 'exec: { path: ./run }' } }\nvalidators:\n- |\n  apiVersion: builtin\n  kind: HelmChartInflationGenerator\n- |\n  apiVersion: builtin\n  kind: PatchTransformer\n  path: https://example.com/p\nhelmCharts: [{ name: x, repo: https://example.com }]\nHelmCharts: [{ name: x }]\n"), @"
    overlays/prod/kustomization.yaml:1 program-in-kustomization: only generators and transformers that kustomize itself has may be used: others are programs, and planning runs none of a repository's
    overlays/prod/kustomization.yaml:4 program-in-kustomization: only generators and transformers that kustomize itself has may be used: others are programs, and planning runs none of a repository's
    overlays/prod/kustomization.yaml:9 program-in-kustomization: only generators and transformers that kustomize itself has may be used: others are programs, and planning runs none of a repository's
    overlays/prod/kustomization.yaml:12 remote-reference: nothing is fetched from elsewhere while planning
    overlays/prod/kustomization.yaml:15 chart-in-kustomization: charts are not fetched or rendered by kustomize here
    overlays/prod/kustomization.yaml:16 unknown-key: a kustomization has no field `HelmCharts`
    ");
}

#[test]
fn paths_that_lead_nowhere_or_out_are_told_where_they_stand() {
    insta::assert_snapshot!(wrong("resources: [../../other/b.yaml, ../../empty, ../../nothing, ../../../out, /etc/passwd, gone.yaml]\nnamespaces: x\n---\nresources: []\n"), @"
    overlays/prod/kustomization.yaml:1 outside-folder: other/b.yaml is not below overlays/prod, where this kustomization stands
    overlays/prod/kustomization.yaml:1 missing-file: empty holds no kustomization.yaml
    overlays/prod/kustomization.yaml:1 missing-folder: nothing is not there
    overlays/prod/kustomization.yaml:1 bad-path: \"../../../out\" names nothing in the repository
    overlays/prod/kustomization.yaml:1 bad-path: \"/etc/passwd\" names nothing in the repository
    overlays/prod/kustomization.yaml:1 missing-folder: overlays/prod/gone.yaml is not there
    overlays/prod/kustomization.yaml:2 unknown-key: a kustomization has no field `namespaces`
    overlays/prod/kustomization.yaml:4 several-documents: a kustomization is one document
    ");
}

#[test]
fn folders_that_name_each_other_end() {
    let files = [
        (
            "overlays/prod/kustomization.yaml",
            "resources: [../../base]\n",
        ),
        ("base/kustomization.yaml", "resources: [../overlays/prod]\n"),
    ];
    assert!(reading(&files).environment.is_ok());
}

#[test]
fn a_line_that_may_hold_a_secret_is_not_repeated() {
    let overlay = "secretGenerator: [{ name: x, literals: [password=canary], files: [gone] }]\n";
    let files = [("overlays/prod/kustomization.yaml", overlay)];
    let found = reading(&files).environment.unwrap_err();
    assert!(!shown(&found).contains("canary"), "{}", shown(&found));
}
