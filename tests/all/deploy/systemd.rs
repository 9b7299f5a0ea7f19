//! The unit, by `systemd-analyze`. It ends with 0 though a value is wrong: what it says counts.

use super::deploy;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Copies the unit with the program of this build, changed as asked.
fn unit(old: &str, new: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(deploy("systemd/reconciled.service")).unwrap();
    let text = text.replace(
        "/usr/local/bin/reconciled",
        env!("CARGO_BIN_EXE_reconciled"),
    );
    assert!(text.contains(old), "{old:?} is not in the unit");
    let path = folder.path().join("reconciled.service");
    std::fs::write(&path, text.replace(old, new)).unwrap();
    (folder, path)
}

fn analyze(arguments: &[&str], unit: &PathBuf) -> Output {
    Command::new("systemd-analyze")
        .env("SYSTEMD_PAGER", "")
        .args(arguments)
        .arg(unit)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

#[test]
fn systemd_finds_nothing_to_say() {
    let (_folder, path) = unit("", "");
    let output = analyze(&["verify"], &path);
    assert!(output.status.success());
    assert_eq!(told(&output), "");
    let (_folder, wrong) = unit("Type=notify", "Type=notyfi");
    assert!(
        told(&analyze(&["verify"], &wrong)).contains("notyfi"),
        "the check can fail"
    );
}

#[test]
fn it_is_exposed_to_little() {
    // Source: systemd-analyze(1), "security": 0.0 is nothing, 10.0 all; the threshold counts in tenths.
    let limit = ["security", "--offline=true", "--threshold=16"];
    let (_folder, path) = unit("", "");
    let output = analyze(&limit, &path);
    assert!(output.status.success(), "{}", told(&output));
    let (_folder, open) = unit("ProtectSystem=strict\nProtectHome=true\n", "");
    assert!(
        !analyze(&limit, &open).status.success(),
        "the check can fail"
    );
}
