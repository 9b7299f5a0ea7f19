//! What every error of every room can say about itself, so that the edge can print it and the
//! engine can decide without reading its text.

use serde::Serialize;

/// Whose move it is after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A person has to change a spec, a setting or a right.
    User,
    /// It may pass by itself; the schedule's back-off tries again.
    Transient,
    /// We declined on purpose: the world moved, a guard held, something is not ours.
    Refused,
    /// A bug of ours.
    Internal,
}

/// An error with a stable code, a hint and a class.
pub trait Fault: std::error::Error {
    /// Stable, lower-case, hyphened; for metrics, alert keys and JSON. Never derived from text.
    fn code(&self) -> &'static str;
    /// What the reader can do next, as a sentence; `None` where there is nothing to say.
    fn hint(&self) -> Option<String>;
    /// Whose move it is.
    fn class(&self) -> Class;
}
