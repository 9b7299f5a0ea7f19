//! Plan -> the outside: which steps go now (`route`, pure), carrying them out, and telling people.
//!
//! Makes no choice about a step: the plan has made it. Never retries a step; the next run does.
//!
//! ```text
//! Plan -> route -> carry_out -> Outcome per address
//!      -> render -> terminal | markdown | slack | json
//! ```

mod carry_out;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod forge;
mod journal;
pub mod notify;
mod order;
pub mod render;
mod route;
mod sight;
mod wait;

pub use carry_out::{CarryOut, Fill, Progress, carry_out};
pub use journal::{Journal, JournalError};
pub use route::{About, Asked, Authority, Decision, Route, route};
pub use sight::Sight;
