//! How a text is spelled where somebody wrote it into something else. It does not know what is secret.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use zeroize::Zeroizing;

/// Longer secrets are looked for in Base64 only as they are by themselves: they are files, not parts of a text.
const LONGEST_PART: usize = 256;
/// What stands in a URL in hexadecimal: all but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Returns a text in Base64: alone, and as part of something longer, wherever it begins and ends there.
pub(super) fn encoded(text: &str) -> Vec<Zeroizing<String>> {
    let mut all = Vec::new();
    for engine in [STANDARD, URL_SAFE] {
        all.push(Zeroizing::new(engine.encode(text)));
        if text.len() > LONGEST_PART {
            continue;
        }
        for before in 0..3 {
            let bytes = before + text.len();
            let whole = Zeroizing::new(engine.encode(format!("{}{text}", "-".repeat(before))));
            // Letters of six bits each, without those that what is before or after it has a part in.
            let (from, to) = ((before * 8).div_ceil(6), bytes * 8 / 6);
            all.push(Zeroizing::new(whole[from..to].to_owned()));
            all.push(Zeroizing::new(whole[from..].to_owned()));
        }
    }
    all
}

/// Returns a text as it stands inside of quotes, in JSON or Go; Go's own writer of JSON escapes more.
pub(super) fn quoted(text: &str) -> [Zeroizing<String>; 2] {
    let json = Json::from(text).to_string();
    let inner = Zeroizing::new(json[1..json.len() - 1].to_owned());
    let more = [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")];
    let more = more.iter().fold((*inner).clone(), |text, (bare, escaped)| {
        text.replace(bare, escaped)
    });
    [inner, Zeroizing::new(more)]
}

/// Returns a text as it stands in a URL.
pub(super) fn percent_encoded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(utf8_percent_encode(text, RESERVED).to_string())
}

/// Returns a text on one line.
pub(super) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
