//! Cuts a text at its `${…}`, and undoes `$${`.

/// One piece of a text.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    Text(String),
    /// What stands between `${` and its `}`.
    Expression(&'t str),
}

/// Cuts a text. The error is the rest that begins with a `${` that is never closed.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, &str> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            plain.push_str(before);
            plain.push_str("${");
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        plain.push_str(before);
        let inside = from.get(2..).unwrap_or_default();
        let end = closing(inside).ok_or(from)?;
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        let (source, after) = inside.split_at(end);
        pieces.push(Piece::Expression(source));
        rest = after.get(1..).unwrap_or_default();
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// Finds the `}` that closes, over maps and quoted texts inside.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(q), _) if q == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => open += 1,
            (None, b'}') if open == 0 => return Some(at),
            (None, b'}') => open -= 1,
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_expressions() {
        let cut = |text| pieces(text).map(|pieces| format!("{pieces:?}"));
        for (text, expected) in [
            ("plain $ {x}", r#"[Text("plain $ {x}")]"#),
            ("${a}", r#"[Expression("a")]"#),
            (
                "x${a}y${b}",
                r#"[Text("x"), Expression("a"), Text("y"), Expression("b")]"#,
            ),
            ("$${a} ${b}", r#"[Text("${a} "), Expression("b")]"#),
            (
                r#"${ {"a": "}"}.a }"#,
                r#"[Expression(" {\"a\": \"}\"}.a ")]"#,
            ),
            ("", "[]"),
        ] {
            assert_eq!(cut(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(cut("a ${b"), Err("${b"));
    }
}
