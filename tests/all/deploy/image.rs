//! The Dockerfile's promises. There is no image registry here to build it from; what it copies and
//! what it runs as can be held without.

use super::deploy;
use std::path::{Path, PathBuf};

fn instructions() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(deploy("Dockerfile")).unwrap();
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let joined = text.join("\n").replace("\\\n", " ");
    let words = joined.lines().filter_map(|line| line.split_once(' '));
    words
        .map(|(verb, rest)| (verb.to_owned(), rest.trim().to_owned()))
        .collect()
}

fn all<'i>(instructions: &'i [(String, String)], verb: &str) -> Vec<&'i str> {
    let of_verb = instructions.iter().filter(|(known, _)| known == verb);
    of_verb.map(|(_, rest)| rest.as_str()).collect()
}

#[test]
fn it_runs_as_nobody_on_named_versions() {
    let instructions = instructions();
    let users = all(&instructions, "USER");
    assert_eq!(users, ["65532:65532"]);
    let from = all(&instructions, "FROM");
    assert_eq!(from.len(), 2, "built in one stage, run in another");
    for image in from {
        let (_, tag) = image
            .split_whitespace()
            .next()
            .unwrap()
            .rsplit_once(':')
            .unwrap();
        assert!(
            tag.chars().any(|c| c.is_ascii_digit()) || tag == "bookworm-slim",
            "{image}"
        );
    }
    assert!(all(&instructions, "ADD").is_empty());
    let compiler = all(&instructions, "FROM")[0].contains(env!("CARGO_PKG_RUST_VERSION"));
    assert!(compiler, "the compiler is the one that Cargo.toml names");
}

#[test]
fn all_that_it_is_built_from_is_let_through() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignore = std::fs::read_to_string(root.join(".dockerignore")).unwrap();
    let through = |name: &str| ignore.lines().any(|line| line == format!("!{name}"));
    for name in ["Cargo.toml", "Cargo.lock", "src", "benches"] {
        assert!(through(name), "{name}");
    }
    let mut embedded = Vec::new();
    sources(&root.join("src"), &mut embedded);
    assert!(!embedded.is_empty());
    for path in embedded {
        let inside = path.strip_prefix(root).unwrap();
        let top = inside.iter().next().unwrap().to_str().unwrap();
        assert!(
            through(top),
            "{} is embedded and not let through",
            path.display()
        );
    }
    assert_eq!(all(&instructions(), "COPY")[0], ". .");
}

/// Finds the files that sources embed.
fn sources(folder: &Path, embedded: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, embedded);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let named = text.split("include_str!(\"").skip(1);
            for name in named.filter_map(|rest| rest.split('"').next()) {
                embedded.push(path.parent().unwrap().join(name).canonicalize().unwrap());
            }
        }
    }
}
