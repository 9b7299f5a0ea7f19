//! What can be called in an expression, each with an example that a test evaluates: read by the parser, by
//! the schema and so by `explain`.

/// One function, or one macro of CEL.
pub(crate) struct Callable {
    /// Its name; of a method without its target.
    pub(crate) name: &'static str,
    /// One sentence.
    pub(crate) about: &'static str,
    /// A call of it.
    pub(crate) example: &'static str,
    /// What the example gives, as JSON.
    pub(crate) gives: &'static str,
}

const fn row(
    name: &'static str,
    about: &'static str,
    example: &'static str,
    gives: &'static str,
) -> Callable {
    Callable {
        name,
        about,
        example,
        gives,
    }
}

/// Every function, as people write them.
pub(crate) const FUNCTIONS: [Callable; 21] = [
    row(
        "size",
        "How many characters, bytes, items or keys it has.",
        r#"size("abc")"#,
        "3",
    ),
    row(
        "string",
        "A number, a boolean or bytes as a text.",
        "string(5)",
        r#""5""#,
    ),
    row(
        "int",
        "A number or a text as a whole number, cut towards zero.",
        r#"int("42")"#,
        "42",
    ),
    row(
        "uint",
        "A number or a text as a whole number from 0.",
        "uint(5)",
        "5",
    ),
    row(
        "double",
        "A number or a text as a number with a fraction.",
        r#"double("1.5")"#,
        "1.5",
    ),
    row(
        "bool",
        "The text true or false as a boolean.",
        r#"bool("true")"#,
        "true",
    ),
    row(
        "bytes",
        "A text as its bytes, for base64.encode.",
        r#"size(bytes("é"))"#,
        "2",
    ),
    row(
        "contains",
        "Whether a text holds another one.",
        r#""staging-1".contains("staging")"#,
        "true",
    ),
    row(
        "startsWith",
        "Whether a text begins with another one.",
        r#""staging-1".startsWith("prod")"#,
        "false",
    ),
    row(
        "endsWith",
        "Whether a text ends with another one.",
        r#""db.internal".endsWith(".internal")"#,
        "true",
    ),
    row(
        "lowerAscii",
        "The text with A to Z made small.",
        r#""Shop".lowerAscii()"#,
        r#""shop""#,
    ),
    row(
        "upperAscii",
        "The text with a to z made capital.",
        r#""nyc3".upperAscii()"#,
        r#""NYC3""#,
    ),
    row(
        "trim",
        "The text without white space around it.",
        r#"" a ".trim()"#,
        r#""a""#,
    ),
    row(
        "split",
        "A text cut at each place another one stands: a list.",
        r#""a,b".split(",")"#,
        r#"["a","b"]"#,
    ),
    row(
        "join",
        "A list of texts as one, with a text between them where one is given.",
        r#"["a", "b"].join("-")"#,
        r#""a-b""#,
    ),
    row(
        "replace",
        "The text with each place of one text replaced by another.",
        r#""a-b".replace("-", "_")"#,
        r#""a_b""#,
    ),
    row(
        "substring",
        "The characters from one position, counted from 0, to before another or to the end.",
        r#""nyc3".substring(0, 3)"#,
        r#""nyc""#,
    ),
    row(
        "reverse",
        "A text or a list from its end.",
        r#""abc".reverse()"#,
        r#""cba""#,
    ),
    row(
        "base64.encode",
        "A text or bytes in Base64.",
        r#"base64.encode("user:pass")"#,
        r#""dXNlcjpwYXNz""#,
    ),
    row(
        "base64.decode",
        "The bytes that a text in Base64 stands for.",
        r#"string(base64.decode("dXNlcg=="))"#,
        r#""user""#,
    ),
    row(
        "json.encode",
        "Any value as a text in JSON.",
        r#"json.encode({"a": [1]})"#,
        r#""{\"a\":[1]}""#,
    ),
];

/// CEL's macros: they look at each item, or at whether something is there.
pub(crate) const MACROS: [Callable; 6] = [
    row(
        "has",
        "Whether a field is there.",
        "has(vars.region)",
        "true",
    ),
    row(
        "all",
        "Whether it holds for every item.",
        "[1, 2].all(n, n > 0)",
        "true",
    ),
    row(
        "exists",
        "Whether it holds for one item or more.",
        "[1, 2].exists(n, n > 1)",
        "true",
    ),
    row(
        "exists_one",
        "Whether it holds for exactly one item.",
        "[1, 2].exists_one(n, n > 0)",
        "false",
    ),
    row(
        "map",
        "A list of what comes of each item.",
        "[1, 2].map(n, n * 2)",
        "[2,4]",
    ),
    row(
        "filter",
        "The items for which it holds.",
        "[1, 2].filter(n, n > 1)",
        "[2]",
    ),
];
