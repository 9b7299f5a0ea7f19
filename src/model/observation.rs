//! What is asked of the live side and what it answered.

use super::connection::Connection;
use super::fault::Class;
use super::health_rule::HealthRule;
use super::id::{Address, KindName};
use super::kind::ListRule;
use super::map::Map;
use super::owned::Owned;
use super::path::{FieldPath, PathPattern};
use super::value::Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How deep to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Is it there, and whose is it? Enough to prune.
    Identity,
    /// The live value.
    Read,
    /// The live value and, where the server can tell, what a write would make of it, for objects
    /// that are there. A reconcile pass asks this: a creation is validated by the write itself.
    Predict,
    /// Like `Predict`, for objects that are not there too. Pull requests and the CLI ask this.
    PredictAll,
}

/// The values of a kind's identity fields: which live object is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(pub Vec<(String, String)>);

impl Identity {
    /// The field that a connection may say for it.
    pub const NAMESPACE: &str = "/metadata/namespace";

    /// Returns the value of one identity field, by its pointer (`/metadata/name`).
    pub fn get(&self, pointer: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| field == pointer)
            .map(|(_, value)| value.as_str())
    }

    /// Tells whether it says in which namespace the object is: else that is its connection's to say.
    pub fn names_namespace(&self) -> bool {
        self.get(Self::NAMESPACE)
            .is_some_and(|name| !name.is_empty())
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let values: Vec<&str> = self
            .0
            .iter()
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
            .collect();
        f.write_str(&values.join(" "))
    }
}

/// One question to a provider.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asks.
    pub address: Address,
    /// The kind, as a name of the provider's own rows.
    pub kind: KindName,
    /// Where to look.
    pub connection: Arc<Connection>,
    /// Which live object.
    pub identity: Identity,
    /// What Git declares; `None` where it is only looked for to be deleted.
    pub desired: Option<Arc<Value>>,
    /// What was applied last, where the ledger knows.
    pub owned: Option<Arc<Owned>>,
    /// How deep to look.
    pub depth: Depth,
    /// Whether an expression reads its outputs; where none does they may be left out.
    pub is_read: bool,
    /// Whether the live side itself has to answer: nothing that was heard of it before will do.
    pub afresh: bool,
    /// Fields that are left as they are live: nothing is predicted that would change them.
    pub ignore: Vec<PathPattern>,
    /// When it works, where the spec says.
    pub health: Vec<HealthRule>,
}

impl Asked {
    /// Returns what the provider told of this object when it was last left, where the ledger knows.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.owned.as_ref()?.verdict.as_ref()
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Which resource is meant.
    pub address: Address,
    /// What was seen.
    pub observation: Observation,
    /// What it is about, where nobody asked: the mark of this address was found on it.
    pub unasked: Option<Marked>,
}

impl Observed {
    /// Answers one question.
    pub fn answer(asked: &Asked, observation: Observation) -> Self {
        Self {
            address: asked.address.clone(),
            observation,
            unasked: None,
        }
    }
}

/// A live object that carries a mark of ours and that nobody asked about.
#[derive(Clone, Debug)]
pub struct Marked {
    /// Its kind.
    pub kind: KindName,
    /// Where it was found.
    pub connection: Arc<Connection>,
    /// Which live object it is.
    pub identity: Identity,
}

/// What was seen of one resource. An error is never an empty answer: it is `Unknown`.
#[derive(Clone, Debug)]
pub enum Observation {
    /// It is there.
    Present(Box<Live>),
    /// The live side said that it is not there.
    Absent {
        /// What creating it would give, where that was asked and can be told.
        prediction: Option<Prediction>,
    },
    /// It could not be told.
    Unknown {
        /// Why, as a sentence fragment without secrets.
        reason: String,
        /// Stable, hyphened, for alert keys: `unreachable`, `forbidden`, `timeout`, `not-served` …
        code: &'static str,
        /// Whose move it is.
        class: Class,
    },
}

/// Why something of the live side could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Why, as a sentence fragment without secrets.
    pub reason: String,
    /// Stable, hyphened, for alert keys.
    pub code: &'static str,
    /// Whose move it is.
    pub class: Class,
}

impl From<Unknown> for Observation {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown {
            reason: unknown.reason,
            code: unknown.code,
            class: unknown.class,
        }
    }
}

