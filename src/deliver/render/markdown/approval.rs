//! What our own pull requests say: which plan an approval lets go, and what a revert takes back.

use super::paper::Paper;
use super::{Page, escape, plan as planned};
use crate::deliver::render::merging::Merging;
use crate::deliver::route::{About, Asked};
use crate::model::{Digest, EnvironmentName, Revision};
use crate::plan::Plan;

/// Why a plan is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Approving<'a> {
    /// What the approval names.
    pub hash: &'a Digest,
    /// Why it needs one, as a sentence.
    pub why: &'a str,
    /// Why it is asked for anew, as a sentence; empty the first time.
    pub again: &'a str,
}

/// Shows the plan that merging a request applies, and what merging and closing do.
pub fn approval_markdown(plan: &Plan, approving: &Approving<'_>, page: &Page<'_>) -> String {
    let mut paper = Paper::default();
    let verdict = planned::verdict_of_all(std::slice::from_ref(plan), &[], &Merging::default());
    paper.open(page.opening(&verdict));
    let hash = escape::code(approving.hash.short());
    paper.open(format!(
        "**Merging this applies exactly the plan below**, {hash}, once, and only while nothing of it has moved. **Closing it declines the plan**: it is not asked for again, another one is.\n\n"
    ));
    let sentences = [approving.why, approving.again];
    let sentences = sentences.iter().filter(|one| !one.is_empty());
    for sentence in sentences {
        paper.open(format!("{}\n\n", escape::text(sentence)));
    }
    planned::environment(&mut paper, plan, Merging::NOTHING);
    let name = plan.environment.as_str();
    paper.rest(format!(
        "**Not all of the plan fits here.** The whole of it: {}",
        escape::code(&format!("reconciled plan {name}"))
    ));
    paper.finish(&page.freshness("Planned against live state"))
}

/// What is taken back.
#[derive(Clone, Copy, Debug)]
pub struct Reverting<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// What it was put back to.
    pub to: &'a Revision,
    /// Why.
    pub why: &'a str,
    /// The files that are as they were.
    pub files: &'a [String],
}

/// Says what a revert takes back and why; `page` is about the revision that is taken back.
pub fn revert_markdown(reverting: &Reverting<'_>, page: &Page<'_>) -> String {
    let name = escape::text(reverting.environment.as_str());
    let (to, bad) = (
        escape::code(&reverting.to.short()),
        escape::code(&page.revision.short()),
    );
    let why = match reverting.why {
        "" => String::new(),
        why => format!(": {}", escape::text(why)),
    };
    let mut paper = Paper::default();
    paper.open(page.opening(&format!("🔴 Take {bad} back in {name}")));
    paper.open(format!(
        "{bad} did not become ready, so {name} was put back to {to}{why}\n\nLive is as it was, and Git is not. **Merging this makes Git say what is live.** Closing it changes nothing: {name} stays as it is until Git says something new of it.\n\n"
    ));
    let files: Vec<String> = reverting
        .files
        .iter()
        .map(|file| escape::code(file))
        .collect();
    paper.list(
        &format!("As they were at {to}; others may read them, too"),
        &files,
    );
    paper.finish(&page.freshness("Put back"))
}

/// Returns a link to a pull request of ours, in words.
pub(super) fn link(asked: &Asked) -> String {
    let what = match asked.about {
        About::Approval => "approves it",
        About::Revert => "takes it back in Git, too",
        About::Drift => {
            "keeps what was changed by hand when it is merged, and puts it back when it is closed"
        }
    };
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '(' | ')' | '<' | '>');
    let url = asked.url.as_str();
    match url.starts_with("http") && url.chars().all(is_plain) {
        true => format!("[pull request #{}]({url}) {what}", asked.number),
        false => format!("pull request #{} {what}", asked.number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::fixtures::{plan_of, step};
    use crate::model::Action;
    use jiff::Timestamp;

    #[test]
    fn it_says_what_merging_and_closing_do_and_why_it_asks() {
        let page = Page {
            marker: "<!-- m -->",
            revision: &Revision::new("0123456789"),
            at: Timestamp::from_second(3600).unwrap(),
        };
        let plan = plan_of(vec![step("old", Action::Delete, 0, &[])]);
        let approving = Approving {
            hash: &Digest::of("plan"),
            why: "onMerge: propose.",
            again: "",
        };
        let text = approval_markdown(&plan, &approving, &page);
        for part in [
            "<!-- m -->\n### 🔴 Plan: 1 to delete in test",
            "applies exactly the plan below",
            Digest::of("plan").short(),
            "Closing it declines",
            "onMerge&#58; propose.",
            "**Deletes**",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let reverting = Reverting {
            environment: &EnvironmentName::new("shop").unwrap(),
            to: &Revision::new("abcdef0123456789"),
            why: "api: not ready",
            files: &["shop.yaml".to_owned()],
        };
        insta::assert_snapshot!(revert_markdown(&reverting, &page), @"
        <!-- m -->
        ### 🔴 Take `0123456789` back in shop

        `0123456789` did not become ready, so shop was put back to `abcdef0123`: api&#58; not ready

        Live is as it was, and Git is not. **Merging this makes Git say what is live.** Closing it changes nothing: shop stays as it is until Git says something new of it.

        **As they were at `abcdef0123`; others may read them, too**

        - `shop.yaml`

        <sub>Put back 1970-01-01 01:00 UTC for `0123456789`.</sub>
        ");
    }
}
