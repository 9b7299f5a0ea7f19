//! Fields and items that come and go.

use super::{shown, with};
use serde_json::json;

/// Maps and lists of lines, and in brackets.
const FIELDS: &str = "m:\n    # about x\n    x: 1\n    y:\n      - 1\n      # about two\n      - 2 # two\n      - 3\n    # the end\n\nn: {a: 1, b: [x, y]} # n\no: {}\np:\n- name: one\n  v: 1\n- name: two\n  v: 2\nq:\n  only: 1\n";

#[test]
fn fields_come_and_go() {
    insta::assert_snapshot!(shown(FIELDS, &[
        ("m.z", json!("new")),
        ("m.z", json!({"a": {"b": [1, {"c": 2, "d": []}]}})),
        ("m.x", json!("GONE")),
        ("m.y", json!("GONE")),
        ("m.y", json!([1, 3])),
        ("m.y", json!([2, 3, 4])),
        ("m.y", json!([0, 1, 2, 3])),
        ("m.y", json!([])),
        ("m.y", json!("one")),
        ("r.s.t", json!(1)),
    ]), @r#"
    m.z
      +    z: new\n
    m.z
      +    z:\n
      +        a:\n
      +            b:\n
      +              - 1\n
      +              - c: 2\n
      +                d: []\n
    m.x
      -    x: 1\n
    m.y
      -    y:\n
      -      - 1\n
      -      # about two\n
      -      - 2 # two\n
      -      - 3\n
    m.y
      -      - 2 # two\n
    m.y
      -      - 1\n
      +      - 4\n
    m.y
      +      - 0\n
    m.y
      -    y:\n
      -      - 1\n
      -      # about two\n
      -      - 2 # two\n
      -      - 3\n
      +    y: []\n
    m.y
      -    y:\n
      -      - 1\n
      -      # about two\n
      -      - 2 # two\n
      -      - 3\n
      +    y: one\n
    r.s.t
      +r:\n
      +    s:\n
      +        t: 1\n
    "#);
}

#[test]
fn so_do_items_and_what_stands_in_brackets() {
    insta::assert_snapshot!(shown(FIELDS, &[
        ("n.c", json!("d, e")),
        ("n.a", json!("GONE")),
        ("n.b", json!("GONE")),
        ("n.b", json!(["y", "z"])),
        ("o.k", json!(1)),
        ("p.1.v", json!(3)),
        ("p.0.name", json!("GONE")),
        ("p.1", json!("GONE")),
        ("p.2", json!({"name": "three", "v": [1]})),
        ("q.only", json!("GONE")),
        ("q", json!(1)),
    ]), @r#"
    n.c
      -n: {a: 1, b: [x, y]} # n\n
      +n: {a: 1, b: [x, y], c: \"d, e\"} # n\n
    n.a
      -n: {a: 1, b: [x, y]} # n\n
      +n: {b: [x, y]} # n\n
    n.b
      -n: {a: 1, b: [x, y]} # n\n
      +n: {a: 1} # n\n
    n.b
      -n: {a: 1, b: [x, y]} # n\n
      +n: {a: 1, b: [y, z]} # n\n
    o.k
      -o: {}\n
      +o: { k: 1 }\n
    p.1.v
      -  v: 2\n
      +  v: 3\n
    p.0.name
      -- name: one\n
      -  v: 1\n
      +- v: 1\n
    p.1
      -- name: two\n
      -  v: 2\n
    p.2
      +- name: three\n
      +  v:\n
      +    - 1\n
    q.only
      -q:\n
      -  only: 1\n
      +q: {}\n
    q
      -q:\n
      -  only: 1\n
      +q: 1\n
    "#);
}

#[test]
fn what_is_added_parts_no_comment_from_what_it_is_about() {
    let added = |text: &str| with(text, "added", Some(json!("x")));
    for (text, now) in [
        (
            "a: 1\nlist:\n- b\n\n  # of the list\n",
            "a: 1\nlist:\n- b\n\n  # of the list\nadded: x\n",
        ),
        (
            "a:\r\n  b: 1\r\n    # of b",
            "a:\r\n  b: 1\r\n    # of b\r\nadded: x",
        ),
        (
            "a: 1\n\n# of the file\n",
            "a: 1\nadded: x\n\n# of the file\n",
        ),
        ("a: 1\n\n\n", "a: 1\nadded: x\n\n\n"),
    ] {
        assert_eq!(added(text).as_deref(), Ok(now));
    }
}
