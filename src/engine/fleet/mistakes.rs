//! What is wrong where two repositories mean one environment.

use super::{Kept, Pinned};
use crate::model::{Diagnostic, Severity};
use crate::spec::Environment;

pub(super) fn kept_elsewhere(home: &str, environment: &Environment) -> Diagnostic {
    let name = &environment.name;
    Diagnostic {
        location: environment.location.clone(),
        severity: Severity::Error,
        code: "kept-elsewhere",
        message: format!("the repository {home} keeps {name}, and it has not been read yet"),
        hint: Some(format!(
            "Wait until it is read; to move {name} here, take {home} out of the settings or {name} out of it."
        )),
        source_line: String::new(),
        related: None,
    }
}

pub(super) fn same_name(old: &Kept, new: &Pinned) -> Diagnostic {
    Diagnostic {
        location: new.environment.location.clone(),
        severity: Severity::Error,
        code: "same-environment-name",
        message: format!(
            "the repository {} declares {} already, in {}",
            old.repository,
            new.name(),
            old.pinned.path
        ),
        hint: Some("Give one of them another name.".to_owned()),
        source_line: String::new(),
        related: None,
    }
}
