//! The kinds of `host`, each below a temporary root.

use super::{CANARY, Edit, Subject};
use async_trait::async_trait;
use reconciled::model::{Map, Secret, Value};
use reconciled::provider::{Host, Provider};
use serde_json::json;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

conformance!(file, super::file);
conformance!(env_file, super::env_file);
conformance!(nginx_site, super::nginx_site);

/// One kind below one root.
pub(crate) struct OnHost {
    /// The provider, asked for anew each time.
    pub(crate) host: Host,
    folder: TempDir,
    stands_in: Option<PathBuf>,
    kind: &'static str,
    /// The file, from the root.
    file: &'static str,
    pub(crate) declared: Value,
    reordered: Option<Value>,
    mutations: Vec<(&'static str, Value)>,
    /// What the file holds when a person made it as declared, and with what mode.
    by_hand: (&'static str, u32),
    /// What a person changes: the field, and the text appended to the file.
    edit: (&'static str, &'static str),
    edits: AtomicUsize,
}

fn value(json: serde_json::Value) -> Value {
    Value::from_json(json)
}

/// Returns the fields with one of them, maybe a level down, as another.
pub(crate) fn with(base: &Value, path: &[&str], new: Value) -> Value {
    let mut fields = base.as_map().cloned().unwrap_or_default();
    match path {
        [] => return new,
        [last] => fields.insert((*last).to_owned(), new),
        [first, rest @ ..] => {
            let below = fields.get(first).cloned().unwrap_or(Value::Map(Map::new()));
            fields.insert((*first).to_owned(), with(&below, rest, new))
        }
    };
    Value::Map(fields)
}

pub(crate) async fn file() -> OnHost {
    let declared = value(json!({ "path": "/etc/app/motd", "content": "hello\n", "mode": "0640" }));
    OnHost {
        host: Host::new(),
        folder: tempfile::tempdir().unwrap(),
        stands_in: None,
        kind: "host/file",
        file: "etc/app/motd",
        reordered: Some(value(
            json!({ "mode": "640", "content": "hello\n", "path": "/etc/app/motd" }),
        )),
        mutations: vec![
            ("content", with(&declared, &["content"], "other\n".into())),
            ("mode", with(&declared, &["mode"], "0604".into())),
        ],
        declared,
        by_hand: ("hello\n", 0o640),
        edit: ("content", "by hand\n"),
        edits: AtomicUsize::new(0),
    }
}

pub(crate) async fn env_file() -> OnHost {
    let secret = Value::Secret(Secret::new(format!("{CANARY} \"$x\" 'y'")));
    let declared =
        value(json!({ "path": "/etc/app/env", "values": { "PORT": 8080, "NAME": "two words" } }));
    let declared = with(&declared, &["values", "TOKEN"], secret.clone());
    let reordered = value(json!({ "path": "/etc/app/env", "values": { "NAME": "two words" } }));
    let reordered = with(&reordered, &["values", "TOKEN"], secret);
    OnHost {
        host: Host::new(),
        folder: tempfile::tempdir().unwrap(),
        stands_in: None,
        kind: "host/env-file",
        file: "etc/app/env",
        reordered: Some(with(&reordered, &["values", "PORT"], value(json!(8080)))),
        mutations: vec![
            (
                "values.PORT",
                with(&declared, &["values", "PORT"], value(json!(9090))),
            ),
            (
                "values.NEW",
                with(&declared, &["values", "NEW"], "x".into()),
            ),
            (
                "values.TOKEN",
                with(
                    &declared,
                    &["values", "TOKEN"],
                    Value::Secret(Secret::new(format!("{CANARY}-2"))),
                ),
            ),
            ("mode", with(&declared, &["mode"], "0640".into())),
        ],
        declared,
        by_hand: (
            "NAME='two words'\nPORT=8080\nTOKEN=\"canary-5f2c \\\"\\$x\\\" 'y'\"\n",
            0o600,
        ),
        edit: ("values.PORT", "PORT=1"),
        edits: AtomicUsize::new(0),
    }
}

const SITE: &str = "server {\n  listen 127.0.0.1:8089;\n  return 204;\n}\n";

pub(crate) async fn nginx_site() -> OnHost {
    let declared = value(json!({ "name": "app", "content": SITE }));
    OnHost {
        host: Host::new(),
        folder: tempfile::tempdir().unwrap(),
        stands_in: None,
        kind: "host/nginx-site",
        file: "etc/nginx/sites-available/app",
        reordered: Some(value(
            json!({ "content": SITE, "enabled": true, "name": "app" }),
        )),
        mutations: vec![
            (
                "content",
                with(&declared, &["content"], SITE.replace("204", "205").into()),
            ),
            ("enabled", with(&declared, &["enabled"], Value::Bool(false))),
        ],
        declared,
        by_hand: (SITE, 0o644),
        edit: ("content", "# by hand\n"),
        edits: AtomicUsize::new(0),
    }
}

impl OnHost {
    /// Stands in a root that another process has made.
    pub(crate) fn stand_in(&mut self, root: PathBuf) {
        self.stands_in = Some(root);
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root().join(self.file)
    }

    /// The root is a folder below the temporary one, so that it can be taken away and put back.
    pub(crate) fn root(&self) -> PathBuf {
        if let Some(root) = &self.stands_in {
            return root.clone();
        }
        let root = self.folder.path().join("root");
        if !root.exists() && !self.away().exists() {
            std::fs::create_dir(&root).unwrap();
        }
        root
    }

    fn away(&self) -> PathBuf {
        self.folder.path().join("away")
    }

    fn link(&self) -> Option<PathBuf> {
        let name = self.file.strip_prefix("etc/nginx/sites-available/")?;
        Some(self.root().join("etc/nginx/sites-enabled").join(name))
    }
}

#[async_trait]
impl Subject for OnHost {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(self.host.clone())
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn connection(&self) -> (&'static str, Value) {
        ("host", value(json!({ "root": self.root() })))
    }

    fn declared(&self) -> Value {
        self.declared.clone()
    }

    fn reordered(&self) -> Option<Value> {
        self.reordered.clone()
    }

    fn mutations(&self) -> Vec<(&'static str, Value)> {
        self.mutations.clone()
    }

    async fn make_by_hand(&self) {
        let (text, mode) = self.by_hand;
        self.root();
        std::fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        std::fs::write(self.path(), text).unwrap();
        std::fs::set_permissions(self.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        if let Some(link) = self.link() {
            std::fs::create_dir_all(link.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink("../sites-available/app", link).unwrap();
        }
    }

    async fn edit_by_hand(&self) -> Edit {
        let nth = self.edits.fetch_add(1, Ordering::SeqCst);
        let (path, more) = self.edit;
        // An editor saves by renaming: what is there afterwards is another file.
        let text = std::fs::read_to_string(self.path()).unwrap();
        let saved = self.path().with_file_name("saved~");
        std::fs::write(
            &saved,
            format!("{text}{}\n", more.trim_end().to_owned() + &nth.to_string()),
        )
        .unwrap();
        let mode = std::fs::metadata(self.path()).unwrap().permissions();
        std::fs::set_permissions(&saved, mode).unwrap();
        std::fs::rename(&saved, self.path()).unwrap();
        Edit {
            path,
            who: Some("owner of the file".to_owned()),
            when: true,
        }
    }

    async fn delete_by_hand(&self) {
        std::fs::remove_file(self.path()).unwrap();
        if let Some(link) = self.link() {
            std::fs::remove_file(link).unwrap();
        }
    }

    async fn fingerprint(&self) -> String {
        let mut seen = Vec::new();
        walk(&self.root(), &mut seen);
        seen.sort();
        seen.join("\n")
    }

    async fn break_off(&self) {
        std::fs::rename(self.root(), self.away()).unwrap();
    }

    async fn mend(&self) {
        std::fs::rename(self.away(), self.folder.path().join("root")).unwrap();
    }
}

/// Notes every file below a folder, our own records apart: what it is, which one, when it changed.
fn walk(folder: &Path, seen: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let about = path.symlink_metadata().unwrap();
        if about.is_dir() && !path.ends_with(".reconciled") {
            walk(&path, seen);
        } else if !about.is_dir() {
            let (inode, time) = (about.ino(), about.ctime_nsec());
            seen.push(format!("{} {inode} {time}", path.display()));
        }
    }
}
