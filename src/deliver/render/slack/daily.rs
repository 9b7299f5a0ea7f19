//! What still differs from Git, once a day.

use super::{Draft, code, ours};
use crate::deliver::notify::Message;
use crate::deliver::render::words::{at, lasted, many};
use crate::model::Address;
use jiff::Timestamp;
use std::time::Duration;

/// The most that are named.
const NAMED: usize = 20;

/// Shows drift that stands, with since when, the oldest first.
pub fn daily_slack(standing: &[(Address, Timestamp)], now: Timestamp) -> Message {
    let one = if standing.len() == 1 {
        "differs"
    } else {
        "differ"
    };
    let mut draft = Draft::new(&format!(
        "🔶 {} still {one} from Git",
        many(standing.len(), "resource")
    ));
    let mut oldest = standing.to_vec();
    oldest.sort_by(|(one, a), (other, b)| (a, one).cmp(&(b, other)));
    let line = |(address, since): &(Address, Timestamp)| {
        let for_long = Duration::try_from(now.duration_since(*since)).unwrap_or_default();
        let address = code(&address.to_string());
        format!("• {address} for {}, since {}", lasted(for_long), at(*since))
    };
    let mut lines: Vec<String> = oldest.iter().take(NAMED).map(line).collect();
    if oldest.len() > NAMED {
        lines.push(format!("… and {} more", oldest.len() - NAMED));
    }
    draft.lines(&lines);
    let next = "To keep one, write it into Git; to put it back, run `reconciled apply`.";
    draft.finish(&ours(next))
}
