//! Who made a commit and when, and what its first line says.

use jiff::Timestamp;

/// What a commit says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The author's name. Anybody who may push can write any.
    pub by: String,
    /// The first line of its message.
    pub subject: String,
    /// When it was committed, by the clock of whoever did; `None` where that is no time.
    pub at: Option<Timestamp>,
}

impl Word {
    pub(super) fn of(commit: &git2::Commit<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let author = commit.author();
        Self {
            by: text(author.name_bytes()),
            subject: text(
                commit
                    .message_bytes()
                    .split(|byte| *byte == b'\n')
                    .next()
                    .unwrap_or_default(),
            ),
            at: Timestamp::from_second(commit.time().seconds()).ok(),
        }
    }

    /// Returns the pull request it says it merged, as GitHub words its own merges and squashes.
    pub fn pull(&self) -> Option<u64> {
        let merged = self.subject.strip_prefix("Merge pull request #");
        let merged = merged.and_then(|rest| rest.split(' ').next());
        let squashed = self.subject.strip_suffix(')');
        let squashed = squashed.and_then(|rest| rest.rsplit_once(" (#"));
        let number = merged.or(squashed.map(|(_, number)| number))?;
        number.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_of_githubs_says_which_pull_request() {
        let pull = |subject: &str| {
            let word = Word {
                by: String::new(),
                subject: subject.to_owned(),
                at: None,
            };
            word.pull()
        };
        assert_eq!(pull("Merge pull request #7 from acme/topic"), Some(7));
        assert_eq!(pull("Greet the shop (#12)"), Some(12));
        assert_eq!(pull("Greet the shop"), None);
        assert_eq!(pull("Fix (#x)"), None);
        assert_eq!(pull("Merge pull request #<!channel>"), None);
    }
}
