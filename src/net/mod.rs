//! Outbound HTTP and child processes: the only door to either, so that deadlines, repeats, rate
//! limits and the hiding of credentials have one owner.
//!
//! ```text
//! Request -> limiter, flow -> one pool -> repeat (429, 503, nothing sent) -> Response
//! Command -> scrubbed environment, argv -> deadline, cap -> Output
//! ```

pub mod flow;
pub mod http;
pub mod limiter;
pub mod lost;
pub mod process;

pub use flow::{Flow, Slot};
pub use http::{Client, HttpError, HttpSettings, Request, Response};
pub use limiter::{Limiter, Limiters};
pub use lost::Lost;
pub use process::{Command, Output, Piped, ProcessError};
