//! Which files with mistakes may hide an environment: what such a one declares, nobody can tell. Pure.

use crate::model::{RepoPath, Snapshot};
use crate::yaml::{Node, Parsed, nearest};

/// Tells whether a file of ours that has a mistake outside of every environment that could be named may be meant as one.
/// In doubt it may.
pub(super) fn may_hide_environment(
    (path, snapshot): (&RepoPath, &Snapshot),
    bytes: &[u8],
    parsed: &Parsed,
) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if text.contains("{{") && is_template(path, snapshot) {
        return false;
    }
    let mut documents = parsed.documents.iter();
    let is_one = documents.any(|document| {
        let kind = document.root.get("kind").and_then(Node::as_str);
        may_mean_environment(kind.unwrap_or_default())
    });
    is_one || (parsed.broken.is_some() && !is_all_others(&text))
}

/// Tells whether a kind may be ours for an environment, misspelt or left out.
fn may_mean_environment(kind: &str) -> bool {
    let is_word = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    !is_word || kind.to_lowercase().starts_with("env") || nearest(kind, ["Environment"]).is_some()
}

/// Tells whether a chart is rendered from it, whatever it says itself.
fn is_template(path: &RepoPath, snapshot: &Snapshot) -> bool {
    let path = path.as_str();
    let mut folders = path
        .match_indices("templates/")
        .map(|(nth, _)| &path[..nth]);
    folders.any(|chart| {
        let is_folder = chart.is_empty() || chart.ends_with('/');
        let described = RepoPath::new(&format!("{chart}Chart.yaml"));
        is_folder && described.is_some_and(|file| snapshot.files.contains_key(&file))
    })
}

/// Tells whether each document of a file that cannot be parsed to its end says of itself that it is something else.
fn is_all_others(text: &str) -> bool {
    let mut documents = vec![Vec::new()];
    for line in text.lines() {
        if line.starts_with("---") {
            documents.push(Vec::new());
        } else if let (false, Some(last)) = (is_empty(line), documents.last_mut()) {
            last.push(line);
        }
    }
    let is_other = |document: &Vec<&str>| {
        let lines = document.iter();
        let kinds: Vec<&str> = lines
            .filter_map(|line| line.strip_prefix("kind:").map(kind_of))
            .collect();
        !kinds.is_empty() && !kinds.into_iter().any(may_mean_environment)
    };
    let mut documents = documents.iter().filter(|document| !document.is_empty());
    documents.all(is_other)
}

fn is_empty(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn kind_of(value: &str) -> &str {
    let value = value.split(" #").next().unwrap_or_default();
    value.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use crate::spec::tests::reading;

    const OURS: &str = "apiVersion: reconciled.dev/v1alpha1\n";

    fn hides(files: &[(&str, &str)]) -> bool {
        let reading = reading(files);
        assert!(!reading.diagnostics.is_empty(), "{files:?}");
        !reading.hiding.is_empty()
    }

    #[test]
    fn a_file_that_may_be_meant_as_an_environment_hides_one() {
        for text in [
            "kind: Environment\nmetadata: {}\n",
            "kind: Enviroment\nmetadata: { name: a }\n",
            "kind: Env\n",
            "kind: [Environment]\n",
            "metadata: { name: a }\n",
            "kind: Environment\nmetadata: [\n",
            "metadata: [\n",
            "kind: Approval\nspec: 7\n---\nmetadata: [\n",
            "kind: Approval\nkind: Environment\nmetadata: [\n",
            "kind: \"{{ kind }}\"\n",
        ] {
            assert!(hides(&[("e.yaml", &format!("{OURS}{text}"))]), "{text}");
        }
        let other = "apiVersion: reconciled.dev/v1\nkind: Environment\nmetadata: { name: a }\n";
        assert!(hides(&[("e.yaml", other)]));
        assert!(hides(&[(
            "e.yaml",
            "kind: Environment\nmetadata: { name: a }\n"
        )]));
    }

    #[test]
    fn what_says_that_it_is_something_else_hides_none() {
        for text in [
            "kind: Approval\nspec: 7\n",
            "kind: Approval # of a\nmetadata: [\n",
            "kind: Policy\n",
            "kind: Layr\n",
            "kind: Settings\n",
        ] {
            assert!(!hides(&[("e.yaml", &format!("{OURS}{text}"))]), "{text}");
        }
        assert!(!hides(&[(
            "e.yaml",
            "apiVersion: reconciled.dev/v1\nkind: Layer\n"
        )]));
    }

    #[test]
    fn a_template_of_a_chart_is_no_spec() {
        let template =
            format!("{{{{- if .Values.on }}}}\n{OURS}kind: Environment\n{{{{- end }}}}\n");
        let chart = ("web/Chart.yaml", "name: web\n");
        assert!(!hides(&[chart, ("web/templates/deep/e.yaml", &template)]));
        // Without a chart around it, it may be anything.
        assert!(hides(&[("web/templates/e.yaml", &template)]));
        assert!(hides(&[chart, ("web/e.yaml", &template)]));
        assert!(hides(&[
            chart,
            (
                "web/templates/e.yaml",
                &format!("{OURS}kind: Environment\n")
            )
        ]));
    }
}