/// The state of a resource that is there.
#[derive(Clone, Debug)]
pub struct Live {
    /// Its fields under the provider's own names; secrets sealed.
    pub value: Arc<Value>,
    /// What expressions can read; secrets sealed.
    pub outputs: Map,
    /// What a write of the declared fields would give.
    pub prediction: Option<Prediction>,
    /// Whose mark it carries; `None` where it carries none.
    pub owner: Option<Owner>,
    /// What it looked like, for "has it moved since".
    pub mark: Mark,
    /// The id the live side made for it.
    pub external_id: Option<String>,
    /// Whether it works.
    pub health: Health,
    /// Since when it is being deleted; its health says what it waits for. `None` where it stays.
    pub going_since: Option<Timestamp>,
    /// Who changed what, newest first, where the live side knows.
    pub touched_by: Vec<Touch>,
    /// How lists of this very object are matched, where the live side tells; before the kind's own rules.
    pub lists: Vec<(PathPattern, ListRule)>,
    /// Where a write would change nothing: how to know that again without asking.
    pub verdict: Option<Verdict>,
    /// The tool that applied it from files and keeps no claim on it (`kubectl`): Git takes such an object
    /// over without being told to.
    pub applied_by: Option<&'static str>,
}

impl Live {
    /// Takes in what a write would give; what it would leave as it is is shared, since there are thousands.
    pub fn foretell(&mut self, mut prediction: Option<Prediction>) {
        if let Some(Prediction::Becomes { value, .. }) = &mut prediction
            && *value == self.value
        {
            *value = Arc::clone(&self.value);
        }
        self.prediction = prediction;
    }
}

/// Whose mark a live object carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Owner {
    /// A resource of ours, maybe of another environment.
    Resource(Address),
    /// Another tool, named: `Helm release shop/api`, `Argo CD application api`.
    Foreign(String),
}

/// A version of live state: resourceVersion, etag, content hash. Opaque to all but its provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(pub String);

/// That a write of one declared state would change nothing of one live state, so that neither has to be
/// asked about again while both stand. Opaque to all but its provider; no secret can be guessed from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Verdict(pub String);

/// Whether a resource works, from good to bad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Health {
    /// It serves.
    Ready,
    /// Somebody paused it, so that nobody waits for it, and nothing is known of how it will fare; what of it is
    /// not there.
    Paused(String),
    /// Not yet; why.
    Progressing(String),
    /// It does not work, and something tries again: it may heal until its time is over. The cause and, after
    /// a line break, what to do next.
    Failing(String),
    /// The live side itself calls it final: it will not work by itself. Said as above.
    Failed(String),
}

impl Health {
    /// Returns why it does not work; `None` where it does.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Paused(why) | Self::Progressing(why) | Self::Failing(why) | Self::Failed(why) => {
                Some(why)
            }
        }
    }

    /// Returns it with other words for why it does not work.
    #[must_use]
    pub fn reworded(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Ready => Self::Ready,
            Self::Paused(why) => Self::Paused(words(why)),
            Self::Progressing(why) => Self::Progressing(words(why)),
            Self::Failing(why) => Self::Failing(words(why)),
            Self::Failed(why) => Self::Failed(words(why)),
        }
    }

    /// Returns how bad it is: more is worse.
    pub fn badness(&self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::Paused(_) => 1,
            Self::Progressing(_) => 2,
            Self::Failing(_) => 3,
            Self::Failed(_) => 4,
        }
    }
}

/// Who changed a live resource, with what and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Touch {
    /// The field, where the live side tells per field.
    pub path: Option<FieldPath>,
    /// A user, a field manager, a uid: as the live side names it.
    pub by: String,
    /// When; `None` where it is not told.
    pub at: Option<Timestamp>,
}

impl Touch {
    /// How it begins where the live side does not tell who it was.
    pub const UNKNOWN: &str = "unknown";

    /// Tells whether it is about a field: about what that is part of, or what is part of that.
    pub fn concerns(&self, field: &FieldPath) -> bool {
        let on_one_line = |path: &FieldPath| {
            let pairs = path.0.iter().zip(&field.0);
            pairs.into_iter().all(|(one, other)| one == other)
        };
        self.path.as_ref().is_none_or(on_one_line)
    }

    /// Tells whether it says who it was.
    pub fn is_known(&self) -> bool {
        !self.by.starts_with(Self::UNKNOWN)
    }
}

/// What the server says a write of the declared fields would give.
#[derive(Clone, Debug)]
pub enum Prediction {
    /// The object after the write, comparable with `Live::value` field by field, in full.
    Becomes {
        /// The whole object after the write; secrets sealed. What a write does not change is shared with
        /// `Live::value`.
        value: Arc<Value>,
        /// Fields we declare but leave to another owner, and to whom.
        yielded: Vec<(FieldPath, String)>,
        /// What to send so that exactly this happens; opaque, handed back in `Step::payload`.
        payload: Option<Value>,
        /// Fields that stand in `value` as declared, though the server would keep them as they are live.
        kept: Vec<FieldPath>,
    },
    /// The server would refuse, and says why.
    Refused {
        /// The server's words without secrets.
        reason: String,
        /// The fields it cannot change in place; empty where the refusal is about something else.
        immutable: Vec<FieldPath>,
    },
    /// It cannot be told before something else of this plan is applied; what.
    Deferred(String),
}
