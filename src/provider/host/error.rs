//! What goes wrong on a host, told once and shown in both shapes: unknown when looking, an error
//! when applying.

use crate::model::{Class, Fault, Observation};
use crate::provider::ProviderError;
use std::io;

/// Why a host could not be looked at or changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HostError {
    /// The daemon's settings keep environments away from this host.
    #[error("reach this host: the daemon's settings do not let environments write here")]
    NotAllowed,
    /// The connection's settings cannot be used.
    #[error("use the connection {connection}: {reason}")]
    Settings { connection: String, reason: String },
    /// The root folder is not there.
    #[error("open the root folder {root}: {source}")]
    Root { root: String, source: io::Error },
    /// The root folder is there, and not what was in it.
    #[error(
        "find our records in the root folder {root}: it is not mounted, or was emptied, and the ledger knows files of ours there"
    )]
    NotMounted { root: String },
    /// The spec says something that no host can do.
    #[error("use the {field} of {what}: {reason}")]
    Spec {
        what: String,
        field: &'static str,
        reason: String,
    },
    /// Something else than a file or folder is in the way.
    #[error("reach {path}: {found}")]
    InTheWay { path: String, found: String },
    /// A call to the system failed.
    #[error("{doing} {path}: {source}")]
    Io {
        doing: &'static str,
        path: String,
        source: io::Error,
    },
    /// What would be overwritten cannot be kept.
    #[error("keep the original of {path}: it has {size} bytes, more than the 8 MiB that are kept")]
    TooLargeToKeep { path: String, size: u64 },
    /// The record of whose it is cannot be read.
    #[error("read the ownership mark of {path}: {reason}")]
    Record { path: String, reason: String },
    /// nginx is not there.
    #[error("check {what}: nginx is not installed on this host")]
    NoNginx { what: String },
    /// nginx refused; everything is as it was before.
    #[error("check {what}: {words}; the site is as it was before")]
    NginxRefused { what: String, words: String },
    /// nginx could not be asked.
    #[error("check {what}: {reason}")]
    NginxSilent { what: String, reason: String },
}

impl HostError {
    /// Names what was done to which path, for `map_err`.
    pub(super) fn io(
        doing: &'static str,
        path: impl ToString,
    ) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |errno| Self::Io {
            doing,
            path: path.to_string(),
            source: errno.into(),
        }
    }

    /// Like `io`, for calls of the standard library.
    pub(super) fn std(doing: &'static str, path: impl ToString) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_string(),
            source,
        }
    }

    /// Shows it as "could not be told".
    pub(super) fn unknown(&self) -> Observation {
        Observation::Unknown {
            reason: match self.hint() {
                Some(hint) => format!("{self}. {hint}"),
                None => self.to_string(),
            },
            code: self.code(),
            class: self.class(),
        }
    }

    /// Shows it as "not carried out".
    pub(super) fn refusal(self, what: String) -> ProviderError {
        let said = (self.to_string(), self.hint());
        ProviderError::sorted(what, self.class(), self.code(), said)
    }
}

fn is_denied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

impl Fault for HostError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed => "not-allowed",
            Self::Settings { .. } => "bad-connection",
            Self::Root { .. } => "unreachable",
            Self::NotMounted { .. } => "not-mounted",
            Self::Spec { .. } | Self::NginxRefused { .. } => "invalid",
            Self::InTheWay { .. } => "in-the-way",
            Self::TooLargeToKeep { .. } => "too-large",
            Self::Io { source, .. } if is_denied(source) => "forbidden",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => "disk-full",
            Self::Io { .. } => "io",
            Self::Record { .. } => "bad-mark",
            Self::NoNginx { .. } => "nginx-missing",
            Self::NginxSilent { .. } => "nginx-silent",
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAllowed => {
                "Say `providers: { host: { allowed: true, root: /some/folder } }` in its settings."
            }
            Self::Settings { .. } => "Write the root as an absolute path, e.g. `root: /`.",
            Self::Root { .. } => {
                "Make the folder, or correct `root` of the connection; it is not made by itself, since a disk that is not mounted looks the same."
            }
            Self::NotMounted { .. } => {
                "Mount it. Where it was emptied on purpose, make the folder `.reconciled` in it: all is made anew then."
            }
            Self::Spec { .. } => "Correct the field in the environment's file.",
            Self::InTheWay { .. } => {
                "Name the real path, or move away what is there: links are never followed, and only plain files are managed."
            }
            Self::TooLargeToKeep { .. } => "Move the file away yourself; then it is made anew.",
            Self::Io { source, .. } if is_denied(source) => {
                "Give the daemon's account the right to do it, or leave the file to another account."
            }
            Self::Io { .. } => return None,
            Self::Record { .. } => "Remove the record; the file is then adopted again.",
            Self::NoNginx { .. } => "Install nginx, or take the site out of the environment.",
            Self::NginxRefused { .. } => "Correct the site's content; nginx names the line.",
            Self::NginxSilent { .. } => "Look at the host: nginx could not be run.",
        };
        Some(hint.to_owned())
    }

    fn class(&self) -> Class {
        match self {
            Self::NotAllowed
            | Self::Settings { .. }
            | Self::Spec { .. }
            | Self::InTheWay { .. }
            | Self::TooLargeToKeep { .. }
            | Self::Record { .. }
            | Self::NoNginx { .. }
            | Self::NginxRefused { .. } => Class::User,
            Self::Io { source, .. } if is_denied(source) => Class::User,
            Self::Root { .. }
            | Self::NotMounted { .. }
            | Self::Io { .. }
            | Self::NginxSilent { .. } => Class::Transient,
        }
    }
}
