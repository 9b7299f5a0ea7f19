//! `reconciled` keeps infrastructure equal to a Git repository.
//!
//! The rooms, in the order data flows; a room imports only rooms above it (`tests/tidy/main.rs` holds it):
//!
//! ```text
//! model      nouns every room shares: plain data
//! yaml       YAML text -> located nodes, and a reader that says all mistakes     (pure)
//! net        outbound HTTP, child processes, one pace per account (kube and git2 bring their own wire)
//! telemetry  log setup, metrics, clock, error chain
//! config     the daemon's own settings, one element per file
//! source     Git -> Snapshot
//! spec       Snapshot -> Spec, or located diagnostics                        (pure)
//! graph      Spec -> wanted resources, references, order                     (pure)
//! provider   the only door to live resources: kubernetes, rest, host
//! plan       wanted + observed + owned + rules + now -> Plan                 (pure)
//! deliver    Plan -> the outside: route (pure), carry out, render (pure), forge, notify
//! ledger     what was intended and what happened; inventory, episodes
//! engine     the loop: cycle, schedule (pure), approval, review, what is told
//! web        health, metrics, signed webhooks
//! cli        one file per command
//! ```
//!
//! `yaml` stands beside `model`: the located reader that `config` and `spec` share.
//!
//! What must never be lost, each with tests that would notice:
//!
//! 1. A plan holds every choice, applying has none. Same inputs, same plan, same bytes.
//! 2. `Unknown` live state gives a *wait with a reason*, never a create or a delete.
//! 3. A step carries the mark it was planned against. If it moved: refuse, plan again.
//! 4. Only what we own (inventory and the mark on the live resource) is pruned, within the budget.
//! 5. A failed step skips its dependants with the reason; independent steps go on. A new revision
//!    cuts waiting short.
//! 6. Why nothing happened is part of the plan. Drift never comes without a rendered difference.
//! 7. A secret value reaches no output.
//! 8. After apply, observe and plan again: the plan is empty.
//! 9. One diff function serves plan and drift; what it takes for equal, a provider leaves alone.
//! 10. Killed between any two steps, the next start converges: nothing twice, nothing lost.

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
