//! The one integration test binary: a module per area, each talking to the program or to real counterparts as a user would.
//!
//! `peers` starts the counterparts; `tests/run` installs them first.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and starts programs and looks at the clock as it likes"
)]

mod cli;
mod cluster;
mod conformance;
mod daemon;
mod demo;
mod deploy;
mod examples;
mod host;
mod kubernetes;
mod ledger;
mod peers;
mod people;
mod plan;
mod rest;
mod schemas;
mod settings;
mod source;
