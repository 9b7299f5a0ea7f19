//! The whole daemon: the real program on a real Git repository, a folder as a host, and a ledger.
//!
//! [`World`] is everything around the program: a temporary folder with the repository, the host's
//! root, the settings file and the ledger. [`Daemon`] is the program while it runs. A test reads as
//! what a person would do and see:
//!
//! ```ignore
//! let world = World::new();
//! let commit = world.commit(&[("shop.yaml", &environment("shop", "", &files(&[("page", "hello\n")])))]);
//! let mut daemon = world.start();
//! daemon.run_of("shop", &commit);
//! world.write_live("page", "hacked\n");
//! daemon.until("the page is put back", |_| (world.live("page")? == "hello\n").then_some(()));
//! daemon.terminate();
//! ```
//!
//! Other counterparts join by [`World::settings`] (API addresses, tokens, a kubeconfig) and
//! [`World::variable`].

mod asked;
mod broken;
mod canary;
mod causes;
mod clustered;
mod crash;
mod crowded;
mod encrypted;
mod footing;
mod keeping;
mod many;
mod moving;
mod naming;
mod operating;
mod oracle;
mod overlooked;
mod pausing;
mod process;
mod recorder;
mod rollback;
mod settings;
mod two;
mod waiting;
mod watched;
mod world;

pub(crate) use process::Daemon;
pub(crate) use world::{World, environment, file, files};
