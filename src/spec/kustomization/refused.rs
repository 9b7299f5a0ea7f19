//! What a text in a kustomization means to kustomize: an address, a path, or YAML written out.

/// Tells whether kustomize would fetch this, or might: whatever it takes for the address of a file or
/// of a Git repository. Rather too much than too little.
/// Source: kustomize 5.8, api/internal/git/repospec.go and api/internal/loader/fileloader.go.
pub(super) fn is_remote(text: &str) -> bool {
    let text = folded(text.trim());
    let user = text.split_once('@').is_some_and(|(name, _)| {
        let mut letters = name.chars();
        letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
    });
    let schemes = [
        "http:",
        "https:",
        "ssh:",
        "file:",
        "git:",
        "oci:",
        "gh:",
        "github.com",
    ];
    user || text.contains("://")
        || text.contains("::")
        || text.contains('?')
        || text.contains("_git/")
        || schemes.iter().any(|scheme| text.starts_with(scheme))
}

/// Tells whether this is YAML written out and no path.
pub(super) fn is_inline(text: &str) -> bool {
    text.contains('\n') || text.contains(": ")
}

/// Makes two keys equal that Go's JSON decoder takes for one: it folds case, by Unicode's rules.
pub(super) fn folded(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_kustomize_would_fetch_is_told() {
        for text in [
            "https://example.com/a.yaml",
            "HTTP:example.com",
            "git@example.com:org/repo.git",
            "git::https://example.com/org/repo",
            "github.com/org/repo//base?ref=v1",
            "GitHub.com/org/repo",
            "file:///etc",
            "ssh://git@example.com/repo",
            "dev.example.com/org/_git/repo",
            "../base?ref=main",
            "me@host/org/repo",
        ] {
            assert!(is_remote(text), "{text}");
        }
        for text in [
            "../../base",
            "deployment.yaml",
            "overlays/prod.git",
            "img/x@2x.yaml",
        ] {
            assert!(!is_remote(text), "{text}");
        }
    }

    #[test]
    fn keys_are_folded_as_go_does() {
        assert_eq!(folded("PATH"), "path");
        assert_eq!(folded("file\u{17f}"), "files");
        assert_eq!(folded("\u{212a}ind"), "kind");
    }
}
