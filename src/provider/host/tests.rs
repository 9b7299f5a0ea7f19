//! What is particular to hosts; what every kind promises is in the conformance suite.

use super::marks::{Marks, Record};
use super::path::HostPath;
use super::root::Root;
use crate::model::{Address, EnvironmentName, ResourceId, Value};
use serde_json::{Value as Json, json};

/// A run once made several files at its very first start, and the key of the records was written by
/// all of them at once.
#[test]
fn records_made_side_by_side_at_a_first_start_all_stand() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..8).map(|nth| format!("file-{nth}")).collect();
    let record = |name: &str| Record {
        address: Address::new(
            EnvironmentName::new("test").unwrap(),
            ResourceId::new(name).unwrap(),
        ),
        object: format!("/{name}"),
        kind: None,
        written: None,
        mode: None,
        sealed: false,
        open: std::collections::BTreeSet::new(),
        pending: None,
    };
    let all_open = std::sync::Barrier::new(names.len());
    std::thread::scope(|threads| {
        for name in &names {
            let (folder, record, all_open) = (&folder, &record, &all_open);
            threads.spawn(move || {
                let root = Root::open(folder.path()).unwrap();
                let marks = Marks::open(&root).unwrap();
                all_open.wait();
                let path = HostPath::parse(&format!("/{name}")).unwrap();
                marks.write(&path, &record(name)).unwrap();
            });
        }
    });
    let root = Root::open(folder.path()).unwrap();
    let marks = Marks::open(&root).unwrap();
    for name in &names {
        let path = HostPath::parse(&format!("/{name}")).unwrap();
        assert_eq!(
            marks.read(&path).unwrap().map(|kept| kept.object),
            Some(format!("/{name}"))
        );
    }
}

/// What a schema refuses is found before anything is live; what it lets through, the host must not refuse.
#[test]
fn schemas_say_what_the_host_says() {
    let row = |name: &str| {
        let rows = super::rows();
        rows.into_iter()
            .find(|row| row.name.as_str() == name)
            .unwrap()
    };
    let file = row("host/file");
    let schema = file.schema.as_ref().unwrap();
    let field =
        |field: &str, value: Json| jsonschema::is_valid(&schema["properties"][field], &value);
    for path in [
        "/a",
        "//etc//motd",
        "/a..b",
        "/.a",
        "/..a/b",
        "/...",
        "etc/motd",
        "/",
        "/etc/",
        "/etc/../x",
        "/./x",
        "/x/..",
        "/a\0b",
        "",
        "/a\nb",
        "/a\u{85}",
        "..",
    ] {
        let fine = HostPath::parse(path).is_ok();
        assert_eq!(field("path", json!(path)), fine, "{path:?}");
    }
    for mode in ["0644", "644", "7777", "64", "0999", "00644", "", "u+x"] {
        let fine = super::wished::mode_of(mode).is_some();
        assert_eq!(field("mode", json!(mode)), fine, "{mode:?}");
    }
    let connection = file.connection.unwrap();
    for settings in [
        json!({}),
        json!({ "root": "/srv" }),
        json!({ "root": "srv" }),
        json!({ "root": 5 }),
        json!({ "rot": "/" }),
    ] {
        let fine = super::root_of(&Value::from_json(settings.clone())).is_ok();
        assert_eq!(
            jsonschema::is_valid(&connection, &settings),
            fine,
            "{settings}"
        );
    }
}
