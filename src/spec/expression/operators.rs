//! `+ - * / % == != < <= > >= in [] ! -` as CEL has them: no number turns into another type unasked.

use super::datum::{Content, Datum};
use super::evaluate::field;
use super::{Stop, Wrong};
use cel::common::ast::operators as op;
use std::cmp::Ordering;

type Answer = Result<Datum, Stop>;

/// Applies an operator; `None` where the name is none.
pub(super) fn apply(name: &str, values: &[Datum]) -> Option<Answer> {
    let sign = sign(name)?;
    let answer = match values {
        [a, b] => binary(sign, a, b),
        [a] => unary(sign, a),
        _ => Err(Wrong::new("wrong-type", format!("`{sign}` takes two values")).into()),
    };
    Some(answer)
}

/// Tells whether the parser uses this name for an operator.
pub(super) fn is_operator(name: &str) -> bool {
    sign(name).is_some()
        || matches!(
            name,
            op::CONDITIONAL | op::LOGICAL_AND | op::LOGICAL_OR | op::NOT_STRICTLY_FALSE
        )
}

fn sign(name: &str) -> Option<&'static str> {
    Some(match name {
        op::ADD => "+",
        op::SUBSTRACT => "-",
        op::MULTIPLY => "*",
        op::DIVIDE => "/",
        op::MODULO => "%",
        op::EQUALS => "==",
        op::NOT_EQUALS => "!=",
        op::LESS => "<",
        op::LESS_EQUALS => "<=",
        op::GREATER => ">",
        op::GREATER_EQUALS => ">=",
        op::IN => "in",
        op::INDEX => "[]",
        op::LOGICAL_NOT => "!",
        op::NEGATE => "negation",
        _ => return None,
    })
}

fn unary(sign: &'static str, a: &Datum) -> Answer {
    let content = match (sign, &a.content) {
        ("!", Content::Bool(value)) => Content::Bool(!value),
        ("negation", Content::Int(value)) => {
            Content::Int(value.checked_neg().ok_or_else(too_large)?)
        }
        ("negation", Content::Double(value)) => Content::Double(-value),
        (_, other) => {
            let message = format!("`{sign}` cannot take {}", other.what());
            return Err(Wrong::new("wrong-type", message).into());
        }
    };
    Ok(Datum::plain(content).sealed_if(a.sealed))
}

fn binary(sign: &'static str, a: &Datum, b: &Datum) -> Answer {
    let content = match sign {
        "==" => Content::Bool(equal(a, b)),
        "!=" => Content::Bool(!equal(a, b)),
        "in" => Content::Bool(contains(b, a)?),
        "[]" => return index(a, b),
        "<" | "<=" | ">" | ">=" => {
            let order = compare(&a.content, &b.content).ok_or_else(|| mismatch(sign, a, b))?;
            Content::Bool(match sign {
                "<" => order == Ordering::Less,
                "<=" => order != Ordering::Greater,
                ">" => order == Ordering::Greater,
                _ => order != Ordering::Less,
            })
        }
        _ => arithmetic(sign, a, b)?,
    };
    let keeps_items = sign == "+" && matches!(content, Content::List(_));
    let sealed = a.sealed || b.sealed;
    let deep = || a.touches_secret() || b.touches_secret();
    Ok(Datum::plain(content).sealed_if(sealed || (!keeps_items && deep())))
}

fn arithmetic(sign: &'static str, a: &Datum, b: &Datum) -> Result<Content, Stop> {
    let zero = || Stop::from(Wrong::new("division-by-zero", "this divides by zero"));
    Ok(match (&a.content, &b.content) {
        (Content::Int(x), Content::Int(y)) => {
            let result = match sign {
                "+" => x.checked_add(*y),
                "-" => x.checked_sub(*y),
                "*" => x.checked_mul(*y),
                _ if *y == 0 => return Err(zero()),
                "/" => x.checked_div(*y),
                _ => x.checked_rem(*y),
            };
            Content::Int(result.ok_or_else(too_large)?)
        }
        (Content::Uint(x), Content::Uint(y)) => {
            let result = match sign {
                "+" => x.checked_add(*y),
                "-" => x.checked_sub(*y),
                "*" => x.checked_mul(*y),
                _ if *y == 0 => return Err(zero()),
                "/" => x.checked_div(*y),
                _ => x.checked_rem(*y),
            };
            Content::Uint(result.ok_or_else(too_large)?)
        }
        (Content::Double(x), Content::Double(y)) if sign != "%" => Content::Double(match sign {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            _ => x / y,
        }),
        (Content::Text(x), Content::Text(y)) if sign == "+" => Content::Text(format!("{x}{y}")),
        (Content::Bytes(x), Content::Bytes(y)) if sign == "+" => {
            Content::Bytes([x.as_slice(), y.as_slice()].concat())
        }
        (Content::List(x), Content::List(y)) if sign == "+" => {
            Content::List(x.iter().chain(y).cloned().collect())
        }
        _ => return Err(mismatch(sign, a, b)),
    })
}

