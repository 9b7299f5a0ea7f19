//! The real counterparts the tests talk to. Each is started once per test process and dies with it.
//!
//! They listen on loopback only. A test takes what it shares with others (a cluster, a server) from here and makes names of its own in it.

pub(crate) mod checked;
pub(crate) mod cut;
pub(crate) mod digitalocean;
pub(crate) mod git;
pub(crate) mod github;
pub(crate) mod hooks;
pub(crate) mod kubernetes;
pub(crate) mod process;
pub(crate) mod registry;
pub(crate) mod silent;
pub(crate) mod slack;
pub(crate) mod wait;

mod proof;
