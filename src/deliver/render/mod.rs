//! Plans, runs, drift and mistakes as people and programs read them. Pure: text in no other sense
//! than what it is given, no clock, nothing sent.
//!
//! ```text
//! Step -> lines (+ ~ -, secrets masked, everything from outside made harmless, huge values cut)
//!      -> terminal | markdown | slack       json has its own, documented shape
//! ```

mod clean;
mod danger;
mod event;
mod json;
mod lines;
mod markdown;
mod merging;
mod object;
mod run;
mod slack;
mod terminal;
mod words;

pub use clean::{line as harmless, reason as harmless_reason};
pub use danger::most_dangerous;
pub use event::{MOST_OF_AN_EVENT, interrupted_step, run_event};
pub use json::{ChangeJson, PlanJson, RunJson, StepJson, diagnostics_json, plan_json, run_json};
pub use markdown::{
    Approving, Drifting, Page, Reverting, RolledBack, approval_markdown, conflict_markdown,
    drift_markdown, help_markdown, overtaken_markdown, plan_markdown, revert_markdown,
    rolled_back_markdown, run_markdown, summary_markdown, titles_markdown, validation_markdown,
};
pub use merging::{Beside, Gone, Merging, changed_settings, planned};
pub use run::{Broken, Difference, Episode, EpisodeEnd, RunResult};
pub use slack::{
    About, Back, Brought, Going, Links, RunWords, as_written, brought_slack, course_slack,
    daily_slack, dropped_slack, each_slack, episode_slack, going_slack, mentioning, notice_slack,
    over_slack, run_slack, so_far_slack,
};
pub use terminal::{
    Screen, diagnostics_terminal, ended_terminal, plan_terminal, recorded_terminal,
    run_rest_terminal, run_terminal, waiting_terminal,
};
pub use words::{Counts, many, touched, verdict as plan_title};
