//! How much is done at once, and how much is read.

use super::describe::{duration, number, object, size};
use super::element::Reading;
use super::size;
use crate::yaml::{Fields, Node};
use serde_json::Value;
use std::time::Duration;

const MIB: u64 = 1 << 20;

/// How much is done at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Writes of one run that are under way at once.
    pub concurrency: usize,
    /// Environments that run at once.
    pub environments: usize,
    /// How long a request to an API may take that names no deadline of its own.
    pub request_timeout: Duration,
    /// How much of a repository is read.
    pub source: SourceLimits,
}

/// How much of a repository is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLimits {
    /// A file over this many bytes is named and not read.
    pub file_bytes: u64,
    /// All files together, in bytes.
    pub total_bytes: u64,
    /// Files and folders.
    pub files: u64,
    /// One answer of a Git server, in bytes.
    pub fetch_bytes: u64,
    /// One answer of a Git server about a fork's branch, in bytes.
    pub fork_bytes: u64,
    /// How long one fetch may take.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Writes wait on the network, so more than there are cores; few enough that an API
            // server's default fair share serves them without queueing.
            concurrency: 16,
            environments: 4,
            request_timeout: Duration::from_secs(30),
            source: SourceLimits::default(),
        }
    }
}

impl Default for SourceLimits {
    fn default() -> Self {
        Self {
            file_bytes: MIB,
            total_bytes: 256 * MIB,
            files: 100_000,
            fetch_bytes: 2048 * MIB,
            fork_bytes: 64 * MIB,
            deadline: Duration::from_secs(120),
        }
    }
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Limits {
    let default = Limits::default();
    reading.element(node, |reading, fields| Limits {
        concurrency: count(reading, fields.get("concurrency"), 256, default.concurrency),
        environments: count(
            reading,
            fields.get("environments"),
            256,
            default.environments,
        ),
        request_timeout: fields
            .get("requestTimeout")
            .and_then(|node| reading.reader.duration(node))
            .unwrap_or(default.request_timeout),
        source: reading.element(fields.get("source"), source),
    })
}

fn source(reading: &mut Reading, fields: &mut Fields<'_>) -> SourceLimits {
    let default = SourceLimits::default();
    SourceLimits {
        file_bytes: size::read(reading, fields.get("file"), default.file_bytes),
        total_bytes: size::read(reading, fields.get("total"), default.total_bytes),
        files: fields
            .get("files")
            .and_then(|node| reading.reader.whole(node, 1..=10_000_000))
            .unwrap_or(default.files),
        fetch_bytes: size::read(reading, fields.get("fetch"), default.fetch_bytes),
        fork_bytes: size::read(reading, fields.get("forkFetch"), default.fork_bytes),
        deadline: fields
            .get("deadline")
            .and_then(|node| reading.reader.duration(node))
            .unwrap_or(default.deadline),
    }
}

fn count(reading: &mut Reading, node: Option<&Node>, most: u64, default: usize) -> usize {
    node.and_then(|node| reading.reader.whole(node, 1..=most))
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(default)
}

pub(super) fn schema() -> Value {
    let source = object(
        "How much of a repository is read",
        &[],
        vec![
            ("file", size("A larger file is named and not read", "1MiB")),
            (
                "total",
                size("All files together; more is an error", "256MiB"),
            ),
            (
                "files",
                number(
                    "Files and folders; more is an error",
                    (1, 10_000_000),
                    100_000,
                ),
            ),
            (
                "fetch",
                size("One answer of a Git server; more is an error", "2GiB"),
            ),
            (
                "forkFetch",
                size(
                    "One answer of a Git server about a fork's branch; more is an error, and the fork's pull request is not looked at",
                    "64MiB",
                ),
            ),
            ("deadline", duration("How long one fetch may take", "2m")),
        ],
    );
    object(
        "How much is done at once, and how much is read",
        &[],
        vec![
            (
                "concurrency",
                number("Writes of one run that are under way at once", (1, 256), 16),
            ),
            (
                "environments",
                number("Environments that run at once", (1, 256), 4),
            ),
            (
                "requestTimeout",
                duration("How long a request to an API may take", "30s"),
            ),
            ("source", source),
        ],
    )
}
