//! The only door to live resources: the trait every provider is, and the registry of them.
//!
//! A provider knows one API. It never sees a plan. Inside one step it may look and send again where the
//! live side moved in ways that are no change, or had done nothing; a step as a whole it never repeats.

mod error;
mod host;
mod kubernetes;
mod pause;
mod registry;
mod rest;

pub use error::ProviderError;
pub use host::Host;
pub use kubernetes::{Import, Kubernetes, KubernetesSettings, Search, Watched};
pub use registry::{Patience, Registry};
pub use rest::{Catalogue, Rest};

use crate::model::{
    Address, Applied, Asked, Content, EnvironmentName, Kind, Live, Observed, Step, Unknown,
};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

/// Returns the rows of every kind of this binary, whether it is connected anywhere or not: what
/// `validate`, `explain` and the schemas know. A provider's rows are added here, in one line.
pub fn all_rows() -> Vec<Kind> {
    let mut rows = Vec::new();
    rows.extend(kubernetes::rows());
    rows.extend(host::rows());
    rows.extend(rest::Catalogue::built_in().rows());
    rows
}

/// The code that observes and applies kinds.
///
/// # Guarantees
/// - `observe` answers every question exactly once, in any order, and never fails as a whole: what
///   could not be told is `Unknown` with its reason. It may add answers nobody asked for: objects
///   that carry our mark for an environment of the question, found on the way.
/// - `observe` writes nothing. A dry-run is a question.
/// - `apply` carries out exactly `step.action`: it looks first whether a create already happened
///   (a kill may have come between the request and its record), refuses with
///   [`ProviderError::Moved`] where live state is no longer `step.mark`, and refuses to delete or
///   change what does not carry our mark, `Adopt` apart. For a kind whose proof is
///   [`crate::model::Proof::Record`] the recorded id stands for the mark.
/// - Where `apply` has to wait inside a step (until a delete makes room, until a change under way
///   ends), it ends as [`ProviderError::Stopped`] once `stop` is cancelled. Live state is then as
///   after a kill at that moment; the next run goes on from there.
/// - A delete that the live side has taken, and somebody holds back, is not waited for: it ends as
///   [`ProviderError::UnderWay`] within a minute, and `observe` tells since when it goes
///   ([`crate::model::Live::going_since`]) and, as health, what it waits for.
/// - No error, reason or output holds a secret in the clear.
///
/// # Assumptions
/// - `step.desired` and `step.connection` have no holes left.
/// - Never two `apply` calls for one address at a time; calls for different addresses run in parallel.
///
/// # Errors
/// `apply` says by [`crate::model::Class`] whose move it is; a time-out means "look again", not "failed".
#[async_trait]
pub trait Provider: Send + Sync {
    /// Returns what this provider knows, as rows of data.
    fn kinds(&self) -> &[Kind];
    /// Answers what is live.
    async fn observe(&self, asked: &[Asked]) -> Vec<Observed>;
    /// Tells what is in a container that a step is to delete or replace: all of it that would be lost, and neither
    /// what the live side makes by itself nor what goes with something else in there. What holds nothing is empty.
    ///
    /// # Errors
    /// Why some of it could not be told.
    async fn within(&self, _step: &Step, _live: &Live) -> Result<Vec<Content>, Unknown> {
        Ok(Vec::new())
    }
    /// Carries out one step. `stop` cuts waits short, never a request.
    async fn apply(&self, step: &Step, stop: &CancellationToken) -> Result<Applied, ProviderError>;
}

/// Lets a provider say "this may have changed": the schedule runs its environment soon. It carries no
/// state, so losing one costs only time until the next interval.
#[derive(Clone, Debug)]
pub struct Nudge(tokio::sync::mpsc::Sender<Nudged>);

/// What may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nudged {
    /// A live resource.
    Resource(Address),
    /// What a whole environment is made of.
    Environment(EnvironmentName),
}

impl Nudge {
    /// Makes a handle and the end the engine listens at. Full means: already plenty to do, dropped.
    pub fn channel(capacity: usize) -> (Self, tokio::sync::mpsc::Receiver<Nudged>) {
        let (sender, receiver) = tokio::sync::mpsc::channel(capacity);
        (Self(sender), receiver)
    }

    /// Says that the address may have changed.
    pub fn say(&self, address: Address) {
        let _full_or_gone = self.0.try_send(Nudged::Resource(address));
    }

    /// Says that what an environment reads may have changed.
    pub fn say_environment(&self, name: EnvironmentName) {
        let _full_or_gone = self.0.try_send(Nudged::Environment(name));
    }
}
