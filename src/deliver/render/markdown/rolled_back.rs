//! What a result says once what was merged was taken back: to which revision, by whom and why, and how to go on.

use super::paper::Paper;
use super::{Page, approval, escape};
use crate::deliver::route::Asked;
use crate::model::{EnvironmentName, Revision};

/// An environment that was put back to an older revision.
#[derive(Clone, Copy, Debug)]
pub struct RolledBack<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The revision it is kept at.
    pub to: &'a Revision,
    /// Who did it.
    pub by: &'a str,
    /// Why, in their words; may be empty.
    pub why: &'a str,
    /// Whether all of it is back.
    pub is_whole: bool,
    /// The pull request that takes it back in Git, too.
    pub revert: Option<&'a Asked>,
}

/// Says on a merged pull request that it was taken back, and what its people can do.
pub fn rolled_back_markdown(back: &RolledBack<'_>, page: &Page<'_>) -> String {
    let name = escape::text(back.environment.as_str());
    let to = escape::code(&back.to.short());
    let by = escape::text(back.by);
    let why = match back.why {
        "" => String::new(),
        why => format!(": {}", escape::text(why)),
    };
    let state = match back.is_whole {
        true => "Live is as it is declared there.",
        false => "Not all of it is back yet, which is tried again.",
    };
    let command = escape::code(&format!("reconciled rollback {} --end", back.environment));
    let merge = match back.revert {
        Some(revert) => format!(
            "merge a commit that mends it, or the one that reverts it, so that Git says what is live: {}.",
            approval::link(revert)
        ),
        None => {
            "merge a commit that mends it, or one that reverts it so that Git says what is live."
                .to_owned()
        }
    };
    let mut paper = Paper::default();
    paper.open(page.opening(&format!("🔴 Rolled back in {name}")));
    paper.open(format!(
        "{by} put {name} back to {to}{why}\n\n{state} What was merged here is not applied again until Git says something new of {name}.\n\n"
    ));
    paper.open(format!(
        "**To go on**, {merge} {command} applies this one again as it is. What this comment said before is in its history.\n\n"
    ));
    paper.finish(&page.freshness("Put back"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn it_names_where_it_is_who_did_it_why_and_the_way_on() {
        let page = Page {
            marker: "<!-- m -->",
            revision: &Revision::new("0123456789"),
            at: Timestamp::from_second(3600).unwrap(),
        };
        let back = RolledBack {
            environment: &EnvironmentName::new("shop").unwrap(),
            to: &Revision::new("abcdef0123456789"),
            by: "reconciled",
            why: "api: not ready after 300s",
            is_whole: true,
            revert: None,
        };
        insta::assert_snapshot!(rolled_back_markdown(&back, &page), @"
        <!-- m -->
        ### 🔴 Rolled back in shop

        reconciled put shop back to `abcdef0123`: api&#58; not ready after 300s

        Live is as it is declared there. What was merged here is not applied again until Git says something new of shop.

        **To go on**, merge a commit that mends it, or one that reverts it so that Git says what is live. `reconciled rollback shop --end` applies this one again as it is. What this comment said before is in its history.

        <sub>Put back 1970-01-01 01:00 UTC for `0123456789`.</sub>
        ");
    }
}
