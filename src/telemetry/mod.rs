//! What the program says about itself: log, metrics, readiness, the error chain; and the one clock.
//!
//! Nothing here decides anything about an environment.

mod chain;
mod clock;
mod crash;
pub mod log;
pub mod metrics;
mod readiness;

pub use chain::{chain, with_cause};
pub use clock::Clock;
pub use crash::crash_point;
pub use metrics::Metrics;
pub use readiness::Readiness;
