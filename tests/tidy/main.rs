//! Holds the layout rules of the house: who imports whom, which rooms stay pure, how files are named, headed and sized.
//!
//! It reads files and nothing else: no extra crates, no network, no build. Each test names every file that breaks its rule.

#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read fails the test"
)]

mod names;
mod tree;

use std::env;
use std::fs;
use std::path::Path;

use names::{crate_imports, names};
use tree::{all_sources, files, inside, root, sources};

/// The rooms in flow order: a room imports itself and rooms before it. `net` uses the clock, so `telemetry` comes first.
const ROOMS: [&str; 15] = [
    "model",
    "yaml",
    "telemetry",
    "net",
    "config",
    "source",
    "spec",
    "graph",
    "provider",
    "plan",
    "deliver",
    "ledger",
    "engine",
    "web",
    "cli",
];

/// Imports that the order allows and the design still refuses.
const REFUSED: [(&str, &str); 3] = [
    ("plan", "provider"),
    ("provider", "spec"),
    ("provider", "graph"),
];

/// Plain data that a pure part takes from one that is not: the secrets that were fetched for it, and
/// the form of a message.
const HANDED_OVER: [(&str, &str); 2] = [("graph", "source"), ("deliver/render", "deliver/notify")];

/// Rooms and parts of rooms that only compute. A name stands for the file and for the folder.
const PURE: [&str; 9] = [
    "model",
    "yaml",
    "spec",
    "graph",
    "plan",
    "deliver/order",
    "deliver/route",
    "deliver/render",
    "engine/schedule",
];

/// What touches the world or the clock, and so may not be named in a pure room outside its tests.
const IMPURE: [&str; 10] = [
    "tokio",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "reqwest",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

const VAGUE_NAMES: [&str; 8] = [
    "util", "utils", "helpers", "common", "misc", "imp", "manager", "base",
];

/// What may stand at the top of the repository, dot-files apart.
const TOP_LEVEL: [&str; 13] = [
    "Cargo.lock",
    "Cargo.toml",
    "DEVELOPERS.md",
    "LICENSE",
    "PEERS.md",
    "README.md",
    "benches",
    "deploy",
    "examples",
    "schemas",
    "src",
    "target",
    "tests",
];

/// What only holds in one network. Written apart, so that this file does not find itself.
const REGISTRIES: [&str; 7] = [
    concat!("registry.", "npmjs"),
    concat!("files.python", "hosted"),
    concat!("proxy.", "golang"),
    concat!("sum.", "golang"),
    concat!("static.", "crates"),
    concat!("index.", "crates"),
    concat!("deb.", "debian"),
];

const MAX_LINES: usize = 400;

const MAX_FUNCTION: usize = 60;

/// Whether a file or a name behind `crate`, written with slashes, is in a pure room or part.
fn is_pure(path: &str) -> bool {
    let ends = |letter: char| !letter.is_alphanumeric() && letter != '_';
    PURE.iter().any(|pure| {
        path.strip_prefix(pure)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(ends))
    })
}

fn assert_none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn every_file_says_its_job() {
    let broken: Vec<String> = all_sources()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path)
        .collect();
    assert_none("each file opens with `//! ` and its job", &broken);
}

#[test]
fn no_file_is_long() {
    let broken: Vec<String> = all_sources()
        .iter()
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert_none("a file has at most 400 lines: split it by noun", &broken);
}

/// Counts from `fn` to the brace below it that stands as far in, which is where rustfmt closes a function.
#[test]
fn no_function_is_too_long() {
    let mut broken = Vec::new();
    for source in all_sources() {
        let lines: Vec<(usize, &str)> = source.production().collect();
        for (begin, (number, line)) in lines.iter().enumerate() {
            if !line.split_whitespace().any(|word| word == "fn") {
                continue;
            }
            let indent = &line[..line.len() - line.trim_start().len()];
            let close = format!("{indent}}}");
            let end = lines[begin..].iter().position(|(_, line)| *line == close);
            let length = end.map_or(0, |end| end + 1);
            if length > MAX_FUNCTION && !line.ends_with([';', '}']) {
                broken.push(format!("{}:{number}: {length} lines", source.path));
            }
        }
    }
    assert_none("a function has at most 60 lines", &broken);
}

#[test]
fn no_file_has_a_vague_name() {
    let broken: Vec<String> = all_sources()
        .into_iter()
        .filter(|source| {
            source
                .path
                .trim_end_matches(".rs")
                .split('/')
                .any(|part| VAGUE_NAMES.contains(&part))
        })
        .map(|source| source.path)
        .collect();
    assert_none("files and folders are named for what they hold", &broken);
}

#[test]
fn rooms_import_only_rooms_before_them() {
    let position = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut broken = Vec::new();
    for source in sources(&["src"]) {
        let Some(room) = source.room() else { continue };
        let Some(own) = position(room) else {
            broken.push(format!("{}: `{room}` is no room of the house", source.path));
            continue;
        };
        let lines: Vec<_> = source.code().collect();
        for (line, import) in crate_imports(&lines) {
            let target = import.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let Some(target) = target.into_iter().next().and_then(position) else {
                continue;
            };
            let refused = REFUSED
                .iter()
                .any(|(from, to)| *from == room && import.starts_with(to));
            if target > own || refused {
                broken.push(format!(
                    "{}:{line}: {room} imports {}",
                    source.path, ROOMS[target]
                ));
            }
        }
    }
    assert_none("a room imports only rooms before it", &broken);
}

