//! A pull request that cannot be merged any more: what its comment says of a plan that no merge would
//! carry out.

use super::ReviewError;
use super::desk::Desk;
use super::memory::Memory;
use super::verdicts::Verdict;
use crate::deliver::forge::{PullRequest, StatusState};
use crate::deliver::render::{Page, conflict_markdown, many};
use crate::source::SourceError;

/// How many characters of a title may name files.
const ROOM: usize = 125;

impl Desk {
    /// Says that a pull request conflicts with its base: in the status, and in the comment where
    /// there is one, for what it says is void.
    pub(super) async fn say_conflict(
        &self,
        pull: &PullRequest,
        conflict: &SourceError,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        let paths: &[String] = match conflict {
            SourceError::Conflict { paths, .. } => paths,
            _ => &[],
        };
        let said = title(&pull.base_branch, paths);
        if memory.comment.is_none() {
            let verdict = Verdict::stable(StatusState::Failure, &said);
            return self.write_verdicts(pull, vec![verdict], memory).await;
        }
        let now = self.world.clock.now();
        let since = *memory.conflict_since.get_or_insert(now);
        let marker = self.marker();
        let verdict = Verdict::stable(StatusState::Failure, &said);
        let opinion = self.dated(vec![verdict], |at| {
            let page = Page {
                marker: &marker,
                revision: &pull.head,
                at,
            };
            conflict_markdown(&pull.base_branch, paths, since, &page)
        });
        self.write(pull, opinion, memory).await
    }
}

/// Names the branch and the files, those first of which there is room for.
fn title(base: &str, paths: &[String]) -> String {
    let mut title = format!("In conflict with {base}");
    for (nth, path) in paths.iter().enumerate() {
        let sign = if nth == 0 { ":" } else { "," };
        let more = format!("{sign} {path}");
        if title.chars().count() + more.chars().count() > ROOM {
            let left = paths.len() - nth;
            return format!("{title}{sign} {}", many_more(left, nth));
        }
        title.push_str(&more);
    }
    title
}

fn many_more(left: usize, named: usize) -> String {
    match named {
        0 => many(left, "file"),
        _ => format!("and {left} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn it_names_the_files_there_is_room_for() {
        let paths = |count: usize| (0..count).map(|nth| format!("environments/of-{nth}.yaml"));
        let said = |count| title("main", &paths(count).collect::<Vec<_>>());
        assert_eq!(said(1), "In conflict with main: environments/of-0.yaml");
        let many = said(9);
        assert!(many.ends_with("of-3.yaml, and 5 more"), "{many}");
        let long = title("main", &["x".repeat(200)]);
        assert_eq!(long, "In conflict with main: 1 file");
    }
}
