//! Many looks at one cluster, a few of them under way at once. Where they stand still, what was seen is kept.

use crate::model::Observed;
use futures::stream::{FuturesUnordered, StreamExt as _};
use std::time::Duration;
use tokio::time::timeout;

/// How many are under way at once.
const AT_ONCE: usize = 8;
/// Where none comes to its end for so long, those that are left are given up: several times what one of a
/// look's requests may take.
const STALLED: Duration = Duration::from_secs(90);

/// Takes the looks in their order, and returns what they saw. What is missing was not seen in time: as long as
/// answers come, however slowly, a large environment is looked at to its end.
pub(crate) async fn seen<L: Future<Output = Observed>>(
    looks: impl Iterator<Item = L>,
) -> Vec<Observed> {
    let mut waiting = looks;
    let mut seen = Vec::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        // A look is made when its turn comes: thousands that wait would take much room.
        let free = AT_ONCE - under_way.len();
        under_way.extend(waiting.by_ref().take(free));
        match timeout(STALLED, under_way.next()).await {
            Ok(Some(one)) => seen.push(one),
            Ok(None) | Err(_) => return seen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Observation;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn what_hangs_costs_its_own_answer_only() {
        let look = |nth: usize| async move {
            match nth % 10 {
                3 => std::future::pending().await,
                _ => sleep(Duration::from_secs(60)).await,
            }
            Observed {
                address: format!("shop/r-{nth}").parse().unwrap(),
                observation: Observation::Absent { prediction: None },
                unasked: None,
            }
        };
        assert_eq!(seen((0..60).map(look)).await.len(), 54);
    }
}
