//! What people ask of us on a pull request: `/reconciled plan` and `/reconciled help`, from whoever may write
//! to the repository. Everybody else is not heard. Answered once, also over a restart.

use super::desk::Desk;
use super::memory::Memory;
use super::{ReviewError, Reviewer};
use crate::deliver::forge::{PullRequest, Said, Sign};
use crate::deliver::render::help_markdown;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Nobody waits for the answer to what was asked so long ago.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);
/// GitHub counts whole seconds: in one that is over by this much nothing more is said.
const OVER: SignedDuration = SignedDuration::from_secs(10);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// A plan, now.
    Plan,
    /// What can be asked for.
    Help,
    /// What nobody can ask for, as it was written.
    Unknown(String),
}

/// A command, and the comment it stands in.
struct Asked {
    command: Command,
    comment: u64,
}

impl Command {
    /// Reads the first line of a comment. What we do not know is answered with what we do.
    fn read(text: &str) -> Option<Self> {
        let line = text.lines().find(|line| !line.trim().is_empty())?;
        let mut words = line.split_whitespace();
        if words.next() != Some("/reconciled") {
            return None;
        }
        match (words.next(), words.next()) {
            (Some("plan"), None) => Some(Self::Plan),
            (Some("help"), None) | (None, _) => Some(Self::Help),
            _ => Some(Self::Unknown(line.trim().to_owned())),
        }
    }
}

impl Reviewer {
    /// Tells whether nothing was said on a pull request since everything was heard.
    pub(super) fn is_quiet(&self, pull: &PullRequest) -> bool {
        let Some(moved_at) = pull.moved_at else {
            return true;
        };
        self.heard.get(&pull.number) == Some(&moved_at)
    }

    /// Remembers that everything was heard, where nothing more can be said in that second.
    pub(super) fn heard_all(&mut self, pull: &PullRequest, now: Timestamp) {
        if let Some(at) = pull.moved_at
            && now.duration_since(at) > OVER
        {
            self.heard.insert(pull.number, at);
        }
    }
}

impl Desk {
    /// Reads what was said since the last time. Returns what is to be done, oldest first.
    pub(super) async fn hear(
        &self,
        pull: &PullRequest,
        memory: &Memory,
    ) -> Result<Heard, ReviewError> {
        let said = self.forge.said_after(pull.number, memory.heard.as_ref());
        let said = said.await?;
        let now = self.world.clock.now();
        let mut commands = Vec::new();
        let mut may: BTreeMap<&str, bool> = BTreeMap::new();
        for one in &said {
            let Some(command) = Command::read(&one.text) else {
                continue;
            };
            if now.duration_since(one.at) > FORGOTTEN {
                continue;
            }
            let may_write = match may.get(one.by.as_str()) {
                Some(may_write) => *may_write,
                None => self.forge.may_write(&one.by).await?,
            };
            may.insert(&one.by, may_write);
            if may_write {
                let comment = one.id;
                commands.push(Asked { command, comment });
            } else {
                tracing::info!(
                    by = one.by,
                    "Command ignored, its author may not write to the repository"
                );
            }
        }
        Ok(Heard {
            commands,
            last: said.into_iter().next_back(),
        })
    }

    /// Answers commands whose work is done, and remembers that all was heard.
    pub(super) async fn answer(
        &self,
        pull: &PullRequest,
        heard: Heard,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        for Asked { command, comment } in heard.commands {
            let (unknown, sign) = match &command {
                Command::Unknown(line) => (Some(line.as_str()), Sign::Puzzled),
                Command::Plan | Command::Help => (None, Sign::Nod),
            };
            if command != Command::Plan {
                // Found by this, should we be killed before it is remembered.
                let marker = format!("<!-- reconciled:help:{comment} -->");
                let body = help_markdown(&marker, unknown);
                let put = self.forge.put_comment(pull.number, &marker, &body, None);
                put.await?;
            }
            self.forge.react(comment, sign).await?;
        }
        if let Some(last) = heard.last {
            memory.heard = Some(last);
        }
        Ok(())
    }
}

/// What was said since the last time.
#[derive(Default)]
pub(super) struct Heard {
    commands: Vec<Asked>,
    last: Option<Said>,
}

impl Heard {
    /// Tells whether somebody asks for this.
    pub(super) fn asks_for(&self, command: &Command) -> bool {
        self.commands.iter().any(|one| one.command == *command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_the_first_line_and_nothing_else() {
        let unknown = |line: &str| Some(Command::Unknown(line.to_owned()));
        for (text, command) in [
            ("/reconciled plan", Some(Command::Plan)),
            ("\r\n  /reconciled   plan  \r\nplease", Some(Command::Plan)),
            ("/reconciled help", Some(Command::Help)),
            ("/reconciled", Some(Command::Help)),
            (
                "/reconciled plan production",
                unknown("/reconciled plan production"),
            ),
            (" /reconciled aply \nnow", unknown("/reconciled aply")),
            ("/reconciledplan", None),
            ("Try `/reconciled plan`", None),
            ("> /reconciled plan", None),
            ("hello\n/reconciled plan", None),
            ("", None),
        ] {
            assert_eq!(Command::read(text), command, "{text:?}");
        }
    }
}
