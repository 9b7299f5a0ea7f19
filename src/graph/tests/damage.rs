//! Environments damaged at random: whatever is left of them is read to its end, with places that
//! exist and without the secret.

use super::*;
use proptest::prelude::*;

/// What people and editors leave behind.
const PIECES: [&str; 34] = [
    "\t",
    "\n",
    "  ",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "${",
    "}",
    "$${",
    "&a ",
    "*a",
    "<<: ",
    "!x ",
    "|\n",
    ">-\n",
    "---\n",
    "...\n",
    "#",
    "~",
    "010",
    "yes",
    "1e999",
    "\u{feff}",
    "\u{0}",
    "ä",
    "vars.region",
    "resources.db.",
    "${secrets.t}",
];

fn whole() -> String {
    environment(&format!("{HEAD}{HYBRID}"))
        + "    api: { kind: kubernetes/manifests, spec: { path: k8s, namespace: shop } }\n  reconcile:\n    windows: [{ cron: \"0 9 * * 1-5\", for: 8h }]\n"
}

fn damaged(text: &str, damage: &[(usize, usize, usize)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (at, cut, piece) in damage {
        let at = at % (chars.len() + 1);
        let end = (at + cut % 12).min(chars.len());
        chars.splice(at..end, PIECES[piece % PIECES.len()].chars());
    }
    chars.into_iter().collect()
}

proptest! {
    #[test]
    fn damage_is_told_and_never_a_panic(
        damage in proptest::collection::vec((0..4000_usize, 0..12_usize, 0..PIECES.len()), 1..5),
        in_folder in proptest::collection::vec((0..4000_usize, 0..12_usize, 0..PIECES.len()), 0..3),
    ) {
        let text = damaged(&whole(), &damage);
        let object = damaged(folders::API, &in_folder);
        let (kinds, snapshot) = (kinds(), snapshot(&[("e.yaml", &text), ("k8s/a.yaml", &object)]));
        let options = ReadOptions { folder: None, only: None, kinds: &kinds };
        let reading = read(&snapshot, &options);
        let mut told = reading.all_diagnostics();
        for found in reading.environments {
            let Ok(environment) = found.environment else { continue };
            match build(&environment, (&secrets(), &Rendered::default()), &kinds, &snapshot) {
                Ok(graph) => {
                    for wave in graph.waves() {
                        let wanted = graph.resolve(wave, &known());
                        let shown = format!("{wanted:?}");
                        prop_assert!(!shown.contains("postgres://canary"));
                    }
                }
                Err(wrong) => told.extend(wrong),
            }
        }
        for diagnostic in told {
            let at = &diagnostic.location;
            let of_file = if at.file.as_str() == "e.yaml" { &text } else { &object };
            prop_assert!(at.line <= of_file.lines().count() + 1 && at.column >= 1, "{diagnostic:?}");
        }
    }
}
