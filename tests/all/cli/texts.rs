//! What the program prints about itself: help, schemas, completions.

use super::Place;
use serde_json::Value;
use std::path::Path;

const COMMANDS: [&str; 15] = [
    "init",
    "import",
    "validate",
    "plan",
    "apply",
    "run",
    "status",
    "pause",
    "resume",
    "rollback",
    "history",
    "schema",
    "explain",
    "demo",
    "completions",
];

#[test]
fn every_command_is_listed_and_helps_with_an_example() {
    let place = Place::new();
    let help = place.run(&["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    let listed: Vec<&str> = help
        .stdout
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .map_while(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert_eq!(listed, COMMANDS);
    for command in COMMANDS {
        let said = place.run(&[command, "--help"]);
        assert_eq!(
            (said.code, said.stderr.as_str()),
            (Some(0), ""),
            "{command}"
        );
        let (_, examples) = said
            .stdout
            .split_once("Examples:\n")
            .unwrap_or_else(|| panic!("{}", said.stdout));
        assert!(
            examples.contains(&format!("  reconciled {command}")),
            "{examples}"
        );
    }
}

#[test]
fn a_wrong_command_line_is_a_failure_and_never_a_difference() {
    let place = Place::new();
    for wrong in [
        &["pln"][..],
        &["plan", "--outptu", "json"],
        &["history"],
        &["completions", "sh"],
        &[],
    ] {
        place.run(wrong).assert_only_talk(1);
    }
    let said = place.run(&["--version"]);
    assert_eq!(said.code, Some(0));
    assert_eq!(
        said.stdout,
        format!("reconciled {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn schemas_are_those_of_the_repository() {
    let place = Place::new();
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for (what, file) in [
        ("environment", "environment.schema.json"),
        ("settings", "reconciled.schema.json"),
        ("catalogue", "catalogue.schema.json"),
        ("approval", "approval.schema.json"),
        ("event", "event.schema.json"),
    ] {
        let said = place.run(&["schema", what]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        let kept: Value =
            serde_json::from_str(&std::fs::read_to_string(schemas.join(file)).unwrap()).unwrap();
        assert_eq!(said.json(), kept, "{what}");
    }
    assert_eq!(
        place.run(&["schema"]).stdout,
        place.run(&["schema", "environment"]).stdout
    );
}

#[test]
fn shells_get_completions_that_know_every_command() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let said = place.run(&["completions", shell]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{shell}");
        for command in COMMANDS {
            assert!(said.stdout.contains(command), "{command} for {shell}");
        }
    }
    // A shell reads it without a word.
    place.write("completions", &place.run(&["completions", "bash"]).stdout);
    let output = std::process::Command::new("bash")
        .arg("-n")
        .arg(place.path().join("completions"))
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
}
