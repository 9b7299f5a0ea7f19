//! YAML text -> located nodes, and a reader that turns nodes into typed values and says every
//! mistake it meets. Pure: it is handed bytes and names no file system.
//!
//! ```text
//! bytes -> parse -> Document { root: Node, diagnostics } -> Reader + Fields -> typed values
//! ```
//!
//! One parser (granit-parser, the event parser under serde-saphyr) serves specs, settings and
//! manifests. It is read as events because a derived decoder stops at the first mistake, and because
//! Kubernetes manifests resolve plain scalars by YAML 1.1 as `kubectl` does ([`Flavour`]).

mod duration;
pub mod edit;
mod limits;
mod node;
pub mod notify;
mod parse;
mod place;
mod reader;
mod scalar;
mod suggest;

pub use duration::parse_duration;
pub use limits::Limits;
pub use node::{Content, Key, Node, Text};
pub use parse::{Document, Parsed, parse};
pub use place::{Place, Source};
pub use reader::{Fields, Reader};
pub use scalar::Flavour;
pub use suggest::nearest;
