//! What is particular to hosts; what every kind promises is in the conformance suite.

use super::marks::{Marks, Record};
use super::path::HostPath;
use super::root::Root;
use crate::model::{Address, EnvironmentName, ResourceId};

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
        sealed: false,
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
