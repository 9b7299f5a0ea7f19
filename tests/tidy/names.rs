//! What a line of Rust names: rooms behind `crate::`, and whole words.

/// The first path segments after `crate::`, also inside braces that go over several lines, with the line each stands on.
pub(crate) fn crate_imports(lines: &[(usize, &str)]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, (number, line)) in lines.iter().enumerate() {
        for (at, prefix) in line.match_indices("crate::") {
            let rest = &line[at + prefix.len()..];
            let Some(first) = rest.strip_prefix('{') else {
                found.push((*number, rest.to_owned()));
                continue;
            };
            let following = lines[index + 1..].iter().copied();
            let mut depth = 1;
            for (number, text) in std::iter::once((*number, first)).chain(following) {
                let mut fresh = depth == 1;
                for (at, letter) in text.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => fresh = true,
                        letter if fresh && letter.is_alphabetic() => {
                            found.push((number, text[at..].to_owned()));
                            fresh = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
                if depth == 0 {
                    break;
                }
            }
        }
    }
    found
}

/// Whether a line names something as a whole word, so that `tokio` is not found in `tokio_free`.
pub(crate) fn names(line: &str, word: &str) -> bool {
    let joins = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(joins) && !line[at + word.len()..].starts_with(joins))
}

#[test]
fn imports_in_braces_are_found() {
    let lines = [
        (1, "use crate::{model::{Id, Kind},"),
        (2, "    engine, plan::Plan};"),
        (3, "crate::net::x()"),
    ];
    let found: Vec<_> = crate_imports(&lines)
        .into_iter()
        .map(|(line, rest)| {
            (
                line,
                rest.chars()
                    .take_while(char::is_ascii_alphabetic)
                    .collect::<String>(),
            )
        })
        .collect();
    let expected = [(1, "model"), (2, "engine"), (2, "plan"), (3, "net")];
    assert_eq!(found, expected.map(|(line, room)| (line, room.to_owned())));
}
