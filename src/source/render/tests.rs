//! Programs of ours in the place of kustomize: what they get, and what becomes of what they do. The
//! real one is asked in `tests/all/render`.

use super::*;
use crate::model::{Chart, Fault as _, File, RepoPath, Revision};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn snapshot(files: &[(&str, &str)]) -> Snapshot {
    let file = |(name, text): &(&str, &str)| (path(name), File::Bytes(text.as_bytes().into()));
    let mut files: BTreeMap<RepoPath, File> = files.iter().map(file).collect();
    files.insert(path("web/link"), File::Symlink);
    Snapshot {
        revision: Revision::new("1"),
        files,
    }
}

fn chart() -> Render {
    Render {
        resource: ResourceId::new("web").unwrap(),
        reads: ["base", "other.yaml"].map(path).into(),
        recipe: Recipe::Chart(Box::new(Chart {
            path: path("base"),
            fetched: None,
            release: "-shop".to_owned(),
            namespace: Some("n".to_owned()),
            values_files: vec![path("other.yaml")],
            values: serde_json::json!({ "a": "b" }),
            set: vec![("c.d".to_owned(), serde_json::json!("e,f=g"))],
            crds: true,
            kube_version: Some("1.36".to_owned()),
            api_versions: vec!["a/v1".to_owned()],
        })),
    }
}

fn asked() -> Render {
    Render {
        resource: ResourceId::new("web").unwrap(),
        reads: ["web/kustomization.yaml", "web/link", "base"]
            .map(path)
            .into(),
        recipe: Recipe::Kustomization(path("web")),
    }
}

const FILES: [(&str, &str); 4] = [
    ("web/kustomization.yaml", "resources: [../base]\n"),
    (
        "base/secret.yaml",
        "kind: Secret\nstringData: { password: canary-password }\n",
    ),
    ("base/deep/a.yaml", "a"),
    ("other.yaml", "other"),
];

/// A program that is a script, in a folder it may write its notes to.
struct Program {
    folder: tempfile::TempDir,
    renderer: Renderer,
}

impl Program {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("kustomize");
        let notes = folder.path().join("notes").display().to_string();
        let text = format!("#!/bin/sh\nPATH=/usr/bin:/bin\necho run >> {notes}\n{script}\n");
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let programs = Programs {
            kustomize: program.display().to_string(),
            helm: program.display().to_string(),
        };
        let renderer = Renderer::within(programs, Charts::default(), Duration::from_secs(2));
        Self { folder, renderer }
    }

    fn runs(&self) -> usize {
        let notes = std::fs::read_to_string(self.folder.path().join("notes"));
        notes.unwrap_or_default().lines().count()
    }

    async fn renders(&self, snapshot: &Snapshot) -> Result<Arc<str>, RenderError> {
        self.made_of(asked(), snapshot).await
    }

    async fn made_of(&self, asked: Render, snapshot: &Snapshot) -> Result<Arc<str>, RenderError> {
        let id = asked.resource.clone();
        let mut rendered = self.renderer.render(&[asked], snapshot).await;
        match rendered.texts.remove(&id) {
            Some(text) => Ok(text),
            None => Err(rendered.failed.remove(&id).unwrap()),
        }
    }

    async fn fails(&self) -> RenderError {
        self.renders(&snapshot(&FILES)).await.unwrap_err()
    }
}

