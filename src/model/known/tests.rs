//! What of a secret is found in a text, and what is not.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

fn known(secrets: &[&str]) -> Known {
    let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(*text)).collect();
    Known::of(&secrets)
}

#[test]
fn a_secret_is_taken_out_of_a_text_however_it_is_written_there() {
    let known = known(&["can@ry \"7\"/value"]);
    for text in [
        "x can@ry \"7\"/value y",
        r#"x can@ry \"7\"/value y"#,
        "x Y2FuQHJ5ICI3Ii92YWx1ZQ== y",
        "x can%40ry%20%227%22%2Fvalue y",
    ] {
        assert_eq!(known.without(text, &[]), "x (sensitive) y", "{text}");
    }
    let wrapped = "x can@ry\n  \"7\"/value y".to_owned();
    assert_eq!(known.clean(wrapped), "x (sensitive) y");
}

#[test]
fn a_secret_is_found_in_what_was_encoded_with_it_wherever_it_begins() {
    let known = known(&["Zx9?>canary~-77"]);
    for (before, after) in [
        ("", ""),
        ("a", "b"),
        ("ab", ""),
        ("abc:", "de"),
        ("robot:", ""),
    ] {
        for engine in [STANDARD, URL_SAFE] {
            let whole = engine.encode(format!("{before}Zx9?>canary~-77{after}"));
            let text = format!("auth={whole};");
            let shown = known.without(&text, &[]);
            let left = shown.trim_start_matches("auth=").replace(MASK, "");
            // What its neighbours have a part in.
            let most = (before.len() + after.len()) * 4 / 3 + 5;
            assert!(
                shown.contains(MASK) && left.len() <= most,
                "{whole}: {shown}"
            );
        }
    }
}

#[test]
fn nothing_is_left_of_a_secret_that_somebody_cut_in_two() {
    let known = known(&["can@ry \"7\"/value", "Zx9-...-Secret"]);
    for (text, clean) in [
        ("at can@ry \"7… (5 more)", "at (sensitive)… (5 more)"),
        ("at can@ry \\\"7\\…\nNext.", "at (sensitive)…\nNext."),
        ("at Y2FuQHJ5I...", "at (sensitive)..."),
        ("at can%40ry%2…)", "at (sensitive)…)"),
        ("at can@ry \"7", "at (sensitive)"),
        ("at Zx9-...-Se…", "at (sensitive)…"),
        ("at can@… Zx9-…", "at (sensitive)… (sensitive)…"),
        ("at can@ry\n  \"7…", "at (sensitive)…"),
        ("at can…, can@ry", "at can…, can@ry"),
    ] {
        assert_eq!(known.clean(text.to_owned()), clean, "{text}");
    }
}

/// What [`Known::begun`] finds, one known text after the other.
fn begun_by_each(known: &Known, text: &str, shortest: usize) -> Option<usize> {
    let found = known.texts.iter().filter_map(|known| {
        let ends = known.char_indices().map(|(at, _)| at).skip(shortest);
        let ends = ends.chain([known.len()]);
        ends.filter(|end| text.ends_with(&known[..*end])).max()
    });
    found.max()
}

proptest! {
    #[test]
    fn the_longest_beginning_is_found_at_once(
        texts in proptest::collection::vec("[aé\"]{1,9}", 0..12),
        text in "[aé\"]{0,14}",
        shortest in 1..6usize,
    ) {
        let texts = texts.into_iter().map(Zeroizing::new).collect();
        let known = Known::quoted(texts);
        let each = begun_by_each(&known, &text, shortest);
        prop_assert_eq!(known.begun(&text, shortest), each);
    }

    #[test]
    fn wherever_a_text_is_cut_no_half_of_a_secret_stays(
        (secret, cut) in "[!-~]{12,40}".prop_flat_map(|secret| (4..secret.len(), Just(secret)).prop_map(|(cut, secret)| (secret, cut))),
        before in "[а-я \n]{0,20}",
        after in prop_oneof![Just(""), Just(")"), Just(" (7 more characters)"), Just("\nNext step.")],
        form in 0..3usize,
    ) {
        prop_assume!(is_telling(&secret));
        let known = known(&[&secret]);
        let whole = match form {
            0 => secret.clone(),
            1 => STANDARD.encode(&secret),
            _ => percent_encoded(&secret).to_string(),
        };
        let half = &whole[..cut];
        let clean = known.clean(format!("{before}{half}…{after}"));
        prop_assert!(clean.contains("(sensitive)…"), "{clean}");
        let left = whole[..4].to_owned();
        prop_assert!(!clean.replace(MASK, "").contains(&left), "{clean}");
    }
}

#[test]
fn what_is_met_by_accident_is_no_secret() {
    let known = known(&["true", "1234567", "production", "--------", ""]);
    let text = "true production -------- 1234567";
    assert!(matches!(known.without(text, &[]), Cow::Borrowed(_)));
}

#[test]
fn of_a_file_only_lines_that_look_like_secrets_are_known_by_themselves() {
    let known = known(&["apiVersion: v1\n-----BEGIN KEY-----\nMIGkAgEBBDCanary0\n"]);
    let text = "apiVersion: v1, -----BEGIN KEY-----, MIGkAgEBBDCanary0";
    let shown = known.without(text, &[]);
    assert_eq!(shown, "apiVersion: v1, -----BEGIN KEY-----, (sensitive)");
}

#[test]
fn what_git_says_openly_at_the_place_is_shown_and_what_else_stands_there_is_not() {
    let known = known(&["db.example.com", "canary-7-value"]);
    let live = Value::from("db.example.com canary-7-value");
    let hidden = known.hidden(&live, Some(&Value::from("at db.example.com")));
    assert_eq!(hidden, Some(Value::from("db.example.com (sensitive)")));
    assert_eq!(known.hidden(&live, Some(&live)), None);
}

#[test]
fn all_of_a_tree_is_looked_through_and_what_is_nothing_else_is_sealed() {
    let known = known(&["canary-7-value", "1234567890"]);
    let json = serde_json::json!({
        "plain": "a", "whole": "canary-7-value", "number": 1_234_567_890,
        "list": ["b", { "my-canary-7-value": true }],
    });
    let hidden = known.hidden(&Value::from_json(json), None).unwrap();
    assert!(matches!(hidden.get("whole"), Some(Value::Secret(_))));
    assert_eq!(
        hidden.masked_json(),
        serde_json::json!({
            "plain": "a", "whole": "(sensitive)", "number": "(sensitive)",
            "list": ["b", { "my-(sensitive)": true }],
        })
    );
    assert!(!format!("{known:?}").contains("canary"));
}
