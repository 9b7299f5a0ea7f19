//! What expressions give, what they refuse, what they may cost, and that secrets stay sealed.

use super::*;
use crate::model::{Secret, Value};
use proptest::prelude::*;
use std::fmt::Write as _;

/// `vars` and `secrets` of a test; `resources` is never known.
struct World(serde_json::Value);

impl Names for World {
    fn read(&self, chain: &[String]) -> Result<(Datum, usize), Stop> {
        match chain.first().map(String::as_str) {
            Some("vars") => Ok((Datum::from_value(&Value::from_json(self.0.clone()))?, 1)),
            Some("secrets") => Ok((Datum::from_value(&Value::Secret(Secret::new("canary")))?, 2)),
            _ => Err(Stop::Unknown),
        }
    }
}

fn given(source: &str) -> Result<Datum, String> {
    let vars = serde_json::json!({
        "region": "nyc3", "n": 3, "half": 0.5, "on": true, "none": null,
        "zones": ["a", "b", "c"], "sizes": { "db": "large", "web-1": "small" },
    });
    let parsed = parse(source).map_err(|wrong| shown(&wrong[0]))?;
    evaluate(&parsed, &World(vars), &Fuel::full()).map_err(|stop| match stop {
        Stop::Unknown => "(known after apply)".to_owned(),
        Stop::Wrong(wrong) => shown(&wrong),
    })
}

fn shown(wrong: &Wrong) -> String {
    let near = wrong.near.as_deref().map(|near| format!(" at {near:?}"));
    let hint = wrong.hint.as_deref().unwrap_or("-");
    format!(
        "{}: {}{} | {hint}",
        wrong.code,
        wrong.message,
        near.unwrap_or_default()
    )
}

fn all(sources: &[&str]) -> String {
    sources.iter().fold(String::new(), |mut text, source| {
        let answer = match given(source) {
            Ok(datum) => format!(
                "{}",
                datum
                    .into_value()
                    .map_or("(bytes)".into(), |value| value.masked_json())
            ),
            Err(why) => why,
        };
        writeln!(text, "{source} => {answer}").unwrap();
        text
    })
}

