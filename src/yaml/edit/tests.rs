//! What is left as it was, what changes, and what is refused; and that it holds for any document.

use super::*;
use std::fmt::Write as _;

mod fields;
mod property;

fn steps(path: &str) -> Vec<Step> {
    let parts = path.split('.').filter(|part| !part.is_empty());
    let step = |part: &str| match part.parse() {
        Ok(nth) => Step::Nth(nth),
        Err(_) => Step::Key(part.to_owned()),
    };
    parts.map(step).collect()
}

fn with(text: &str, path: &str, to: Option<Value>) -> Result<String, Uneditable> {
    let is_json = text.starts_with('{');
    let file = RepoPath::new(if is_json { "a.json" } else { "a.yaml" }).unwrap();
    let text = Text {
        file: &file,
        text,
        flavour: Flavour::Strict,
    };
    let spot = Spot {
        document: 0,
        steps: steps(path),
    };
    text.with(&spot, to.as_ref())
}

/// Shows each change of one text: the lines that go and the lines that come.
fn shown(text: &str, changes: &[(&str, Value)]) -> String {
    let mut shown = String::new();
    for (path, to) in changes {
        let gone = *to == serde_json::json!("GONE");
        let to = (!gone).then(|| to.clone());
        match with(text, path, to) {
            Ok(now) => {
                writeln!(shown, "{path}").unwrap();
                let diff = similar::TextDiff::from_lines(text, &now);
                for change in diff.iter_all_changes() {
                    if change.tag() != similar::ChangeTag::Equal {
                        let line = change.value().escape_debug().to_string();
                        writeln!(shown, "  {}{line}", change.tag()).unwrap();
                    }
                }
            }
            Err(error) => writeln!(shown, "{path}\n  refused: {error}").unwrap(),
        }
    }
    shown
}