#[test]
fn pure_parts_import_only_pure_ones() {
    let mut broken = Vec::new();
    for source in sources(&["src"]) {
        let Some(own) = source.in_src().filter(|own| is_pure(own)) else {
            continue;
        };
        let lines: Vec<_> = source.production().collect();
        for (line, import) in crate_imports(&lines) {
            let import = import.replace("::", "/");
            let handed =
                |(to, from): &(&str, &str)| own.starts_with(to) && import.starts_with(from);
            if !is_pure(&import) && !HANDED_OVER.iter().any(handed) {
                let end = import.find([';', '{', ',']).unwrap_or(import.len());
                let imported = &import[..end];
                broken.push(format!("{}:{line}: imports {imported}", source.path));
            }
        }
    }
    assert_none("what is pure imports only what is", &broken);
}

#[test]
fn providers_do_not_know_each_other() {
    let mut broken = Vec::new();
    for source in sources(&["src/provider"]) {
        let Some((own, _)) = source.path["src/provider/".len()..].split_once('/') else {
            continue;
        };
        let lines: Vec<_> = source.code().collect();
        for (line, import) in crate_imports(&lines) {
            let Some(part) = import.strip_prefix("provider::") else {
                continue;
            };
            let part = part.split("::").next().unwrap_or_default();
            if part != own && root().join("src/provider").join(part).is_dir() {
                broken.push(format!("{}:{line}: {own} imports {part}", source.path));
            }
        }
    }
    assert_none("a provider never imports another", &broken);
}

#[test]
fn pure_rooms_touch_nothing_outside() {
    let mut broken = Vec::new();
    for source in sources(&["src"]) {
        if !source.in_src().is_some_and(is_pure) {
            continue;
        }
        for (line, code) in source.production() {
            for word in IMPURE.iter().filter(|word| names(code, word)) {
                broken.push(format!("{}:{line}: names {word}", source.path));
            }
        }
    }
    assert_none("a pure room gets the outside as values", &broken);
}

#[test]
fn every_module_is_declared() {
    let all = all_sources();
    let mut broken = Vec::new();
    for source in &all {
        let path = Path::new(&source.path);
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let folder = path.parent().unwrap().to_str().unwrap();
        // A target of its own (a bench, a fuzz target) is declared by Cargo.
        if matches!(stem, "main" | "lib") || matches!(folder, "tests" | "benches" | "tests/fuzz") {
            continue;
        }
        let (folder, stem) = if stem == "mod" {
            folder.rsplit_once('/').unwrap()
        } else {
            (folder, stem)
        };
        let parents = ["lib.rs", "main.rs", "mod.rs"].map(|name| format!("{folder}/{name}"));
        let declared = all
            .iter()
            .filter(|parent| {
                parents.contains(&parent.path) || parent.path == format!("{folder}.rs")
            })
            .any(|parent| {
                parent
                    .code()
                    .any(|(_, line)| line.trim().ends_with(&format!("mod {stem};")))
            });
        if !declared {
            broken.push(source.path.clone());
        }
    }
    assert_none("a file that no `mod` names is never compiled", &broken);
}

/// How far above a pause its deadline, or the test's paused clock, may stand.
const LOOP_LINES: usize = 25;

#[test]
fn tests_neither_sleep_nor_are_skipped() {
    // Written apart, so that this file does not find itself.
    let (skip, sleep) = (concat!("#[", "ignore"), concat!("sleep", "("));
    let mut broken = Vec::new();
    for source in all_sources() {
        let lines: Vec<_> = source.code().collect();
        for (number, code) in lines.iter().skip(source.first_test() - 1) {
            if code.contains(skip) {
                broken.push(format!("{}:{number}: skips a test", source.path));
            }
            // Neither the pause between two looks at a condition nor one on a paused clock waits blindly.
            let above = &lines[number.saturating_sub(LOOP_LINES)..*number];
            let excused = |line: &str| line.contains("deadline") || line.contains("start_paused");
            if code.contains(sleep) && !above.iter().any(|(_, line)| excused(line)) {
                broken.push(format!("{}:{number}: waits blindly", source.path));
            }
        }
    }
    assert_none("wait for a condition with a deadline", &broken);
}

#[test]
fn nothing_names_this_machine_or_a_registry() {
    let mut broken = Vec::new();
    let mut machine: Vec<String> = REGISTRIES.map(str::to_owned).to_vec();
    machine.extend(
        [
            concat!("/ro", "ot/"),
            concat!("/wor", "k/"),
            concat!("/works", "pace/"),
        ]
        .map(str::to_owned),
    );
    machine.push(format!("{}/", root().display()));
    machine.extend(env::var("HOME").map(|home| format!("{}/", home.trim_end_matches('/'))));
    machine.retain(|place| place.len() > 1);
    for path in files(&[""]) {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if path.ends_with(".git") {
            continue;
        }
        let named = machine.iter().filter(|place| text.contains(*place));
        broken.extend(named.map(|place| format!("{}: {place}", inside(&path))));
        // What the product leaves in the temporary folder says whose it is.
        let temporary = text.split(concat!("/tm", "p/")).skip(1);
        let stray = temporary.filter(|rest| !rest.starts_with("reconciled-"));
        broken.extend(stray.map(|_| format!("{}: a temporary path", inside(&path))));
    }
    assert_none("the repository works anywhere", &broken);
}

#[test]
fn the_top_level_holds_only_what_the_design_lists() {
    let broken: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()))
        .collect();
    assert_none("the top level is fixed", &broken);
}
