//! `reconciled` keeps infrastructure equal to a Git repository.
//!
//! The rooms, in the order data flows; a room imports only rooms above it (`tests/tidy.rs` holds it):
//!
//! ```text
//! model      nouns every room shares: plain data
//! yaml       YAML text -> located nodes, and a reader that says all mistakes     (pure)
//! net        outbound HTTP and child processes; the only door to either
//! telemetry  log setup, metrics, clock, error chain
//! config     the daemon's own settings, one element per file
//! source     Git -> Snapshot
//! spec       Snapshot -> Spec, or located diagnostics                        (pure)
//! graph      Spec -> wanted resources, references, order                     (pure)
//! provider   the only door to live resources: kubernetes, rest, host
//! plan       wanted + observed + owned + rules + now -> Plan                 (pure)
//! deliver    Plan -> the outside: route (pure), carry out, render (pure), forge, notify
//! ledger     what was intended and what happened; inventory, episodes
//! engine     the loop: cycle, schedule (pure), triggers
//! web        health and metrics
//! cli        one file per command
//! ```

pub mod cli;
pub mod config;
pub mod deliver;
pub mod engine;
pub mod graph;
pub mod ledger;
pub mod model;
pub mod net;
pub mod plan;
pub mod provider;
pub mod source;
pub mod spec;
pub mod telemetry;
pub mod web;
pub mod yaml;
