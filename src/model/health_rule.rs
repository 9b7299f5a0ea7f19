//! A rule of a spec that tells of a live object whether it works.

use super::observation::Health;
use super::value::Value;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// When objects of a kind work, in CEL over the live `object`. Two are equal that say the same.
#[derive(Clone, Debug, Serialize)]
pub struct HealthRule {
    /// Which version of the kind it is for, as in `shop.example/v1`; `None` means any.
    pub api_version: Option<String>,
    /// Which kind it is for, as in `Database`; `None` means any.
    pub kind: Option<String>,
    /// Holds where it is ready.
    pub ready: String,
    /// Holds where it will not become so by itself.
    pub failed: Option<String>,
    /// The two, read and ready to be asked. Who looks at objects knows no expressions.
    #[serde(skip)]
    pub judge: Arc<dyn Judge>,
}

/// What a rule has to say of objects.
pub trait Judge: fmt::Debug + Send + Sync {
    /// Tells whether a live object works. What cannot be computed is not ready yet: the field may come.
    fn judged(&self, object: &Value) -> Health;

    /// Returns one that judges the same, and names the rule by its place where it would quote it. A branch could
    /// write guesses of a secret there: what is told is shown without secrets, and so without the right one.
    fn unquoted(&self) -> Arc<dyn Judge>;
}

impl HealthRule {
    /// Returns it as it is told of a branch, by its place.
    #[must_use]
    pub fn unquoted(&self) -> Self {
        Self {
            judge: self.judge.unquoted(),
            ..self.clone()
        }
    }
}

impl PartialEq for HealthRule {
    fn eq(&self, other: &Self) -> bool {
        let said = |one: &Self| {
            let texts = [&one.api_version, &one.kind, &one.failed];
            (one.ready.clone(), texts.map(Clone::clone))
        };
        said(self) == said(other)
    }
}

impl Eq for HealthRule {}