fn mismatch(sign: &str, a: &Datum, b: &Datum) -> Stop {
    let (left, right) = (a.content.what(), b.content.what());
    let wrong = Wrong::new(
        "wrong-type",
        format!("`{sign}` cannot join {left} and {right}"),
    );
    let text = |datum: &Datum| matches!(datum.content, Content::Text(_));
    let number = |datum: &Datum| {
        matches!(
            datum.content,
            Content::Int(_) | Content::Uint(_) | Content::Double(_)
        )
    };
    if text(a) != text(b) && sign == "+" {
        wrong
            .with_hint("Turn the other value into a text: string(value).")
            .into()
    } else if number(a) && number(b) {
        wrong
            .with_hint("Turn one of them into the other's type: int(value) or double(value).")
            .into()
    } else {
        wrong.into()
    }
}

fn too_large() -> Stop {
    Wrong::new("number-too-large", "the result does not fit in 64 bits").into()
}

/// Numbers are equal by value whatever their types; nothing else is equal across types.
fn equal(a: &Datum, b: &Datum) -> bool {
    match (&a.content, &b.content) {
        (Content::Null, Content::Null) => true,
        (Content::Bytes(x), Content::Bytes(y)) => x == y,
        (Content::List(x), Content::List(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y))
        }
        (Content::Map(x), Content::Map(y)) => {
            x.len() == y.len()
                && x.iter()
                    .all(|(key, x)| y.get(key).is_some_and(|y| equal(x, y)))
        }
        (x, y) => compare(x, y) == Some(Ordering::Equal),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "CEL compares whole numbers with fractions as doubles"
)]
fn compare(a: &Content, b: &Content) -> Option<Ordering> {
    match (a, b) {
        (Content::Bool(x), Content::Bool(y)) => Some(x.cmp(y)),
        (Content::Text(x), Content::Text(y)) => Some(x.cmp(y)),
        (Content::Int(x), Content::Int(y)) => Some(x.cmp(y)),
        (Content::Uint(x), Content::Uint(y)) => Some(x.cmp(y)),
        (Content::Int(x), Content::Uint(y)) => {
            Some(u64::try_from(*x).map_or(Ordering::Less, |x| x.cmp(y)))
        }
        (Content::Uint(x), Content::Int(y)) => {
            Some(u64::try_from(*y).map_or(Ordering::Greater, |y| x.cmp(&y)))
        }
        (Content::Double(x), Content::Double(y)) => x.partial_cmp(y),
        (Content::Double(x), Content::Int(y)) => x.partial_cmp(&(*y as f64)),
        (Content::Int(x), Content::Double(y)) => (*x as f64).partial_cmp(y),
        (Content::Double(x), Content::Uint(y)) => x.partial_cmp(&(*y as f64)),
        (Content::Uint(x), Content::Double(y)) => (*x as f64).partial_cmp(y),
        _ => None,
    }
}

fn contains(within: &Datum, item: &Datum) -> Result<bool, Stop> {
    match (&within.content, &item.content) {
        (Content::List(items), _) => Ok(items.iter().any(|other| equal(item, other))),
        (Content::Map(fields), Content::Text(key)) => Ok(fields.contains_key(key)),
        _ => Err(mismatch("in", item, within)),
    }
}

fn index(from: &Datum, at: &Datum) -> Answer {
    let sealed = from.sealed || at.sealed;
    match (&from.content, &at.content) {
        (Content::List(items), Content::Int(nth)) => {
            let item = usize::try_from(*nth).ok().and_then(|nth| items.get(nth));
            let count = items.len();
            let missing = || {
                Wrong::new(
                    "out-of-range",
                    format!("the list has {count} items, counted from 0"),
                )
            };
            Ok(item.ok_or_else(missing)?.clone().sealed_if(sealed))
        }
        (Content::Map(_), Content::Text(key)) if !at.sealed => field(from.clone(), key),
        (Content::Map(fields), Content::Text(key)) => {
            let missing = || Wrong::new("missing-field", "there is no such field");
            Ok(fields.get(key).ok_or_else(missing)?.clone().sealed_if(true))
        }
        (list, key) => {
            let message = format!("{} cannot be looked up in {}", key.what(), list.what());
            Err(Wrong::new("wrong-type", message).into())
        }
    }
}