#[tokio::test]
async fn it_sees_its_files_and_nothing_else_of_the_world() {
    let program = Program::new("echo \"$@\"; env -u PATH | sort; find . | sort; ls -A \"$HOME\"");
    let text = program.renders(&snapshot(&FILES)).await.unwrap();
    let home = text.lines().find(|line| line.starts_with("HOME=")).unwrap();
    let scratch = Path::new(home.strip_prefix("HOME=").unwrap())
        .parent()
        .unwrap();
    assert!(!scratch.exists(), "the folder is left behind");
    let text = text.replace(&scratch.display().to_string(), "SCRATCH");
    insta::assert_snapshot!(text, @"
    build --load-restrictor LoadRestrictionsRootOnly -- ./web
    HOME=SCRATCH/home
    HTTPS_PROXY=http://127.0.0.1:9
    HTTP_PROXY=http://127.0.0.1:9
    LC_ALL=C.UTF-8
    PWD=SCRATCH/files
    .
    ./base
    ./base/deep
    ./base/deep/a.yaml
    ./base/secret.yaml
    ./web
    ./web/kustomization.yaml
    ");
}

#[tokio::test]
async fn it_runs_again_only_where_something_it_sees_changed() {
    let program = Program::new("cat base/deep/a.yaml");
    for _ in 0..3 {
        assert_eq!(&*program.renders(&snapshot(&FILES)).await.unwrap(), "a");
    }
    assert_eq!(program.runs(), 1);
    let mut files = FILES;
    files[3].1 = "changed";
    program.renders(&snapshot(&files)).await.unwrap();
    assert_eq!(program.runs(), 1);
    files[2].1 = "b";
    assert_eq!(&*program.renders(&snapshot(&files)).await.unwrap(), "b");
    assert_eq!(program.runs(), 2);
}

#[tokio::test]
async fn what_it_says_is_told_without_secrets_and_paths_and_not_asked_for_again_at_once() {
    let program = Program::new(
        "echo \"Error: bad: canary-password in $PWD/base/a.yaml\" >&2; echo more >&2; exit 1",
    );
    let error = program.fails().await;
    assert_eq!(
        error.to_string(),
        "render the kustomization web: kustomize says: bad: (sensitive) in base/a.yaml; more"
    );
    assert_eq!(error.class(), crate::model::Class::User);
    program.fails().await;
    assert_eq!(program.runs(), 1);
}

#[tokio::test]
async fn one_that_hangs_is_stopped_and_not_started_with_every_look() {
    let program = Program::new("sleep 600");
    let begun = Instant::now();
    assert_eq!(program.fails().await.code(), "render-timeout");
    assert!(begun.elapsed() < Duration::from_secs(120));
    program.fails().await;
    assert_eq!(program.runs(), 1);
}

#[tokio::test]
async fn too_much_and_no_text_are_refused() {
    let program = Program::new("head -c 100000000 /dev/zero");
    assert_eq!(program.fails().await.code(), "render-too-large");
    let program = Program::new("printf '\\377'");
    assert_eq!(program.fails().await.code(), "render-no-text");
}

#[tokio::test]
async fn one_that_is_missing_is_named_with_how_to_get_it() {
    let programs = Programs {
        kustomize: "no-such-kustomize".to_owned(),
        ..Programs::default()
    };
    let renderer = Renderer::new(programs, Charts::default());
    let rendered = renderer.render(&[asked()], &snapshot(&FILES)).await;
    let error = &rendered.failed[&asked().resource];
    assert_eq!(
        error.to_string(),
        "render the kustomization web: no-such-kustomize is not installed here"
    );
    assert!(error.hint().unwrap().contains("Install"), "{error:?}");
}

#[tokio::test]
async fn helm_is_told_values_and_nothing_that_reaches_a_cluster() {
    let program = Program::new("for argument; do echo \"$argument\"; done; cat");
    let text = program.made_of(chart(), &snapshot(&FILES)).await.unwrap();
    insta::assert_snapshot!(&*text, @r#"
    template
    --namespace=n
    --include-crds
    --kube-version=1.36
    --api-versions=a/v1
    --values=./other.yaml
    --values=-
    --set-json=c.d="e,f=g"
    --
    -shop
    ./base
    {"a":"b"}
    "#);
}

#[tokio::test]
async fn a_schema_that_refers_to_other_files_is_not_followed() {
    let arguments = async |schema: &str| {
        let program = Program::new("echo \"$@\"");
        let mut files = FILES.to_vec();
        files.push(("base/charts/sub/values.schema.json", schema));
        let text = program.made_of(chart(), &snapshot(&files)).await.unwrap();
        text.contains("--skip-schema-validation")
    };
    let closed = r##"{ "$schema": "http://json-schema.org/draft-07/schema#", "properties": { "a": { "$ref": "#/$defs/a" } } }"##;
    assert!(!arguments(closed).await);
    for open in [
        r#"{ "allOf": [{ "$ref": "file:///etc/passwd" }] }"#,
        r#"{ "$ref": "other.json" }"#,
        r#"{ "$schema": "https://example.com/schema" }"#,
        "no json",
    ] {
        assert!(arguments(open).await, "{open}");
    }
}

#[tokio::test]
async fn a_chart_that_makes_something_up_each_time_is_refused() {
    let program =
        Program::new("printf 'a: b\\n---\\n# Source: web/templates/secret.yaml\\nx: %s\\n' $$");
    let mut files = FILES.to_vec();
    files.push(("base/templates/secret.yaml", "{{ randAlphaNum 8 }}"));
    let error = program
        .made_of(chart(), &snapshot(&files))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "render-varies");
    assert!(
        error.to_string().contains("in web/templates/secret.yaml:"),
        "{error}"
    );
    // Two runs for one answer, and none for the next.
    program
        .made_of(chart(), &snapshot(&files))
        .await
        .unwrap_err();
    assert_eq!(program.runs(), 2);
}
