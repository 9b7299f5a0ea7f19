//! What people see: the whole daemon in front of a GitHub and a Slack that keep state.
//!
//! GitHub's own OpenAPI judges every request, Slack's own models every message.

mod aftermath;
mod app;
mod approved;
mod besides;
mod bound;
mod ci;
mod commands;
mod drifted;
mod ended;
mod enterprise;
mod events;
mod flapping;
mod going;
mod guessed;
mod held;
mod hints;
mod killed;
mod lagging;
mod lost;
mod merged;
mod moved;
mod outage;
mod peeked;
mod proposals;
mod refused;
mod rendered;
mod results;
mod review;
mod rolled_back;
mod scene;
mod sealed;
mod silent;
mod storm;
mod talk;
mod together;
mod trust;
mod unplanned;
mod unwell;
mod waits;
