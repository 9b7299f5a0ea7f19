//! What the demo shows: chapters in its own words, and beside a bar what would go to GitHub and
//! Slack, as the renderers wrote it.

use crate::deliver::forge::{Checks, Forge, ForgeError, Proposals, PullRequest, Status, Talk};
use crate::deliver::notify::{Message, Notifier, NotifyError, Posted};
use crate::deliver::render::as_written;
use crate::model::Revision;
use async_trait::async_trait;
use console::{Style, style};
use serde_json::Value;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

/// The terminal, written to by one at a time.
#[derive(Clone)]
pub(super) struct Screen {
    color: bool,
    turn: Arc<Mutex<()>>,
}

impl Screen {
    pub(super) fn new(color: bool) -> Self {
        Self {
            color,
            turn: Arc::default(),
        }
    }

    fn write(&self, text: &str) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stdout = std::io::stdout().lock();
        let _nobody_reads = stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush());
    }

    /// Tells whether colours may be used.
    pub(super) fn color(&self) -> bool {
        self.color
    }

    /// Begins a chapter.
    pub(super) fn chapter(&self, title: &str) {
        self.write(&format!(
            "\n{}\n",
            style(format!("■ {title}"))
                .bold()
                .cyan()
                .force_styling(self.color)
        ));
    }

    /// Says something in the demo's own words.
    pub(super) fn say(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// Shows a program's own output as it is.
    pub(super) fn show(&self, text: &str) {
        let lines: String = text.lines().map(|line| format!("  {line}\n")).collect();
        self.write(&lines);
    }

    /// Shows what would go elsewhere, beside a bar.
    fn barred(&self, title: &str, color: &Style, text: &str) {
        let bar = color
            .clone()
            .force_styling(self.color)
            .apply_to("┃")
            .to_string();
        let title = color
            .clone()
            .bold()
            .force_styling(self.color)
            .apply_to(title)
            .to_string();
        let lines: String = text
            .lines()
            .map(|line| format!("  {bar} {line}\n"))
            .collect();
        self.write(&format!("  {title}\n{lines}"));
    }
}

/// A message as Slack would show it, without its colours.
fn slack_text(message: &Message) -> String {
    let mut lines = Vec::new();
    for block in message.blocks.as_array().into_iter().flatten() {
        match block["type"].as_str() {
            Some("context") => {
                let texts = block["elements"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|one| one["text"].as_str());
                lines.extend(texts.map(str::to_owned));
            }
            _ => lines.extend(block["text"]["text"].as_str().map(str::to_owned)),
        }
    }
    as_written(&lines.join("\n"))
}

/// Slack, on the screen.
pub(super) struct ScreenNotifier {
    pub(super) screen: Screen,
}

#[async_trait]
impl Notifier for ScreenNotifier {
    async fn post(
        &self,
        channel: Option<&str>,
        thread: Option<&Posted>,
        message: &Message,
    ) -> Result<Option<Posted>, NotifyError> {
        let channel = channel.unwrap_or("#infra").to_owned();
        if thread.is_none() {
            self.screen.barred(
                &format!("Slack {channel}"),
                &Style::new().magenta(),
                &slack_text(message),
            );
        }
        Ok(Some(Posted {
            channel,
            id: message.text.clone(),
        }))
    }

    fn edits(&self) -> bool {
        false
    }

    async fn edit(&self, posted: &Posted, message: &Message) -> Result<(), NotifyError> {
        self.screen.barred(
            &format!("Slack {} (edited)", posted.channel),
            &Style::new().magenta(),
            &slack_text(message),
        );
        Ok(())
    }
}

/// GitHub, on the screen: the pull requests the demo opened, and what was written to them.
pub(super) struct ScreenForge {
    screen: Screen,
    state: Mutex<ForgeState>,
}

#[derive(Default)]
struct ForgeState {
    open: Vec<PullRequest>,
    merged: Vec<(Revision, PullRequest)>,
    comments: Vec<(u64, String)>,
}

impl ScreenForge {
    pub(super) fn new(screen: Screen) -> Self {
        Self {
            screen,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, ForgeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a pull request.
    pub(super) fn open(&self, pull: PullRequest) {
        self.state().open.push(pull);
    }

    /// Notes that a pull request was merged as a commit.
    pub(super) fn merge(&self, number: u64, revision: &str) {
        let mut state = self.state();
        if let Some(at) = state.open.iter().position(|pull| pull.number == number) {
            let pull = state.open.remove(at);
            state.merged.push((Revision::new(revision), pull));
        }
    }

    /// Tells how many comments a pull request has.
    pub(super) fn comments(&self, number: u64) -> usize {
        self.state()
            .comments
            .iter()
            .filter(|(on, _)| *on == number)
            .count()
    }
}

impl Checks for ScreenForge {}

impl Talk for ScreenForge {}

#[async_trait]
impl Forge for ScreenForge {
    async fn open_pull_requests(&self) -> Result<Vec<PullRequest>, ForgeError> {
        Ok(self.state().open.clone())
    }

    async fn merged_as(
        &self,
        revision: &Revision,
        _named: Option<u64>,
    ) -> Result<Vec<PullRequest>, ForgeError> {
        let state = self.state();
        let those = state.merged.iter().filter(|(merged, _)| merged == revision);
        Ok(those.map(|(_, pull)| pull.clone()).collect())
    }

    async fn put_comment(
        &self,
        number: u64,
        marker: &str,
        body: &str,
        _known: Option<u64>,
    ) -> Result<u64, ForgeError> {
        let shown = body.strip_prefix(marker).unwrap_or(body).trim();
        let mut state = self.state();
        let at = state
            .comments
            .iter()
            .position(|(on, text)| *on == number && text == marker);
        let title = if at.is_some() {
            "comment, rewritten"
        } else {
            "comment"
        };
        let at = at.unwrap_or_else(|| {
            state.comments.push((number, marker.to_owned()));
            state.comments.len() - 1
        });
        drop(state);
        self.screen.barred(
            &format!("GitHub pull request #{number}, {title}"),
            &Style::new().blue(),
            shown,
        );
        Ok(at as u64 + 1)
    }

    async fn put_status(&self, status: &Status<'_>) -> Result<(), ForgeError> {
        let Status {
            revision,
            context,
            state,
            description,
            ..
        } = *status;
        let state = serde_json::to_value(state).unwrap_or(Value::Null);
        let line = format!(
            "{} {context}: {description}",
            state.as_str().unwrap_or_default()
        );
        self.screen.barred(
            &format!("GitHub status on {}", revision.short()),
            &Style::new().blue(),
            &line,
        );
        Ok(())
    }
}

// Nothing in the demo opens any.
impl Proposals for ScreenForge {}
