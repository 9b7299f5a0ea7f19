//! The pre-commit hook, run by pre-commit itself out of a repository of hooks that is ours.

use crate::peers::git::git;
use crate::peers::process::installed;
use std::path::Path;
use std::process::{Command, Output};

const SHOP: &str = "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: shop }
spec:
  connections: { here: { provider: host } }
  resources:
    page: { kind: host/file, spec: { path: /page, content: hello } }
";

/// Makes a repository with these files of ours, or this text, and gives its commit.
fn commit(folder: &Path) -> String {
    git(folder, &["init", "--quiet", "-b", "main", "."]);
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "--quiet", "-m", "first"]);
    git(folder, &["rev-parse", "HEAD"])
}

fn run(user: &Path, home: &Path, path: &str) -> Output {
    Command::new(installed("ci").join("bin/pre-commit"))
        .args(["run", "--all-files", "--verbose", "--color", "never"])
        .current_dir(user)
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("PRE_COMMIT_HOME", home.join("pre-commit"))
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "protocol.file.allow")
        .env("GIT_CONFIG_VALUE_0", "always")
        .output()
        .unwrap()
}

#[test]
fn pre_commit_checks_the_environments() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (hooks, user) = (at("hooks"), at("user"));
    for path in [hooks.join("deploy/pre-commit"), user.clone(), at("bin")] {
        std::fs::create_dir_all(path).unwrap();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in [".pre-commit-hooks.yaml", "deploy/pre-commit/validate"] {
        std::fs::copy(root.join(file), hooks.join(file)).unwrap();
    }
    let rev = commit(&hooks);
    let config = format!(
        "repos:\n- repo: {}\n  rev: {rev}\n  hooks:\n  - id: reconciled-validate\n",
        hooks.display()
    );
    std::fs::write(user.join(".pre-commit-config.yaml"), config).unwrap();
    std::fs::write(user.join("shop.yaml"), SHOP).unwrap();
    commit(&user);
    let told = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let system = std::env::var("PATH").unwrap();
    let without = run(&user, folder.path(), &system);
    assert!(!without.status.success());
    assert!(told(&without).contains("is not on the PATH"), "{without:?}");

    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_reconciled"), at("bin/reconciled")).unwrap();
    let path = format!("{}:{system}", at("bin").display());
    let good = run(&user, folder.path(), &path);
    assert!(good.status.success(), "{good:?}");
    assert!(told(&good).contains("shop: fine"), "{good:?}");

    std::fs::write(
        user.join("shop.yaml"),
        SHOP.replace("kind: host/file", "kind: host/fil"),
    )
    .unwrap();
    let bad = run(&user, folder.path(), &path);
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    assert!(told(&bad).contains("shop.yaml:7"), "{bad:?}");
}
