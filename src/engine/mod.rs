//! The loop: what runs when, and one run from Git to its record.
//!
//! Decides nothing about a step (`plan` does) and lets nothing go (`route` does). What it does not do it says why, in
//! a sentence; how a plan, a comment or a message looks is `render`'s.
//!
//! ```text
//! follower ─ heard ─┐                        ┌ cycle = look -> route -> intent -> carry out -> close
//! provider ─ nudge ─┤                        │
//! person ── pause ──┼─> daemon -> schedule ──┼ ...one run an environment, several environments at once
//! clock ────────────┘    (pure: when)        └ teller: log, chat, the merged pull request
//! people ── approval ── pull requests of ours: what may be carried out only once they were merged
//! forge ── review ──── look at what a merge would give -> one comment a pull request
//! ```

mod approval;
mod assemble;
mod before;
mod beside;
mod claims;
mod cluster_secrets;
mod conditions;
mod cycle;
mod daemon;
mod drift;
mod error;
mod everywhere;
mod fleet;
mod follower;
mod hint;
mod journal;
mod look;
mod merges;
mod metrics;
mod neighbours;
mod observe;
mod origin;
mod past;
mod pinned;
mod report;
mod restore;
mod review;
mod rollback;
mod schedule;
mod spared;
mod standing;
mod tell;
mod trust;
mod unwatched;
mod veils;
mod waiting;
mod world;

pub use approval::{Asker, Gate};
pub use assemble::{
    Assembly, AssemblyError, assemble, client, followed, outside, registry, secrets_base,
    webhook_secret,
};
pub use claims::Claims;
pub use cycle::{Orders, carry_out, cycle};
pub use daemon::{Daemon, Followed, ORDERS_CHECK, Parts, View};
pub use error::CycleError;
pub use everywhere::Everywhere;
pub use fleet::{Arrival, Fleet, Kept, News};
pub use follower::Polling;
pub use hint::{Anew, Hint};
pub use look::{Looked, Subject, look};
pub use metrics::Counts;
pub use origin::{Folder, Origin};
pub use past::{PastError, check as check_past};
pub use pinned::Pinned;
pub use report::Report;
pub use review::{Proposal, Reviewer};
pub use rollback::Instead;
pub use schedule::{Pace, Reason};
pub use tell::{Audience, Ran, Teller, Ways};
pub use trust::{Merged, Trust};
pub use world::{Limits, World};
