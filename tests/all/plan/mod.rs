//! What a plan says and how it is shown: wanted and live state in, golden text out. No server, no
//! clock; the plan and its renderers are pure.

mod actions;
mod by_hand;
mod comments;
mod contents;
mod fields;
mod going;
mod holds;
mod json;
mod lists;
mod messages;
mod objects;
mod ownership;
mod properties;
mod prune;
mod reasons;
mod recorded;
mod result;
mod scene;
mod screen;
mod secrets;
mod strange;
mod strayed;
mod unnamed;
mod waits;
