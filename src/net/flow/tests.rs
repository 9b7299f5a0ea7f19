//! Flows to servers that are played, in played time.

use super::*;
use futures::future::join_all;

/// A server that does this many at once in 10 ms each, and more in turns.
struct Server {
    sort: &'static str,
    at_once: usize,
    slower: u32,
}

impl Server {
    async fn answer(&self, flow: &Flow) {
        let slot = flow.slot().await;
        let under_way = flow.state().under_way;
        let turns = u32::try_from(under_way.div_ceil(self.at_once)).unwrap();
        let done = Instant::now() + Duration::from_millis(10) * turns * self.slower;
        tokio::time::sleep_until(done).await;
        slot.answered(self.sort);
    }

    async fn answer_many(&self, flow: &Flow, count: usize) {
        join_all((0..count).map(|_| self.answer(flow))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_grows_with_a_server_that_is_no_slower_for_it_and_with_no_other() {
    let flow = Flow::default();
    Server {
        sort: "patch",
        at_once: 1000,
        slower: 1,
    }
    .answer_many(&flow, 2000)
    .await;
    assert_eq!(flow.most(), 32);
    let flow = Flow::default();
    Server {
        sort: "patch",
        at_once: 4,
        slower: 1,
    }
    .answer_many(&flow, 2000)
    .await;
    assert!((8..=10).contains(&flow.most()), "{}", flow.most());
    // What is never full is no reason for more.
    let flow = Flow::default();
    let server = Server {
        sort: "patch",
        at_once: 1000,
        slower: 1,
    };
    for _ in 0..500 {
        server.answer_many(&flow, 4).await;
    }
    assert_eq!(flow.most(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_makes_it_fewer_once_for_all_that_were_under_way() {
    let flow = Flow::default();
    let refuse = async || {
        let slots: Vec<Slot> = std::iter::from_fn(|| flow.try_slot()).collect();
        tokio::time::advance(Duration::from_millis(10)).await;
        slots.into_iter().for_each(Slot::refused);
    };
    refuse().await;
    assert_eq!(flow.most(), 4);
    for _ in 0..5 {
        refuse().await;
    }
    assert_eq!(flow.most(), 1, "and never none");
    let server = Server {
        sort: "patch",
        at_once: 1000,
        slower: 1,
    };
    server.answer_many(&flow, 50).await;
    assert_eq!(flow.most(), 1, "warily");
    server.answer_many(&flow, 200).await;
    assert!(flow.most() >= 8, "it comes back: {}", flow.most());
}

#[tokio::test(start_paused = true)]
async fn answers_that_take_longer_make_it_fewer_until_they_are_usual() {
    let flow = Flow::default();
    Server {
        sort: "patch",
        at_once: 8,
        slower: 1,
    }
    .answer_many(&flow, 300)
    .await;
    let before = flow.most();
    let slow = Server {
        sort: "patch",
        at_once: 8,
        slower: 20,
    };
    slow.answer_many(&flow, 60).await;
    assert!(flow.most() <= before / 2, "{} after {before}", flow.most());
    slow.answer_many(&flow, 2000).await;
    assert!(flow.most() >= 8, "{}", flow.most());
}

#[tokio::test(start_paused = true)]
async fn a_sort_that_takes_long_is_no_server_that_became_slow() {
    let flow = Flow::default();
    let quick = Server {
        sort: "patch configmaps",
        at_once: 8,
        slower: 1,
    };
    let slow = Server {
        sort: "patch services",
        at_once: 8,
        slower: 20,
    };
    quick.answer_many(&flow, 300).await;
    let before = flow.most();
    slow.answer_many(&flow, 60).await;
    assert!(flow.most() >= before, "{} after {before}", flow.most());
    // Where the same sort takes longer, it is.
    Server {
        slower: 400,
        ..slow
    }
    .answer_many(&flow, 60)
    .await;
    assert!(flow.most() <= before / 2, "{} after {before}", flow.most());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_leaves_the_place_to_the_next() {
    let flow = Flow::default();
    let slots: Vec<Slot> = std::iter::from_fn(|| flow.try_slot()).collect();
    let waits = tokio::time::timeout(Duration::from_secs(1), flow.slot());
    assert!(waits.await.is_err());
    let (next, ()) = tokio::join!(flow.slot(), async { drop(slots) });
    assert_eq!(flow.state().under_way, 1);
    drop(next);
}
