//! The Git protocol, version 2, from the asking side: where references stand, and one pack of objects
//! (git, Documentation/gitprotocol-v2.txt). Blocking; keeps nothing.
//!
//! ```text
//! Place -> Door (http, ssh, daemon) -> Session -> references | pack
//! ```

mod answer;
mod daemon;
mod door;
mod http;
mod pkt;
mod session;
mod ssh;

pub(crate) use session::{Ask, Session, WHOLE};
