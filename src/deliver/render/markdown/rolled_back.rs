//! What a result says once what was merged was taken back: to which revision, by whom and why, and how to go on.

use super::paper::Paper;
use super::{Page, approval, escape};
use crate::deliver::render::words::no_revert;
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
    /// Why there is none, as a clause, where there should be one.
    pub no_revert: Option<&'a str>,
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
    let no_revert = back.no_revert.map(|why| no_revert(&escape::reason(why)));
    let no_revert = no_revert.map_or_else(String::new, |said| format!("{said}\n\n"));
    let mut paper = Paper::default();
    paper.open(page.opening(&format!("🔴 Rolled back in {name}")));
    paper.open(format!(
        "{by} put {name} back to {to}{why}\n\n{state} What was merged here is not applied again until Git says something new of {name}.\n\n"
    ));
    paper.open(no_revert);
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
            no_revert: Some("k8s/`logo`.png is no text"),
        };
        insta::assert_snapshot!(rolled_back_markdown(&back, &page), @"
        <!-- m -->
        ### 🔴 Rolled back in shop

        reconciled put shop back to `abcdef0123`: api&#58; not ready after 300s

        Live is as it is declared there. What was merged here is not applied again until Git says something new of shop.

        No pull request could be made that takes it back in Git, too, for k8s/&#96;logo&#96;.png is no text.

        **To go on**, merge a commit that mends it, or one that reverts it so that Git says what is live. `reconciled rollback shop --end` applies this one again as it is. What this comment said before is in its history.

        <sub>Put back 1970-01-01 01:00 UTC for `0123456789`.</sub>
        ");
    }
}
