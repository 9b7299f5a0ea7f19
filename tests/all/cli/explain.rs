//! `explain`: every kind, one kind, one field, and what is meant by a word that is none.

use super::Place;
use insta::assert_snapshot;

#[test]
fn kinds_and_fields_are_explained() {
    let place = Place::new();
    let list = place.run(&["explain"]);
    assert_eq!((list.code, list.stderr.as_str()), (Some(0), ""));
    let all = place.run(&["explain", "--output", "json"]).json();
    for kind in all.as_array().unwrap() {
        let name = kind["kind"].as_str().unwrap();
        assert!(list.stdout.contains(name), "{name} in {}", list.stdout);
        let said = place.run(&["explain", name]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        assert!(said.stdout.starts_with(&format!("{name}\n  ")), "{said:?}");
    }
    assert!(all.as_array().unwrap().len() >= 7);
    assert_snapshot!(place.run(&["explain", "host/file.mode"]).stdout, @r#"
    host/file.mode  <string>
      Permission bits in octal, in quotes: "0644". Left out: 0644, and 0600 where the content holds a secret; of a file that is there it stays as it is.
    "#);
    let field = place.run(&["explain", "host/file.mode", "--output", "json"]);
    assert_eq!(field.json()["type"], "string");
}

#[test]
fn what_is_not_there_is_said_with_what_may_be_meant() {
    let place = Place::new();
    let told = |what: &str| {
        let said = place.run(&["explain", what]);
        said.assert_only_talk(1);
        said.stderr
    };
    assert_snapshot!(told("host/fil"), @r#"error: failed to explain "host/fil": there is no such kind; did you mean host/file?"#);
    assert_snapshot!(told("zzz"), @r#"error: failed to explain "zzz": there is no such kind; `reconciled explain` lists them"#);
    assert_snapshot!(told("host/file.mod"), @r#"error: failed to explain "mod": host/file has no field "mod"; did you mean mode?"#);
    assert_snapshot!(told("host/file.zzz"), @r#"error: failed to explain "zzz": host/file has no field "zzz"; it has path, content, mode, owner, group"#);
}
