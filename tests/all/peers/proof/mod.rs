//! Each counterpart shows here that it is real: a stand-in that only says yes fails these.

mod digitalocean;
mod github;
mod guard;
mod kubernetes;
mod slack;
