//! What can be said of a pull request that conflicts with its base: no plan, and how to get one.

use super::paper::Paper;
use super::{Page, escape};
use crate::deliver::render::words;
use jiff::Timestamp;

/// Says that the plan that stood here is void, since when, and what to do. `base` is the branch it
/// would be merged into, `paths` are the files in conflict.
pub fn conflict_markdown(
    base: &str,
    paths: &[String],
    since: Timestamp,
    page: &Page<'_>,
) -> String {
    let base = escape::code(base);
    let mut paper = Paper::default();
    paper.open(page.opening(&format!("🔴 Conflicts with {base}")));
    paper.open(format!(
        "It cannot be merged, so there is no plan: the one that stood here is void since {}. Merge {base} into the branch or rebase it, settle the conflict, and push; the plan is then made anew by itself.\n\n",
        words::at(since)
    ));
    let paths: Vec<String> = paths.iter().map(|path| escape::code(path)).collect();
    paper.list("In conflict", &paths);
    paper.finish(&page.freshness("Checked"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Revision;

    #[test]
    fn it_says_since_when_and_what_to_do() {
        let page = Page {
            marker: "<!-- m -->",
            revision: &Revision::new("0123456789"),
            at: Timestamp::from_second(3600).unwrap(),
        };
        let paths = ["shop.yaml".to_owned(), "a`@b.yaml".to_owned()];
        let text = conflict_markdown("main", &paths, Timestamp::UNIX_EPOCH, &page);
        insta::assert_snapshot!(text, @"
        <!-- m -->
        ### 🔴 Conflicts with `main`

        It cannot be merged, so there is no plan: the one that stood here is void since 1970-01-01 00:00 UTC. Merge `main` into the branch or rebase it, settle the conflict, and push; the plan is then made anew by itself.

        **In conflict**

        - `shop.yaml`
        - ``a`@b.yaml``

        <sub>Checked 1970-01-01 01:00 UTC for `0123456789`.</sub>
        ");
    }
}
