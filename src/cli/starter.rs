//! The quick-start example, part of the binary: what `init` writes and `demo` plays.

/// Its files, by path from the example's folder.
pub(super) const FILES: [(&str, &str); 2] = [
    (
        "environments/quickstart.yaml",
        include_str!("../../examples/quickstart/environments/quickstart.yaml"),
    ),
    (
        "layers/shop.yaml",
        include_str!("../../examples/quickstart/layers/shop.yaml"),
    ),
];

/// The environment's file.
pub(super) const ENVIRONMENT: &str = FILES[0].0;

/// What the example says beside its root.
pub(super) const WHERE: &str = "# everything below happens inside this folder";

/// Puts a value in the place of the one a key has. The example is ours, so the key is there.
pub(super) fn set(text: &str, key: &str, value: &str) -> String {
    let line = |line: &str| {
        let Some((before, after)) = line.split_once(&format!("{key}: ")) else {
            return line.to_owned();
        };
        if !before.trim().is_empty() {
            return line.to_owned();
        }
        let comment = after.find("  #").map_or("", |at| &after[at..]);
        format!("{before}{key}: {value}{comment}")
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_set_where_its_key_stands_and_nowhere_else() {
        let set = set(FILES[0].1, "root", "/elsewhere");
        assert!(set.contains("    root: /elsewhere "), "{set}");
        assert!(set.contains(WHERE), "{set}");
        assert_eq!(set.lines().count(), FILES[0].1.lines().count());
        assert_eq!(
            set.lines()
                .zip(FILES[0].1.lines())
                .filter(|(a, b)| a != b)
                .count(),
            1
        );
    }
}
