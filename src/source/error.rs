//! Why a repository, a folder or an outside secret was not read. Each state is its own variant, so
//! that none of them can look like an empty repository.

use crate::model::{Class, Fault, and_more};

/// What an error stands on, kept out of the text.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why nothing was read. Texts name the target and never hold a credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The address, the credentials or another setting cannot be used at all.
    #[error("use repository {target}: {reason}")]
    Setting {
        /// The target's name.
        target: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection, or it broke.
    #[error("reach repository {target}: {reason}")]
    Unreachable {
        /// The target's name.
        target: String,
        /// What was seen.
        reason: String,
        /// What it stands on.
        #[source]
        source: Option<Cause>,
    },
    /// The deadline passed.
    #[error("fetch repository {target} within {seconds} s")]
    Timeout {
        /// The target's name.
        target: String,
        /// The deadline, in seconds.
        seconds: u64,
    },
    /// The server wants credentials, or refused ours.
    #[error("sign in to repository {target}: {reason}")]
    Credentials {
        /// The target's name.
        target: String,
        /// What the server said.
        reason: String,
    },
    /// The server refused what ssh signed in with.
    #[error("sign in to repository {target} over ssh: {reason}")]
    SshKey {
        /// The target's name.
        target: String,
        /// What `ssh` said.
        reason: String,
    },
    /// The server's SSH host key is unknown or is another one.
    #[error("trust the host of repository {target}: {reason}")]
    HostKey {
        /// The target's name.
        target: String,
        /// What `ssh` said.
        reason: String,
    },
    /// There is no repository at the address (or we may not see it).
    #[error("find repository {target}: {reason}")]
    MissingRepository {
        /// The target's name.
        target: String,
        /// What was seen.
        reason: String,
    },
    /// There is a folder of this machine, and no repository in it.
    #[error("find repository {target}: {path} is no Git repository")]
    NoRepository {
        /// The target's name.
        target: String,
        /// The folder.
        path: String,
    },
    /// The repository is there and has no commit at all.
    #[error("read repository {target}: it has no commits yet")]
    EmptyRepository {
        /// The target's name.
        target: String,
    },
    /// The repository has no such branch.
    #[error("find {reference} in repository {target}")]
    MissingBranch {
        /// The target's name.
        target: String,
        /// The full name of what was looked for.
        reference: String,
        /// The branches there are, by name.
        branches: Vec<String>,
    },
    /// The repository has no such revision, or no longer.
    #[error("find revision {revision} in repository {target}")]
    MissingRevision {
        /// The target's name.
        target: String,
        /// The revision.
        revision: String,
    },
    /// A branch is at another commit than it was said to be.
    #[error("find commit {wanted} at {reference} in repository {target}: another is there")]
    Elsewhere {
        /// The target's name.
        target: String,
        /// The full name of the branch.
        reference: String,
        /// The commit that was to be there.
        wanted: String,
    },
    /// The folder that is to be read is not there.
    #[error("find folder {folder} in repository {target}")]
    MissingFolder {
        /// The target's name.
        target: String,
        /// The folder.
        folder: String,
    },
    /// A limit on what is read.
    #[error("read repository {target}: it has more than {limit} {what}")]
    TooLarge {
        /// The target's name.
        target: String,
        /// The limit that was passed.
        limit: u64,
        /// Of what: `files and folders`, `bytes in its files`, `bytes to fetch`.
        what: &'static str,
    },
    /// The merge does not go through by itself.
    #[error("merge {head} into {base} of repository {target}: {} {} in conflict", paths.len(), if paths.len() == 1 { "file is" } else { "files are" })]
    Conflict {
        /// The target's name.
        target: String,
        /// What is merged into.
        base: String,
        /// What is merged.
        head: String,
        /// The files in conflict, in order.
        paths: Vec<String>,
    },
    /// The two have no history in common.
    #[error("merge {head} into {base} of repository {target}: they have no history in common")]
    Unrelated {
        /// The target's name.
        target: String,
        /// What is merged into.
        base: String,
        /// What is merged.
        head: String,
    },
    /// What was read is damaged, or not what the protocol allows.
    #[error("read repository {target}: {reason}")]
    Corrupt {
        /// The target's name.
        target: String,
        /// What is damaged.
        reason: String,
        /// What it stands on.
        #[source]
        source: Option<Cause>,
    },
    /// This machine's file system refused.
    #[error("{doing} for repository {target}")]
    Disk {
        /// The target's name.
        target: String,
        /// What was being done, with the path: `write /var/…`.
        doing: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process holds the cache folder.
    #[error("lock the cache of repository {target}: another process holds {path}")]
    Locked {
        /// The target's name.
        target: String,
        /// The lock's path.
        path: String,
    },
    /// A secret outside the repository is not there, or not usable.
    #[error("read a secret from {place}: {reason}")]
    Secret {
        /// The variable or the file.
        place: String,
        /// What is wrong; never the content.
        reason: String,
    },
    /// A secret in a file that SOPS encrypted cannot be had.
    #[error("read a secret from {place}: {reason}")]
    Sops {
        /// The value and the file.
        place: String,
        /// What is wrong; never the content.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// The caller dropped its interest.
    #[error("finish reading repository {target}: it was cancelled")]
    Cancelled {
        /// The target's name.
        target: String,
    },
    /// A bug of ours.
    #[error("read repository {target}: {reason}")]
    Internal {
        /// The target's name.
        target: String,
        /// What was seen.
        reason: String,
    },
}

impl SourceError {
    /// Tells whether nobody answered; else what was reached, or what is here, is not as it should be.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. })
    }
}

impl Fault for SourceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Setting { .. } => "repository-setting",
            Self::Unreachable { .. } => "repository-unreachable",
            Self::Timeout { .. } => "repository-timeout",
            Self::Credentials { .. } | Self::SshKey { .. } => "repository-credentials",
            Self::HostKey { .. } => "repository-host-key",
            Self::MissingRepository { .. } | Self::NoRepository { .. } => "repository-missing",
            Self::EmptyRepository { .. } => "repository-empty",
            Self::MissingBranch { .. } => "branch-missing",
            Self::MissingRevision { .. } => "revision-missing",
            Self::Elsewhere { .. } => "branch-elsewhere",
            Self::MissingFolder { .. } => "folder-missing",
            Self::TooLarge { .. } => "repository-too-large",
            Self::Conflict { .. } => "merge-conflict",
            Self::Unrelated { .. } => "merge-unrelated",
            Self::Corrupt { .. } => "repository-corrupt",
            Self::Disk { .. } => "cache-disk",
            Self::Locked { .. } => "cache-locked",
            Self::Secret { .. } | Self::Sops { .. } => "secret-unavailable",
            Self::Cancelled { .. } => "repository-cancelled",
            Self::Internal { .. } => "repository-internal",
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Setting { .. } => "Correct the repository's entry in the settings.",
            Self::Unreachable { .. } | Self::Timeout { .. } => {
                "It is tried again by itself. If it stays so, look at the address, the network and the server."
            }
            Self::Credentials { .. } => {
                "Check that the token or key is set, has not expired, and may read this repository."
            }
            Self::SshKey { .. } => {
                "Where the settings name no `key`, the agent is asked: `ssh-add -l` lists what it holds, and SSH_AUTH_SOCK has to be set where the daemon runs. A key that is named has to be readable there and without a passphrase; its public half has to be allowed to read this repository."
            }
            Self::HostKey { .. } => {
                "Put the server's host key, as its owner publishes it, into the known-hosts file of the settings."
            }
            Self::MissingRepository { .. } => {
                "Check the address. Servers also answer so where the credentials may not see the repository."
            }
            Self::NoRepository { .. } => {
                "`git init` and a first commit make it one; or name it as `workingFolder`, which is followed as it is."
            }
            Self::EmptyRepository { .. } => "Push a first commit. Nothing is changed meanwhile.",
            Self::MissingBranch { branches, .. } if !branches.is_empty() => {
                return Some(format!(
                    "It has {}. Push the branch, or correct its name in the settings. Nothing is changed meanwhile.",
                    and_more(branches, MOST_BRANCHES)
                ));
            }
            Self::MissingBranch { .. } => {
                "Push the branch, or correct its name in the settings. Nothing is changed meanwhile."
            }
            Self::MissingRevision { .. } => {
                "It may have been rewritten away. The next fetch takes the branch as it is now."
            }
            Self::Elsewhere { .. } => "It is looked at again in a moment.",
            Self::MissingFolder { .. } => {
                "Push the folder, or correct it in the settings. Nothing is changed meanwhile."
            }
            Self::TooLarge { .. } => {
                "Raise the limit in the settings, or name the folder that holds the environments."
            }
            Self::Conflict { .. } => "Merge or rebase the branch and resolve the conflict there.",
            Self::Unrelated { .. } => "Start the branch from the one it is to be merged into.",
            Self::Corrupt { .. } => {
                "Our copy is fetched anew by itself. If it stays so, run `git fsck` on the server."
            }
            Self::Disk { .. } => "Check the rights and the free space of the cache folder.",
            Self::Locked { .. } => {
                "Stop the other process, or give this one a cache folder of its own."
            }
            Self::Secret { .. } => {
                "Provide it where reconciled runs, for the user it runs as; or take what names it out of the settings or the spec."
            }
            Self::Sops { hint, .. } => hint,
            Self::Internal { .. } => "Please report it with the log of this run.",
            Self::Cancelled { .. } => return None,
        };
        Some(hint.to_owned())
    }

    fn class(&self) -> Class {
        match self {
            Self::Setting { .. }
            | Self::Credentials { .. }
            | Self::SshKey { .. }
            | Self::HostKey { .. }
            | Self::MissingRepository { .. }
            | Self::NoRepository { .. }
            | Self::EmptyRepository { .. }
            | Self::MissingBranch { .. }
            | Self::MissingFolder { .. }
            | Self::TooLarge { .. }
            | Self::Conflict { .. }
            | Self::Unrelated { .. }
            | Self::Locked { .. }
            | Self::Secret { .. }
            | Self::Sops { .. } => Class::User,
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::MissingRevision { .. }
            | Self::Elsewhere { .. }
            | Self::Corrupt { .. }
            | Self::Disk { .. }
            | Self::Cancelled { .. } => Class::Transient,
            Self::Internal { .. } => Class::Internal,
        }
    }
}

/// The most branches a hint names.
const MOST_BRANCHES: usize = 10;
