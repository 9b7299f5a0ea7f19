//! Files of a host: written again they would have another inode.

use super::super::{World, environment, file};
use super::{Counterpart, Files, NAME, Object, converges};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

struct Host {
    first_name: &'static str,
    commits: Vec<Files>,
}

impl Counterpart for Host {
    fn commits(&self) -> Vec<Files> {
        self.commits.clone()
    }

    fn first_name(&self) -> &'static str {
        self.first_name
    }

    fn objects(&self, world: &World) -> BTreeMap<String, Object> {
        let mut objects = BTreeMap::new();
        gather(&world.host(), &mut objects);
        objects
    }
}

/// Every file, without the provider's own records but with anything it left behind.
fn gather(folder: &Path, objects: &mut BTreeMap<String, Object>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".reconciled") {
            continue;
        }
        if path.is_dir() {
            gather(&path, objects);
            continue;
        }
        let about = std::fs::metadata(&path).unwrap();
        let content = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let object = Object {
            state: format!("{:o} {content}", about.mode()),
            identity: about.ino().to_string(),
        };
        objects.insert(name, object);
    }
}

/// A file, and an environment file that reads one of its outputs.
fn first() -> String {
    let reads = "    vars: { kind: host/env-file, spec: { path: /etc/vars, values: { PAGE: \"${resources.page.path}\" } } }\n";
    let wide = "  reconcile: { interval: 1s, deletionBudget: { count: 9, percent: 100 } }\n";
    environment(
        NAME,
        wide,
        &format!("{}{reads}", file("page", "srv/page", "hello\n")),
    )
}

/// One file changed, one taken away, one under another id, one new.
fn second() -> String {
    let wide = "  reconcile: { interval: 1s, deletionBudget: { count: 9, percent: 100 } }\n";
    let files = [
        file("page", "srv/page", "welcome\n"),
        file("new", "new", "new\n"),
        file("renamed", "kept", "kept\n"),
    ];
    environment(NAME, wide, &files.concat())
}

#[test]
fn killed_at_any_point_of_a_first_apply_it_goes_on_from_there() {
    converges(|_| Host {
        first_name: NAME,
        commits: vec![vec![("shop.yaml", first())]],
    });
}

#[test]
fn killed_at_any_point_of_a_change_it_goes_on_from_there() {
    let before = format!("{}{}", first(), file("old-name", "kept", "kept\n"));
    converges(|_| Host {
        first_name: NAME,
        commits: vec![
            vec![("shop.yaml", before.clone())],
            vec![("shop.yaml", second())],
        ],
    });
}

#[test]
fn killed_at_any_point_of_a_new_name_it_keeps_what_was_there() {
    let named = |name| environment(name, "", &file("page", "srv/page", "hello\n"));
    converges(|_| Host {
        first_name: "store",
        commits: vec![
            vec![("store.yaml", named("store"))],
            vec![("store.yaml", String::new()), ("shop.yaml", named(NAME))],
        ],
    });
}
