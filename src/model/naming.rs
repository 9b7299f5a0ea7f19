//! How a few of many are named in a sentence.

use std::fmt::Display;

/// Names the first of many, and says how many more there are.
pub fn and_more<T: Display>(
    all: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    most: usize,
) -> String {
    let all = all.into_iter();
    let more = all.len().saturating_sub(most);
    let named: Vec<String> = all.take(most).map(|one| one.to_string()).collect();
    let named = named.join(", ");
    match more {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_named_and_the_rest_is_counted() {
        assert_eq!(and_more::<&str>([], 2), "");
        assert_eq!(and_more(["a", "b"], 2), "a, b");
        assert_eq!(and_more(["a", "b", "c", "d"], 2), "a, b and 2 more");
    }
}
