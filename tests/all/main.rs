//! The one integration test binary: a module per area, each talking to the program or to real counterparts as a user would.
//!
//! `peers` starts the counterparts; `tests/run` installs them first.

mod peers;
