//! What a plan says and how it is shown: wanted and live state in, golden text out. No server, no
//! clock; the plan and its renderers are pure.

mod actions;
mod fields;
mod holds;
mod lists;
mod ownership;
mod properties;
mod prune;
mod scene;
mod secrets;
mod waits;
