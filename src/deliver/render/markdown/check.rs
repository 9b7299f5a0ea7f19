//! What stands in check runs: the plan of one environment, and the titles of all.

use super::paper::Paper;
use super::{Page, escape, plan};
use crate::deliver::render::merging::Beside;
use crate::plan::Plan;

/// Shows the plan of one environment, as the comment does, with the same guarantees.
pub fn summary_markdown(plan: &Plan, beside: &Beside, page: &Page<'_>) -> String {
    let mut paper = Paper::default();
    plan::environment(&mut paper, plan, beside);
    paper.rest(plan::REST.to_owned());
    paper.finish(&page.planned(std::slice::from_ref(plan)))
}

/// Lists check runs by name, each with its title.
pub fn titles_markdown<'a>(titles: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let item = |(name, title)| format!("{} {}", escape::code(name), escape::text(title));
    let mut paper = Paper::default();
    paper.list("Environments", &titles.map(item).collect::<Vec<_>>());
    paper.finish("")
}