#[test]
fn expressions_give_values_with_their_types() {
    insta::assert_snapshot!(all(&[
        "vars.region",
        "vars.n + 1",
        "vars.n * 2 - 7 / 2 % 2",
        "vars.half * 2.0",
        "\"db-\" + vars.region",
        "vars.on && !false || vars.missing",
        "false && vars.missing",
        "vars.n > 2 ? \"many\" : \"few\"",
        "vars.zones[1] + vars.sizes[\"web-1\"]",
        "size(vars.zones) == 3 && \"b\" in vars.zones",
        "vars.zones.map(z, vars.region + z)",
        "vars.zones.filter(z, z != \"b\").join(\",\")",
        "vars.zones.exists(z, z == \"c\") && !vars.zones.all(z, z == \"c\")",
        "vars.zones.exists_one(z, z == \"a\")",
        "vars.sizes.map(k, k + vars.sizes[k])",
        "has(vars.sizes.db) && !has(vars.sizes.cache)",
        "{\"a\": [1, 2.5, null], \"b\": vars.sizes}",
        "string(vars.n) + vars.region.upperAscii().substring(0, 2)",
        "int(\"42\") + int(1.9)",
        "1 < 1.5 && 2u == 2",
        "base64.encode(\"user:pass\")",
        "string(base64.decode(\"dXNlcg==\"))",
        "json.encode({\"a\": vars.zones})",
        "\" a,b \".trim().split(\",\")",
        "\"a-b\".replace(\"-\", \"_\").endsWith(\"_b\")",
        "resources.db.uri",
        "vars.on || resources.db.ready",
        "\"${} \\\" }\"",
    ]), @r#"
    vars.region => "nyc3"
    vars.n + 1 => 4
    vars.n * 2 - 7 / 2 % 2 => 5
    vars.half * 2.0 => 1.0
    "db-" + vars.region => "db-nyc3"
    vars.on && !false || vars.missing => true
    false && vars.missing => false
    vars.n > 2 ? "many" : "few" => "many"
    vars.zones[1] + vars.sizes["web-1"] => "bsmall"
    size(vars.zones) == 3 && "b" in vars.zones => true
    vars.zones.map(z, vars.region + z) => ["nyc3a","nyc3b","nyc3c"]
    vars.zones.filter(z, z != "b").join(",") => "a,c"
    vars.zones.exists(z, z == "c") && !vars.zones.all(z, z == "c") => true
    vars.zones.exists_one(z, z == "a") => true
    vars.sizes.map(k, k + vars.sizes[k]) => ["dblarge","web-1small"]
    has(vars.sizes.db) && !has(vars.sizes.cache) => true
    {"a": [1, 2.5, null], "b": vars.sizes} => {"a":[1,2.5,null],"b":{"db":"large","web-1":"small"}}
    string(vars.n) + vars.region.upperAscii().substring(0, 2) => "3NY"
    int("42") + int(1.9) => 43
    1 < 1.5 && 2u == 2 => true
    base64.encode("user:pass") => "dXNlcjpwYXNz"
    string(base64.decode("dXNlcg==")) => "user"
    json.encode({"a": vars.zones}) => "{\"a\":[\"a\",\"b\",\"c\"]}"
    " a,b ".trim().split(",") => ["a","b"]
    "a-b".replace("-", "_").endsWith("_b") => true
    resources.db.uri => (known after apply)
    vars.on || resources.db.ready => true
    "${} \" }" => "${} \" }"
    "#);
}

#[test]
fn the_reference_says_what_is_so() {
    use reference::{FUNCTIONS, MACROS};
    for known in FUNCTIONS.iter().chain(&MACROS) {
        assert!(known.example.contains(known.name), "{}", known.example);
        let expected = format!("{} => {}\n", known.example, known.gives);
        assert_eq!(all(&[known.example]), expected);
    }
}

#[test]
fn mistakes_say_what_is_wrong_and_never_the_value() {
    insta::assert_snapshot!(all(&[
        "",
        "vars.",
        "vars.a +",
        "region",
        "\"a\" + 1",
        "1 + 1.0",
        "vars.regin",
        "vars.region.x",
        "vars.zones[7]",
        "vars.sizes.map(k, k + 1)",
        "uppr(\"a\")",
        "size(1)",
        "1 / 0",
        "9223372036854775807 + 1",
        "vars.on ? 1",
        "secrets.token + 1",
        "int(secrets.token)",
        "secrets.token.nope",
        "{1: 2}",
        "{secrets.token: 1}",
        "!vars.region",
        "base64.decode(\"%\")",
    ]), @r#"
     => empty-expression: the expression is empty | Write $${ where the text ${ is meant.
    vars. => expression-syntax: this is no expression: expected identifier after '.' | -
    vars.a + => expression-syntax: this is no expression: mismatched input '<eof>' expecting expression | -
    region => unknown-name: `region` is not known here at "region" | Begin with one of vars, secrets, metadata, resources; a text stands in quotes: "region".
    "a" + 1 => wrong-type: `+` cannot join a text and a whole number | Turn the other value into a text: string(value).
    1 + 1.0 => wrong-type: `+` cannot join a whole number and a number with a fraction | Turn one of them into the other's type: int(value) or double(value).
    vars.regin => missing-field: there is no `regin` at "regin" | Did you mean `region`?
    vars.region.x => wrong-type: `x` cannot be read from a text at "x" | -
    vars.zones[7] => out-of-range: the list has 3 items, counted from 0 | -
    vars.sizes.map(k, k + 1) => wrong-type: `+` cannot join a text and a whole number | Turn the other value into a text: string(value).
    uppr("a") => unknown-function: there is no function `uppr` at "uppr" | Functions: size, string, int, uint, double, bool, bytes, contains, startsWith, endsWith, lowerAscii, upperAscii, trim, split, join, replace, substring, reverse, base64.encode, base64.decode, json.encode.
    size(1) => wrong-type: `size` cannot take a whole number at "size" | -
    1 / 0 => division-by-zero: this divides by zero | -
    9223372036854775807 + 1 => number-too-large: the result does not fit in 64 bits | -
    vars.on ? 1 => expression-syntax: this is no expression: expected ':' in conditional expression | -
    secrets.token + 1 => secret-expression: the expression cannot be computed; it uses a secret, so what is wrong with it is not said | Look at its types, indexes and lookups; a secret is a text, and cannot be a key.
    int(secrets.token) => secret-expression: the expression cannot be computed; it uses a secret, so what is wrong with it is not said | Look at its types, indexes and lookups; a secret is a text, and cannot be a key.
    secrets.token.nope => secret-expression: the expression cannot be computed; it uses a secret, so what is wrong with it is not said | Look at its types, indexes and lookups; a secret is a text, and cannot be a key.
    {1: 2} => wrong-type: a key has to be a text, not a whole number | -
    {secrets.token: 1} => secret-expression: the expression cannot be computed; it uses a secret, so what is wrong with it is not said | Look at its types, indexes and lookups; a secret is a text, and cannot be a key.
    !vars.region => wrong-type: `!` cannot take a text | -
    base64.decode("%") => wrong-type: `base64.decode` cannot take a text at "decode" | -
    "#);
}

#[test]
fn what_is_made_from_a_secret_is_sealed() {
    for source in [
        "secrets.token",
        "\"Bearer \" + secrets.token",
        "base64.encode(secrets.token)",
        "string(base64.decode(base64.encode(secrets.token)))",
        "secrets.token.substring(0, 3)",
        "secrets.token.split(\"n\")",
        "secrets.token.split(\"n\")[0]",
        "secrets.token.split(\"n\").map(part, part + \"x\")",
        "secrets.token == \"canary\" ? \"c\" : \"n\"",
        "secrets.token == \"canary\"",
        "size(secrets.token)",
        "secrets.token > \"b\" && true",
        "[\"x\", secrets.token][1]",
        "{\"a\": secrets.token}.a",
        "json.encode([secrets.token])",
        "[secrets.token].join(\",\")",
        "[1, 2].filter(n, secrets.token == \"canary\")",
        "[secrets.token].exists(t, t == \"canary\")",
        "[1].map(n, secrets.token)[0]",
        "\"canary\" in [secrets.token]",
        "[secrets.token] == [\"canary\"]",
        "has(secrets.token) ? secrets.token : \"\"",
        "{\"a\": {\"b\": secrets.token}}.a.b",
    ] {
        let datum = given(source).unwrap();
        let value = datum.into_value().unwrap();
        let mut plain = Vec::new();
        value.walk(&mut |node| {
            if matches!(node, Value::String(_) | Value::Bool(_) | Value::Number(_)) {
                plain.push(format!("{node:?}"));
            }
        });
        assert!(plain.is_empty(), "{source} leaves {plain:?} in the open");
        assert!(
            !value.masked_json().to_string().contains("cana"),
            "{source}"
        );
    }
    // A neighbour of a secret is none.
    let value = given("[\"x\", secrets.token]")
        .unwrap()
        .into_value()
        .unwrap();
    assert_eq!(value.masked_json(), serde_json::json!(["x", "(sensitive)"]));
}

/// A mistake that hangs on a secret says the same whatever the secret is and whatever the mistake:
/// else a text such as "the list has 47 items" hands it over letter by letter.
#[test]
fn a_mistake_that_hangs_on_a_secret_always_says_the_same() {
    let list = format!("[{}]", vec!["1"; 200].join(","));
    let costly = format!(
        "secrets.token == \"canary\" ? {list}.map(a, {list}.map(b, {list}.map(c, a))) : []"
    );
    let mistakes = [
        "vars.zones.filter(z, z < secrets.token)[999]",
        "1 / (secrets.token.startsWith(\"can\") ? 0 : 1)",
        "secrets.token.split(\"a\")[99]",
        "secrets.token.substring(0, 999)",
        "{\"a\": 1}[secrets.token]",
        "string(base64.decode(secrets.token + \"%\"))",
        "9223372036854775807 + size(secrets.token)",
        "(secrets.token == \"canary\" ? 1 : \"a\") + \"a\"",
        "secrets.token == \"canary\" ? vars.nope : vars.region",
        "secrets.token == \"canary\" ? {\"a\": 1}.b : 1",
        "-(secrets.token == \"canary\" ? \"a\" : 1)",
        "[secrets.token].map(t, t == \"canary\" ? 1 / 0 : 1)",
        &costly,
    ];
    for source in mistakes {
        let said = given(source).unwrap_err();
        assert_eq!(said, shown(&Wrong::of_secret()), "{source}");
    }
    // What came before the first secret hangs on none.
    assert!(
        given("vars.nope + secrets.token")
            .unwrap_err()
            .contains("`nope`")
    );
}

/// What swallows a mistake is sealed as what would have come without it.
#[test]
fn a_swallowed_mistake_is_no_way_around_the_seal() {
    for source in [
        "1 / (secrets.token == \"canary\" ? 0 : 1) == 1 || true",
        "{\"a\": 1 / (secrets.token == \"canary\" ? 0 : 1), \"b\": true}.b || true",
        "1 / (secrets.token == \"canary\" ? 0 : 1) == 1 && false",
        "[1].exists(n, 1 / (secrets.token == \"canary\" ? 0 : 1) == 1 || true)",
    ] {
        let value = given(source).unwrap().into_value().unwrap();
        assert_eq!(value.masked_json(), "(sensitive)", "{source}");
    }
}

#[test]
fn cost_and_depth_are_bounded() {
    let code = |source: &str| given(source).err().unwrap_or_default();
    let list = format!("[{}]", vec!["1"; 200].join(","));
    let nested = format!("{list}.map(a, {list}.map(b, {list}.map(c, a + b + c)))");
    assert!(
        code(&nested).starts_with("expression-too-costly"),
        "{}",
        code(&nested)
    );
    let doubling = "[\"xxxxxxxxxxxxxxxx\"].map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)\
        .map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)";
    assert!(
        code(doubling).starts_with("expression-too-costly"),
        "{}",
        code(doubling)
    );
    assert!(code(&"1+".repeat(5000)).starts_with("expression-too-long"));
    for deep in [
        "(".repeat(900),
        "[".repeat(1900),
        "!".repeat(1900),
        "-".repeat(1900),
        "a.".repeat(900),
        "1+".repeat(900) + "1",
        "a?".repeat(900),
        "{1:".repeat(600),
        "a(".repeat(900),
        "[1].map(x,".repeat(150),
        "\"".repeat(1901),
        "a[".repeat(900),
        "1==".repeat(600) + "1",
        "true&&".repeat(300) + "true",
        "vars.zones".to_owned() + &"[0]".repeat(600),
    ] {
        // Whatever it gives, it comes back.
        let _ends = given(&deep);
    }
}

proptest! {
    #[test]
    fn any_text_comes_back(source in "[a-z0-9.+*/%!<>=&|?:(){}\\[\\]\"' ,-]{0,60}") {
        let _ends = given(&source);
    }
}
