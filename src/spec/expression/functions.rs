//! The functions of expressions: CEL's own for texts, lists and conversions, `base64` and `json`.

use super::datum::{Content, Datum};
use super::operators::is_operator;
use super::reference::FUNCTIONS;
use super::{Stop, Wrong};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

type Answer = Result<Datum, Stop>;

/// The longest text a function makes, in bytes.
const LONGEST: usize = 1024 * 1024;

/// Tells whether there is such a function or operator. Macros (`has`, `all`, `exists`, `exists_one`,
/// `map`, `filter`) are no functions any more when this is asked.
pub(super) fn is_function(module: Option<&str>, name: &str) -> bool {
    let full = module.map_or_else(|| name.to_owned(), |module| format!("{module}.{name}"));
    FUNCTIONS.iter().any(|known| known.name == full) || (module.is_none() && is_operator(name))
}

/// Calls a function; of a method the target is the first value. What is made from a secret is one.
pub(super) fn call(module: Option<&str>, name: &str, values: &[Datum]) -> Answer {
    let contents: Vec<&Content> = values.iter().map(|datum| &datum.content).collect();
    let made = match (module, contents.as_slice()) {
        (Some("base64"), [of]) => coded(name, of),
        (Some("json"), [_]) => json(values.first()),
        (None, [of]) => convert(name, of),
        (None, [of, arg]) => two(name, of, arg),
        (None, [Content::Text(text), Content::Text(from), Content::Text(to)])
            if name == "replace" =>
        {
            Some(replace(text, from, to)?)
        }
        (None, [Content::Text(text), Content::Int(from), Content::Int(to)])
            if name == "substring" =>
        {
            Some(substring(text, *from, *to)?)
        }
        _ => None,
    };
    let sealed = values.iter().any(Datum::touches_secret);
    match made {
        Some(content) => Ok(Datum::plain(content).sealed_if(sealed)),
        None => {
            let types: Vec<&str> = contents.iter().map(|content| content.what()).collect();
            let shown = module.map_or_else(|| name.to_owned(), |module| format!("{module}.{name}"));
            let message = format!("`{shown}` cannot take {}", types.join(", "));
            Err(Wrong::new("wrong-type", message).near(name).into())
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "CEL converts towards zero; the range is checked"
)]
fn convert(name: &str, of: &Content) -> Option<Content> {
    let fits = |value: f64, most: f64, least: f64| {
        (value.is_finite() && value < most && value > least).then_some(value)
    };
    Some(match (name, of) {
        ("size", Content::Text(text)) => Content::Int(i64::try_from(text.chars().count()).ok()?),
        ("size", Content::Bytes(bytes)) => Content::Int(i64::try_from(bytes.len()).ok()?),
        ("size", Content::List(items)) => Content::Int(i64::try_from(items.len()).ok()?),
        ("size", Content::Map(fields)) => Content::Int(i64::try_from(fields.len()).ok()?),
        ("string", Content::Bytes(bytes)) => Content::Text(String::from_utf8(bytes.clone()).ok()?),
        ("string", scalar) => Content::Text(Datum::plain(scalar.clone()).as_text()?),
        ("int", Content::Int(value)) => Content::Int(*value),
        ("int", Content::Uint(value)) => Content::Int(i64::try_from(*value).ok()?),
        ("int", Content::Double(value)) => Content::Int(fits(*value, 9.2e18, -9.2e18)? as i64),
        ("int", Content::Text(text)) => Content::Int(text.parse().ok()?),
        ("uint", Content::Uint(value)) => Content::Uint(*value),
        ("uint", Content::Int(value)) => Content::Uint(u64::try_from(*value).ok()?),
        ("uint", Content::Double(value)) => Content::Uint(fits(*value, 1.8e19, -1.0)? as u64),
        ("uint", Content::Text(text)) => Content::Uint(text.parse().ok()?),
        ("double", Content::Double(value)) => Content::Double(*value),
        ("double", Content::Int(value)) => Content::Double(*value as f64),
        ("double", Content::Uint(value)) => Content::Double(*value as f64),
        ("double", Content::Text(text)) => Content::Double(text.parse().ok()?),
        ("bool", Content::Bool(value)) => Content::Bool(*value),
        ("bool", Content::Text(text)) => Content::Bool(text.parse().ok()?),
        ("bytes", Content::Text(text)) => Content::Bytes(text.as_bytes().to_vec()),
        ("lowerAscii", Content::Text(text)) => Content::Text(text.to_ascii_lowercase()),
        ("upperAscii", Content::Text(text)) => Content::Text(text.to_ascii_uppercase()),
        ("trim", Content::Text(text)) => Content::Text(text.trim().to_owned()),
        ("reverse", Content::Text(text)) => Content::Text(text.chars().rev().collect()),
        ("reverse", Content::List(items)) => Content::List(items.iter().rev().cloned().collect()),
        ("join", Content::List(_)) => return two("join", of, &Content::Text(String::new())),
        _ => return None,
    })
}

fn two(name: &str, of: &Content, arg: &Content) -> Option<Content> {
    Some(match (name, of, arg) {
        ("contains", Content::Text(text), Content::Text(part)) => {
            Content::Bool(text.contains(part.as_str()))
        }
        ("startsWith", Content::Text(text), Content::Text(part)) => {
            Content::Bool(text.starts_with(part.as_str()))
        }
        ("endsWith", Content::Text(text), Content::Text(part)) => {
            Content::Bool(text.ends_with(part.as_str()))
        }
        ("split", Content::Text(text), Content::Text(by)) if !by.is_empty() => {
            Content::List(text.split(by.as_str()).map(Datum::text).collect())
        }
        ("join", Content::List(items), Content::Text(by)) => {
            let texts = items.iter().map(|item| match &item.content {
                Content::Text(text) => Some(text.as_str()),
                _ => None,
            });
            let texts: Vec<&str> = texts.collect::<Option<_>>()?;
            Content::Text(texts.join(by))
        }
        ("substring", Content::Text(text), Content::Int(from)) => {
            let end = i64::try_from(text.chars().count()).ok()?;
            substring(text, *from, end).ok()?
        }
        _ => return None,
    })
}

fn replace(text: &str, from: &str, to: &str) -> Result<Content, Stop> {
    let matches = if from.is_empty() {
        text.len() + 1
    } else {
        text.matches(from).count()
    };
    if text.len().saturating_add(matches.saturating_mul(to.len())) > LONGEST {
        return Err(Wrong::new("expression-too-costly", "the text gets too long").into());
    }
    Ok(Content::Text(text.replace(from, to)))
}

fn substring(text: &str, from: i64, to: i64) -> Result<Content, Stop> {
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    let length = text.chars().count();
    match range {
        Some((from, to)) if from <= to && to <= length => Ok(Content::Text(
            text.chars().skip(from).take(to - from).collect(),
        )),
        _ => Err(Wrong::new("out-of-range", "the text is shorter than that")
            .near("substring")
            .into()),
    }
}

fn coded(name: &str, of: &Content) -> Option<Content> {
    match (name, of) {
        ("encode", Content::Text(text)) => Some(Content::Text(STANDARD.encode(text))),
        ("encode", Content::Bytes(bytes)) => Some(Content::Text(STANDARD.encode(bytes))),
        ("decode", Content::Text(text)) => Some(Content::Bytes(STANDARD.decode(text).ok()?)),
        _ => None,
    }
}

fn json(of: Option<&Datum>) -> Option<Content> {
    let value = of?.clone().into_value()?;
    Some(Content::Text(value.exposed_json()?.to_string()))
}
