//! The Dockerfile's promises. There is no image registry here to build it from; what it copies and
//! what it runs as can be held without.

use super::deploy;
use std::path::Path;

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
fn what_it_copies_is_there_and_let_through() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignore = std::fs::read_to_string(root.join(".dockerignore")).unwrap();
    let instructions = instructions();
    let mut seen = 0;
    for copy in all(&instructions, "COPY")
        .into_iter()
        .filter(|copy| !copy.starts_with("--from"))
    {
        let words: Vec<&str> = copy.split_whitespace().collect();
        for source in &words[..words.len() - 1] {
            assert!(root.join(source).exists(), "{source}");
            assert!(
                ignore.lines().any(|line| line == format!("!{source}")),
                "{source}"
            );
            seen += 1;
        }
    }
    assert!(seen >= 4);
}
