//! Any document, any edits: read again it says what was meant, and no other part of it moved.

use super::super::*;
use proptest::prop_assert_eq;

/// A document with comments and every style, its lines as they come.
fn document() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let scalar = prop_oneof![
        "[a-z]{1,6}",
        "'[a-z #:]{0,6}'",
        "\"[a-z #:]{0,6}\"",
        "[1-9][0-9]{0,3}",
        Just("true".to_owned()),
        Just(String::new()),
        Just("[a, 'b', 3]".to_owned()),
        Just("{ a: 1, b: [] }".to_owned()),
    ];
    let beside = prop_oneof![Just(""), Just("   # beside"), Just(" # \t tab"), Just("  ")];
    let leaf = (scalar, beside).prop_map(|(scalar, beside)| format!(" {scalar}{beside}\n"));
    let block = prop_oneof![Just("|"), Just(">-"), Just("|+ # c"), Just("|-")];
    let lines = proptest::collection::vec("[a-z]{1,4}( [a-z#:]{1,3})?", 1..4);
    let block = (block, lines).prop_map(|(header, lines)| {
        let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
        format!(" {header}\n{lines}")
    });
    let above = prop_oneof![Just(""), Just("# above\n"), Just("\n"), Just("\n  # far\n")];
    let shifted = |text: &str, by: &str| -> String {
        let line = |line: &str| match line.trim().is_empty() {
            true => line.to_owned(),
            false => format!("{by}{line}"),
        };
        text.split_inclusive('\n').map(line).collect()
    };
    let value = prop_oneof![4 => leaf, 1 => block].prop_recursive(4, 24, 4, move |inner| {
        let entries = proptest::collection::vec((above.clone(), inner.clone()), 1..4);
        let items = proptest::collection::vec((above.clone(), inner), 1..4);
        let map = (entries, prop_oneof![Just("  "), Just("    ")]);
        let map = map.prop_map(move |(entries, by)| {
            let mut text = String::from("\n");
            for (nth, (above, value)) in entries.iter().enumerate() {
                text += &shifted(&format!("{above}k{nth}:{value}"), by);
            }
            text
        });
        let list = (items, prop_oneof![Just(""), Just("  ")]);
        let list = list.prop_map(move |(items, by)| {
            let mut text = String::from("\n");
            for (above, value) in &items {
                let value = value.strip_prefix('\n').map_or_else(
                    || format!("-{}", value.replace("\n  ", "\n    ")),
                    |lines| format!("- own:\n{}", shifted(lines, "      ")),
                );
                text += &shifted(&format!("{above}{value}"), by);
            }
            text
        });
        prop_oneof![map, list]
    });
    (
        proptest::collection::vec(value, 1..4),
        any::<(bool, bool)>(),
    )
        .prop_map(|(values, (crlf, unended))| {
            let values = values.iter().enumerate();
            let mut text: String = values
                .map(|(nth, value)| format!("t{nth}:{value}"))
                .collect();
            if unended {
                text.truncate(text.trim_end().len());
            }
            if crlf {
                text.replace('\n', "\r\n")
            } else {
                text
            }
        })
}

fn paths(value: &Value, at: &[Step], all: &mut Vec<Vec<Step>>) {
    let mut inside = |step: Step, value: &Value| {
        let mut at = at.to_vec();
        at.push(step);
        all.push(at.clone());
        paths(value, &at, all);
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| inside(Step::Key(key.clone()), value)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(nth, value)| inside(Step::Nth(nth), value)),
        _ => {}
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 300, ..Default::default() })]

    #[test]
    fn any_edit_says_what_was_meant_and_touches_nothing_else(
        text in document(),
        edits in proptest::collection::vec((0_usize..1000, 0_usize..14), 1..4),
    ) {
        use serde_json::json;
        let file = RepoPath::new("a.yaml").unwrap();
        let of = |text: &str| {
            let parsed = parse(&file, text.as_bytes(), Flavour::Strict, &Limits::default());
            assert!(parsed.broken.is_none() && parsed.documents.len() == 1, "{text}");
            parsed.documents[0].root.to_json()
        };
        let mut text = text;
        for (nth, what) in edits {
            let was = of(&text);
            let mut all = Vec::new();
            paths(&was, &[], &mut all);
            if all.is_empty() {
                break;
            }
            let mut steps = all[nth % all.len()].clone();
            let to = [
                Some(json!("word")), Some(json!("two words: # x")), Some(json!("a\nb\n")),
                Some(json!(" a\n\n")), Some(json!(12)), Some(json!("12")), Some(json!(true)),
                Some(json!({ "x": { "y": [1, { "z": "w\nv" }] } })), Some(json!([[1], {}, "s"])),
                None, None, Some(json!("added")), Some(json!({})), Some(json!("\r\u{1}\u{2028}'\"")),
            ][what].clone();
            if what == 11 {
                let last = steps.len() - 1;
                steps[last] = Step::Key("added".to_owned());
            }
            // Without its only key a document is none.
            if to.is_none() && steps.len() == 1 && was.as_object().is_some_and(|all| all.len() == 1) {
                continue;
            }
            let mut meant = was.clone();
            if walk::put(&mut meant, &steps, to.as_ref()).is_err() {
                continue;
            }
            let spot = Spot { document: 0, steps: steps.clone() };
            let edit = Text { file: &file, text: &text, flavour: Flavour::Strict };
            let now = edit.with(&spot, to.as_ref());
            // Refused is as good: then nothing is written.
            let Ok(now) = now else {
                prop_assert_eq!(now, Err(Uneditable::Form));
                continue;
            };
            prop_assert_eq!(&of(&now), &meant);
            // Comments above, and every line of what is not on the way to the value, stand as they stood.
            let touched = format!("{:?}", steps[0]);
            let parts = |text: &str| -> Vec<String> {
                let mut parts: Vec<String> = vec![String::new()];
                for line in text.split_inclusive('\n') {
                    if line.starts_with('t') || line.starts_with("added") {
                        parts.push(String::new());
                    }
                    let last = parts.len() - 1;
                    parts[last].push_str(line.trim_end_matches(['\r', '\n']));
                    parts[last].push('\n');
                }
                let is_touched = |part: &String| touched.contains(&format!("{:?}", part.split(':').next().unwrap()));
                parts.into_iter().filter(|part| !is_touched(part) && !part.starts_with("added")).collect()
            };
            // What stood above something that went stays, and stands by what is next to it then.
            let is_gone = to.is_none() && steps.len() == 1;
            let told = |text: &str| -> String {
                let parts = parts(text).concat();
                let lines = parts.lines().filter(|line| {
                    let line = line.trim_start();
                    !is_gone || !(line.is_empty() || line.starts_with('#'))
                });
                lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
            };
            prop_assert_eq!(told(&now), told(&text));
            text = now;
        }
    }
}
