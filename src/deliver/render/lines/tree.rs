//! Values as text: one line where they are short, YAML-like lines where not. Secrets and holes masked.

use crate::deliver::render::clean;
use crate::model::Value;
use crate::model::secret::MASK;
use crate::model::value::LATER;

/// The longest value that stands on its path's line, in characters.
const SHORT: usize = 100;

/// Returns a value that fits one line.
pub(super) fn short(value: &Value) -> Option<String> {
    Some(match value {
        Value::List(items) if items.is_empty() => "[]".to_owned(),
        Value::Map(fields) if fields.is_empty() => "{}".to_owned(),
        Value::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(scalar).collect();
            let text = format!("[{}]", items?.join(", "));
            return (text.chars().count() <= SHORT / 2).then_some(text);
        }
        Value::Map(_) => return None,
        Value::String(text) if text.contains('\n') => return None,
        other => scalar(other)?,
    })
}

/// Returns a value on one line whatever it takes, cut where it is long.
pub(in crate::deliver::render) fn inline(value: &Value) -> String {
    clean::line_of(&value.masked_json().to_string(), SHORT).into_owned()
}

/// Returns what a masked value is in a line, as plans show it.
pub(in crate::deliver::render) fn brief(json: &serde_json::Value) -> String {
    if json.as_str() == Some(MASK) {
        return MASK.to_owned();
    }
    let value = Value::from_json(json.clone());
    short(&value).unwrap_or_else(|| inline(&value))
}

fn scalar(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Secret(_) => MASK.to_owned(),
        Value::Hole(hole) if hole.sensitive => format!("{MASK} {LATER}"),
        Value::Hole(_) => LATER.to_owned(),
        Value::List(_) | Value::Map(_) => return None,
    })
}

fn quoted(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace('\t', "\\t");
    format!("\"{}\"", clean::line(&text))
}

/// Returns a value as lines, indented by two spaces a level.
pub(super) fn lines(value: Option<&Value>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(value) = value {
        write(&mut lines, "", "", value);
    }
    lines
}

fn write(lines: &mut Vec<String>, indent: &str, lead: &str, value: &Value) {
    match value {
        Value::Map(fields) if !fields.is_empty() => {
            for (nth, (key, field)) in fields.iter().enumerate() {
                let lead = if nth == 0 { lead } else { indent };
                under(
                    lines,
                    indent,
                    &format!("{lead}{}:", clean::line(key)),
                    field,
                );
            }
        }
        Value::List(items) if !items.is_empty() => {
            for (nth, item) in items.iter().enumerate() {
                let lead = if nth == 0 { lead } else { indent };
                write(lines, &format!("{indent}  "), &format!("{lead}- "), item);
            }
        }
        Value::String(text) if text.contains('\n') => {
            lines.push(format!("{lead}|"));
            lines.extend(
                text.lines()
                    .map(|line| format!("{indent}  {}", clean::line(line))),
            );
        }
        other => lines.push(format!(
            "{lead}{}",
            short(other).unwrap_or_else(|| inline(other))
        )),
    }
}

/// Writes a field: its value on the same line where that is short, else below.
fn under(lines: &mut Vec<String>, indent: &str, lead: &str, value: &Value) {
    match value {
        Value::Map(fields) if !fields.is_empty() => {
            lines.push(lead.to_owned());
            let deeper = format!("{indent}  ");
            write(lines, &deeper, &deeper, value);
        }
        Value::List(items) if !items.is_empty() && short(value).is_none() => {
            lines.push(lead.to_owned());
            let deeper = format!("{indent}  ");
            write(lines, &deeper, &deeper, value);
        }
        Value::String(text) if text.contains('\n') => {
            lines.push(format!("{lead} |"));
            lines.extend(
                text.lines()
                    .map(|line| format!("{indent}  {}", clean::line(line))),
            );
        }
        other => {
            let text = short(other).unwrap_or_else(|| inline(other));
            lines.push(format!("{lead} {text}"));
        }
    }
}
