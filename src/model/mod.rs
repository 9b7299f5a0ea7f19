//! Shared nouns, plain data: what every room passes to the next.
//!
//! Nothing here reads a file, a clock, the network or the environment, and nothing here decides.
//!
//! ```text
//! Snapshot -> (spec, graph) -> Wanted -> Asked -> Observed -> Step -> Applied -> Outcome
//! ```

pub mod connection;
pub mod content;
pub mod diagnostic;
pub mod digest;
pub mod fault;
pub mod health_rule;
pub mod id;
pub mod kind;
pub mod kinds;
pub mod known;
pub mod map;
mod naming;
pub mod notify;
pub mod observation;
pub mod outcome;
pub mod owned;
pub mod path;
pub mod reconcile;
pub mod recorded;
pub mod render;
pub mod secret;
pub mod secret_source;
mod shared;
pub mod snapshot;
pub mod step;
pub mod value;
pub mod wanted;
pub mod window;

pub use connection::Connection;
pub use content::{Content, Within};
pub use diagnostic::{Diagnostic, Location, Severity};
pub use digest::{Digest, DigestKey};
pub use fault::{Class, Fault};
pub use health_rule::{HealthRule, Judge};
pub use id::{Address, ConnectionName, EnvironmentName, KindName, ResourceId, Revision, RunId};
pub use kind::{Inside, Kind, LAST_WAVE, Labels, ListRule, OnImmutable, Output, Proof, Select};
pub use kinds::Kinds;
pub use known::Known;
pub use map::Map;
pub use naming::and_more;
pub use notify::{Gravity, Mention, Notify};
pub use observation::{
    Asked, Depth, Health, Identity, Live, Mark, Marked, Observation, Observed, Owner, Prediction,
    Touch, Unknown, Verdict,
};
pub use outcome::{Applied, Outcome};
pub use owned::Owned;
pub use path::{FieldPath, PathPattern, Segment};
pub use reconcile::{DeletionBudget, Every, Lifecycle, OnDrift, OnFailure, OnMerge, Reconcile};
pub use recorded::Recorded;
pub use render::{Chart, ChartReference, Recipe, Render};
pub use secret::{MASK, Secret};
pub use secret_source::{ClusterSecret, SecretSource};
pub use snapshot::{File, RepoPath, Snapshot};
pub use step::{Action, Change, Origin, Step};
pub use value::{Hole, Value};
pub use wanted::{Basis, Veil, Wanted};
pub use window::{InvalidWindow, Window};
