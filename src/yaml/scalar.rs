//! What a plain scalar means.

use super::node::Content;

/// By whose rules plain scalars are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// YAML 1.2, for specs and settings: `yes` is a text, and what readers disagree about (`010`,
    /// `.inf`) is an error.
    Strict,
    /// YAML 1.1 as `kubectl` reads manifests (sigs.k8s.io/yaml on go-yaml v2): `yes` and `on` are
    /// booleans, `0644` is octal. Source: resolve.go of github.com/kubernetes-sigs/yaml/goyaml.v2.
    Kubernetes,
}

/// Why a plain scalar was refused: a code, what is wrong, what to write.
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) hint: String,
}

/// Resolves a plain scalar; `Ok(None)` means that it is a text.
pub(super) fn resolve(text: &str, flavour: Flavour) -> Result<Option<Content>, Refusal> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Some(Content::Null)),
        "true" | "True" | "TRUE" => return Ok(Some(Content::Bool(true))),
        "false" | "False" | "FALSE" => return Ok(Some(Content::Bool(false))),
        _ => {}
    }
    let first = text.as_bytes().first().copied().unwrap_or_default();
    if flavour == Flavour::Kubernetes
        && let Some(value) = yaml_1_1_boolean(text)
    {
        return Ok(Some(Content::Bool(value)));
    }
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return Ok(None);
    }
    match flavour {
        Flavour::Strict => strict_number(text),
        Flavour::Kubernetes => Ok(kubernetes_number(text)),
    }
}

/// Tells what a text would have meant in YAML 1.1.
pub(super) fn yaml_1_1_boolean(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn strict_number(text: &str) -> Result<Option<Content>, Refusal> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(body, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Err(Refusal {
            code: "non-finite-number",
            message: format!("{text} is no finite number"),
            hint: format!("Write a number, or quote it where a text is meant: {text:?}."),
        });
    }
    if let Some(number) = radix(body, text.starts_with('-')) {
        return Ok(Some(Content::Number(number)));
    }
    if body.bytes().all(|b| b.is_ascii_digit()) && !body.is_empty() {
        if body.len() > 1 && body.starts_with('0') {
            let decimal = body.trim_start_matches('0');
            let decimal = if decimal.is_empty() { "0" } else { decimal };
            let octal = u64::from_str_radix(body, 8)
                .map_or_else(|_| String::new(), |value| format!("0o{value:o}, "));
            return Err(Refusal {
                code: "octal-number",
                message: format!("{text} is read as octal by some and as decimal by others"),
                hint: format!(
                    "Write {octal}{decimal}, or quote it where a text is meant: {text:?}."
                ),
            });
        }
        return integer(text).map(Some).ok_or_else(|| too_large(text));
    }
    if !is_float(body) {
        return Ok(None);
    }
    match text
        .parse::<f64>()
        .ok()
        .and_then(serde_json::Number::from_f64)
    {
        Some(number) => Ok(Some(Content::Number(number))),
        None => Err(too_large(text)),
    }
}

fn too_large(text: &str) -> Refusal {
    let short: String = text.chars().take(40).collect();
    Refusal {
        code: "number-too-large",
        message: format!("{short} does not fit in 64 bits"),
        hint: "Quote it where a text is meant.".to_owned(),
    }
}

fn kubernetes_number(text: &str) -> Option<Content> {
    let plain = text.replace('_', "");
    let body = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let negative = plain.starts_with('-');
    if let Some(number) = radix(body, negative) {
        return Some(Content::Number(number));
    }
    if !body.is_empty() && body.bytes().all(|b| b.is_ascii_digit()) {
        if body.len() > 1
            && body.starts_with('0')
            && let Ok(value) = i64::from_str_radix(body, 8)
        {
            let value = if negative { -value } else { value };
            return Some(Content::Number(value.into()));
        }
        if let Some(integer) = integer(&plain) {
            return Some(integer);
        }
    }
    if !is_float(body) {
        return None;
    }
    let number = plain.parse::<f64>().ok()?;
    serde_json::Number::from_f64(number).map(Content::Number)
}

fn integer(text: &str) -> Option<Content> {
    let text = text.strip_prefix('+').unwrap_or(text);
    text.parse::<i64>()
        .map(serde_json::Number::from)
        .or_else(|_| text.parse::<u64>().map(serde_json::Number::from))
        .ok()
        .map(Content::Number)
}

fn radix(body: &str, negative: bool) -> Option<serde_json::Number> {
    let (digits, radix) = match body.get(..2)? {
        "0x" | "0X" => (body.get(2..)?, 16),
        "0o" | "0O" => (body.get(2..)?, 8),
        _ => return None,
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value }.into())
}

/// Matches `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, the float of YAML 1.2.
fn is_float(body: &str) -> bool {
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent_holds = exponent.is_none_or(|exponent| {
        let digits_only = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits_only.is_empty() && digits(digits_only)
    });
    let mantissa_holds = match mantissa.split_once('.') {
        Some((whole, part)) => {
            digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    };
    mantissa_holds && exponent_holds
}
