//! What a result says once a later revision did what it could not.

use super::paper::Paper;
use super::{Page, escape};
use crate::model::{EnvironmentName, Revision};

/// Says on a merged pull request that what failed or waited there is past: a revision was applied whole.
/// `is_equal` where nothing is left as it was changed by hand.
pub fn overtaken_markdown(
    environment: &EnvironmentName,
    (by, is_equal): (&Revision, bool),
    page: &Page<'_>,
) -> String {
    let name = escape::text(environment.as_str());
    let and = if is_equal {
        ", and live equals Git"
    } else {
        ""
    };
    let by = escape::code(&by.short());
    let mut paper = Paper::default();
    paper.open(page.opening(&format!("🟢 Put right in {name} by a later revision")));
    paper.open(format!(
        "What was not applied here is past: {by} was applied whole{and}. What this comment said before is in its history.\n\n"
    ));
    paper.finish(&page.freshness("Ended"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn it_names_the_revision_that_put_it_right() {
        let page = Page {
            marker: "<!-- m -->",
            revision: &Revision::new("0123456789"),
            at: Timestamp::from_second(3600).unwrap(),
        };
        let by = Revision::new("abcdef0123456789");
        let name = EnvironmentName::new("shop").unwrap();
        assert!(!overtaken_markdown(&name, (&by, false), &page).contains("equals"));
        insta::assert_snapshot!(overtaken_markdown(&name, (&by, true), &page), @"
        <!-- m -->
        ### 🟢 Put right in shop by a later revision

        What was not applied here is past: `abcdef0123` was applied whole, and live equals Git. What this comment said before is in its history.

        <sub>Ended 1970-01-01 01:00 UTC for `0123456789`.</sub>
        ");
    }
}
