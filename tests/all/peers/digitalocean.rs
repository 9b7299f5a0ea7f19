//! DigitalOcean's own description of its API as the judge of what goes to a server and what comes back from it.
//!
//! The state is the server's own: whoever tests against one writes it, and this says where it is unlike the real thing.

use super::checked::{Checked, packages};

/// Stands in front of a server; requests go to [`Checked::url`] with paths as in `/v2/databases`.
pub(crate) fn in_front_of(upstream: &str) -> Checked {
    let description = packages().join("digitalocean.json");
    Checked::start("checked.mjs", &[description.to_str().unwrap(), upstream])
}
