//! Scalars, slips of syntax and limits, as a reader of the diagnostics meets them.

use super::*;
use crate::yaml::node::Content;
use std::fmt::Write as _;

/// Reads a text and gives its JSON documents and its diagnostics, one a line.
fn read(text: &str, flavour: Flavour) -> String {
    let file = RepoPath::new("a.yaml").unwrap();
    let parsed = parse(&file, text.as_bytes(), flavour, &Limits::default());
    let mut shown = String::new();
    for document in &parsed.documents {
        writeln!(shown, "{}", document.root.to_json()).unwrap();
    }
    for d in parsed.diagnostics() {
        let at = &d.location;
        write!(
            shown,
            "{}:{}+{} {}: {}",
            at.line, at.column, at.length, d.code, d.message
        )
        .unwrap();
        if let Some((place, label)) = &d.related {
            write!(shown, " ({label} {}:{})", place.line, place.column).unwrap();
        }
        writeln!(shown, " | {}", d.hint.as_deref().unwrap_or("-")).unwrap();
    }
    shown
}

#[test]
fn scalars_of_specs_are_yaml_1_2() {
    insta::assert_snapshot!(read("[yes, on, ~, true, '010', 0x1F, 0o17, 1.50, -3, +4, 1e3, v1.2, 2026-01-01, 1_000, .5]", Flavour::Strict), @r#"["yes","on",null,true,"010",31,15,1.5,-3,4,1000.0,"v1.2","2026-01-01","1_000",0.5]"#);
}

#[test]
fn scalars_of_manifests_are_what_kubectl_reads() {
    insta::assert_snapshot!(read("[yes, on, off, n, 0644, 0x1F, 1_000, 08, 12:30:45, 'yes', 1.10]", Flavour::Kubernetes), @r#"[true,true,false,false,420,31,1000,8,"12:30:45","yes",1.1]"#);
}

#[test]
fn what_readers_disagree_about_is_an_error() {
    insta::assert_snapshot!(read("a: 010\nb: .inf\nc: 99999999999999999999\nd: !Ref x\n", Flavour::Strict), @r#"
    {"a":"010","b":".inf","c":"99999999999999999999","d":"x"}
    1:4+3 octal-number: 010 is read as octal by some and as decimal by others | Write 0o10, 10, or quote it where a text is meant: "010".
    2:4+4 non-finite-number: .inf is no finite number | Write a number, or quote it where a text is meant: ".inf".
    3:4+20 number-too-large: 99999999999999999999 does not fit in 64 bits | Quote it where a text is meant.
    4:9+1 unknown-tag: the tag !Ref means nothing here | Leave it out; an expression is written ${…} inside a text.
    "#);
}

#[test]
fn both_places_of_a_duplicate_key_are_named() {
    insta::assert_snapshot!(read("a: 1\nb: 2\na: 3\n---\na: 4\n", Flavour::Strict), @r#"
    {"a":1,"b":2}
    {"a":4}
    3:1+1 duplicate-key: the key "a" stands here twice (first here 1:1) | Remove one of the two.
    "#);
}

#[test]
fn slips_of_syntax_say_what_to_do() {
    let mut shown = String::new();
    for (name, text) in [
        ("tab", "a:\n\tb: 1\n"),
        ("tab inside", "a:\n  b:\n  \tc: 1\n"),
        ("indent", "a:\n    b: 1\n  c: 2\n"),
        ("list indent", "a:\n  - b: 1\n   c: 2\n"),
        ("colon", "a: b: c\n"),
        ("quote", "a: \"b\nc: d\n"),
        ("flow expression", "a: { token: ${vars.x}, b: 1 }\n"),
        ("alias", "a: *b\n"),
        ("percent", "a: %b\n"),
        ("at", "a: @b\n"),
        ("bracket", "a: [1, 2\nb: 3\n"),
    ] {
        writeln!(shown, "{name}\n{}", read(text, Flavour::Strict).trim_end()).unwrap();
    }
    insta::assert_snapshot!(shown, @r#"
    tab
    2:2+1 tab: a tab indents this line | Indent with spaces: YAML takes no tabs there.
    tab inside
    3:4+1 tab: a tab indents this line | Indent with spaces: YAML takes no tabs there.
    indent
    3:3+1 indentation: while parsing a block mapping, did not find expected key | Indent the lines of one map or list by the same number of spaces.
    list indent
    3:4+1 indentation: while parsing a block collection, did not find expected '-' indicator | Indent the lines of one map or list by the same number of spaces.
    colon
    1:5+1 yaml-syntax: a second `:` cannot stand here | Quote a text that holds a colon and a space, or indent the line correctly.
    quote
    2:1+1 unclosed-quote: invalid indentation in multiline quoted scalar | Close it with the quote it began with.
    flow expression
    1:14+1 yaml-syntax: while parsing a flow mapping, did not find expected ',' or '}' | Quote a text that holds ${…} inside { } or [ ]: "${vars.name}".
    alias
    1:4+1 unknown-anchor: no anchor of this name stands before | Quote a text that begins with `*`.
    percent
    1:4+1 yaml-syntax: '%' cannot begin a text | Quote the text.
    at
    1:4+1 yaml-syntax: '@' cannot begin a text | Quote the text.
    bracket
    2:2+1 yaml-syntax: a second `:` cannot stand here | Quote a text that holds a colon and a space, or indent the line correctly.
    "#);
}

#[test]
fn what_git_could_not_merge_is_named() {
    let sides = "<<<<<<< HEAD\n  b: 1\n=======\n  b: 2\n>>>>>>> other\n";
    let told = [
        read(&format!("a:\n  c: 3\n{sides}"), Flavour::Strict),
        read("a: 1\n=======\nb: 2\n>>>>>>> other\n", Flavour::Strict),
        read("a: 1\n=======\nb: 2\n", Flavour::Strict),
        read("a: |\n  <<<<<<< HEAD\n", Flavour::Strict),
    ];
    insta::assert_snapshot!(told.join("\n"), @r#"
    3:1+7 conflict-marker: a conflict marker of Git stands here: a merge was left unfinished | Keep what is right of both sides, and take the lines with <<<<<<<, ======= and >>>>>>> out.

    2:1+7 conflict-marker: a conflict marker of Git stands here: a merge was left unfinished | Keep what is right of both sides, and take the lines with <<<<<<<, ======= and >>>>>>> out.

    2:1+1 indentation: simple key expected ':' | Indent the lines of one map or list by the same number of spaces.

    {"a":"<<<<<<< HEAD\n"}
    "#);
}

#[test]
fn anchors_aliases_and_merge_keys_are_read() {
    insta::assert_snapshot!(read("base: &b {x: 1, y: 2}\nmine: {<<: *b, y: 3}\nboth: {<<: [*b, {z: 4}]}\nlist: [*b]\n", Flavour::Strict), @r#"{"base":{"x":1,"y":2},"mine":{"y":3,"x":1},"both":{"x":1,"y":2,"z":4},"list":[{"x":1,"y":2}]}"#);
}

#[test]
fn a_bomb_costs_little() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for nth in 1..30 {
        let before = format!("*a{}", nth - 1);
        writeln!(
            bomb,
            "a{nth}: &a{nth} [{}]",
            [before.as_str(); 10].join(",")
        )
        .unwrap();
    }
    assert!(read(&bomb, Flavour::Strict).contains("too-many-aliases"));
    let deep = "[".repeat(100_000);
    assert!(read(&deep, Flavour::Strict).contains("too-deep"));
    let nested: String = (0..500)
        .map(|nth| format!("{}a:\n", " ".repeat(nth)))
        .collect();
    assert!(read(&nested, Flavour::Strict).contains("too-deep"));
}

#[test]
fn limits_name_what_is_too_much() {
    let file = RepoPath::new("a.yaml").unwrap();
    let code = |bytes: &[u8], limits: &Limits| {
        parse(&file, bytes, Flavour::Strict, limits)
            .broken
            .map(|d| d.code)
    };
    let large = vec![b'a'; 100 * 1024 * 1024];
    assert_eq!(code(&large, &Limits::default()), Some("file-too-large"));
    assert_eq!(code(&[0xff, 0xfe], &Limits::default()), Some("not-utf-8"));
    let documents = "a: 1\n---\n".repeat(10_000);
    assert_eq!(code(documents.as_bytes(), &Limits::default()), None);
    let few = Limits {
        documents: 10,
        ..Limits::default()
    };
    assert_eq!(code(documents.as_bytes(), &few), Some("too-many-documents"));
    let few = Limits {
        nodes: 10,
        ..Limits::default()
    };
    assert_eq!(code(documents.as_bytes(), &few), Some("too-many-values"));
}

#[test]
fn a_place_counts_characters() {
    let file = RepoPath::new("a.yaml").unwrap();
    let parsed = parse(
        &file,
        "ä: ünï\nb: \"ß\"\n".as_bytes(),
        Flavour::Strict,
        &Limits::default(),
    );
    let Content::Map(entries) = &parsed.documents[0].root.content else {
        panic!()
    };
    let places: Vec<_> = entries
        .iter()
        .map(|(_, node)| node.place.location())
        .collect();
    assert_eq!(
        (places[0].line, places[0].column, places[0].length),
        (1, 4, 3)
    );
    assert_eq!(
        (places[1].line, places[1].column, places[1].length),
        (2, 4, 3)
    );
    assert_eq!(entries[1].1.place.written(), "\"ß\"");
    assert_eq!(entries[1].1.place.source_line(), "b: \"ß\"");
}