#[test]
fn quotes_and_comments_stay() {
    use serde_json::json;
    let text =
        "# top\na: 'one' # beside\nb: \"two\"   # b\nc: three\nd:   4 # d\ne: yes\nf: # nothing\n";
    insta::assert_snapshot!(shown(text, &[
        ("a", json!("it's")),
        ("a", json!(5)),
        ("b", json!("x\ny")),
        ("c", json!("true")),
        ("c", json!("plain text, here")),
        ("c", json!("a: b # c")),
        ("c", json!("1.20")),
        ("c", json!("two\nlines\n")),
        ("d", json!(true)),
        ("d", json!("4")),
        ("e", json!("no")),
        ("f", json!("now")),
        ("f", json!({"x": 1})),
        ("c", json!("\u{202e}abc")),
        ("c", json!(null)),
    ]), @r#"
    a
      -a: \'one\' # beside\n
      +a: \'it\'\'s\' # beside\n
    a
      -a: \'one\' # beside\n
      +a: 5 # beside\n
    b
      -b: \"two\"   # b\n
      +b: \"x\\ny\"   # b\n
    c
      -c: three\n
      +c: \"true\"\n
    c
      -c: three\n
      +c: plain text, here\n
    c
      -c: three\n
      +c: \"a: b # c\"\n
    c
      -c: three\n
      +c: \"1.20\"\n
    c
      -c: three\n
      +c: |\n
      +  two\n
      +  lines\n
    d
      -d:   4 # d\n
      +d:   true # d\n
    d
      -d:   4 # d\n
      +d:   \"4\" # d\n
    e
      -e: yes\n
      +e: \"no\"\n
    f
      -f: # nothing\n
      +f: now # nothing\n
    f
      +  x: 1\n
    c
      -c: three\n
      +c: \"\\u202eabc\"\n
    c
      -c: three\n
      +c: null\n
    "#);
}

#[test]
fn blocks_keep_what_is_around_them() {
    use serde_json::json;
    let text =
        "a: | # keep\n  one\n\n  two\n\n# after\nb: >-\n  folded\n  text\nc: |+\n  x\n\nd: 1\n";
    insta::assert_snapshot!(shown(text, &[
        ("a", json!("one\n\nthree\n")),
        ("a", json!("one")),
        ("a", json!("one\n")),
        ("a", json!("  led by spaces\nx\n")),
        ("a", json!(7)),
        ("b", json!("other text")),
        ("b", json!("two\nlines")),
        ("c", json!("x\ny\n\n")),
        ("a", json!({"k": "v"})),
    ]), @r#"
    a
      -  two\n
      +  three\n
    a
      -a: | # keep\n
      +a: |- # keep\n
      -\n
      -  two\n
    a
      -  two\n
      -\n
    a
      -a: | # keep\n
      -  one\n
      -\n
      -  two\n
      +a: \"  led by spaces\\nx\\n\" # keep\n
    a
      -a: | # keep\n
      -  one\n
      -\n
      -  two\n
      +a: 7 # keep\n
    b
      -  folded\n
      -  text\n
      +  other text\n
    b
      -b: >-\n
      -  folded\n
      -  text\n
      +b: |-\n
      +  two\n
      +  lines\n
    c
      +  y\n
    a
      -a: | # keep\n
      -  one\n
      -\n
      -  two\n
      +a:\n
      +  k: v\n
    "#);
}

#[test]
fn what_is_shared_is_refused() {
    use serde_json::json;
    let text = "a: &x\n  k: 1\n  l: {m: 2}\nb: *x\nc:\n  <<: *x\n  z: 1\nd: &y 5\ne: *y\nf: &z 6\n";
    insta::assert_snapshot!(shown(text, &[
        ("a.k", json!(2)),
        ("b.k", json!(2)),
        ("b", json!(2)),
        ("c.k", json!(2)),
        ("c.l.m", json!(3)),
        ("c.k", json!("GONE")),
        ("c.z", json!(2)),
        ("d", json!(2)),
        ("e", json!(2)),
        ("f", json!(2)),
    ]), @r"
    a.k
      refused: an anchor shares it with other places of the file
    b.k
      refused: an anchor shares it with other places of the file
    b
      -b: *x\n
      +b: 2\n
    c.k
      +  k: 2\n
    c.l.m
      +  l:\n
      +    m: 3\n
    c.k
      refused: an anchor shares it with other places of the file
    c.z
      -  z: 1\n
      +  z: 2\n
    d
      refused: an anchor shares it with other places of the file
    e
      -e: *y\n
      +e: 2\n
    f
      -f: &z 6\n
      +f: &z 2\n
    ");
}

#[test]
fn other_lines_ends_and_json_are_kept() {
    use serde_json::json;
    let crlf = "a: 1 # x\r\nb:\r\n  c: 2\r\n";
    let unended = "a:\n  b: 1";
    let marked = "\u{feff}a: 1\tb\n";
    let json = "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [\n      \"x\"\n    ]\n  }\n}\n";
    let documents = "# one\n---\na: 1\n--- # two\na: 2\n...\n";
    insta::assert_snapshot!([
        shown(crlf, &[("a", json!("y")), ("b.d", json!([1])), ("b.c", json!("x\ny\n"))]),
        shown(unended, &[("a.c", json!(2)), ("a.b", json!("x")), ("d", json!({"e": 1}))]),
        shown(marked, &[("a", json!("2"))]),
        shown(json, &[("b.c", json!(["x", "y"])), ("d", json!({"e": "f"})), ("a", json!("z"))]),
        shown(documents, &[("a", json!(3)), ("b", json!(3))]),
    ].concat(), @r#"
    a
      -a: 1 # x\r\n
      +a: \"y\" # x\r\n
    b.d
      +  d:\r\n
      +    - 1\r\n
    b.c
      -  c: 2\r\n
      +  c: |\r\n
      +    x\r\n
      +    y\r\n
    a.c
      -  b: 1
      +  b: 1\n
      +  c: 2
    a.b
      -  b: 1
      +  b: x
    d
      -  b: 1
      +  b: 1\n
      +d:\n
      +  e: 1
    a
      -\u{feff}a: 1\tb\n
      +\u{feff}a: \"2\"\n
    b.c
      -      \"x\"\n
      +      \"x\",\n
      +      \"y\"\n
    d
      -  }\n
      +  },\n
      +  \"d\": {\"e\": \"f\"}\n
    a
      -  \"a\": 1,\n
      +  \"a\": \"z\",\n
    a
      -a: 1\n
      +a: 3\n
    b
      +b: 3\n
    "#);
}
