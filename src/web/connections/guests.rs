//! Who is connected, and who goes where one more comes than may be: never the one who comes, or a crowd that asks
//! nothing would keep all others out.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// A connection that is open.
pub(super) struct Guest {
    peer: IpAddr,
    /// Whether a request of it is being answered.
    asks: AtomicBool,
    leave: CancellationToken,
    /// Given back at its end.
    _place: Option<OwnedSemaphorePermit>,
}

impl Guest {
    /// Waits for the answer to a request of it.
    pub(super) async fn asking<T>(&self, answer: impl Future<Output = T>) -> T {
        self.asks.store(true, Ordering::Relaxed);
        let answer = answer.await;
        self.asks.store(false, Ordering::Relaxed);
        answer
    }

    /// Waits until it has to go for another.
    pub(super) async fn dismissed(&self) {
        self.leave.cancelled().await;
    }
}

/// Those who are connected.
pub(super) struct Guests {
    places: Arc<Semaphore>,
    /// The oldest first.
    all: Vec<Weak<Guest>>,
}

impl Guests {
    /// Has room for so many.
    pub(super) fn at_most(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            all: Vec::new(),
        }
    }

    /// Takes one more, as soon as the one who goes for it has gone.
    pub(super) async fn welcome(&mut self, peer: IpAddr) -> Arc<Guest> {
        let free = Arc::clone(&self.places).try_acquire_owned();
        let place = match free {
            Ok(place) => Some(place),
            Err(_none) => {
                self.dismiss_one();
                // It is never closed.
                Arc::clone(&self.places).acquire_owned().await.ok()
            }
        };
        let guest = Arc::new(Guest {
            peer,
            asks: AtomicBool::new(false),
            leave: CancellationToken::new(),
            _place: place,
        });
        self.all.retain(|one| one.strong_count() > 0);
        self.all.push(Arc::downgrade(&guest));
        guest
    }

    /// Sends away one of the peer that has most: the oldest that asks nothing just now, else the oldest.
    fn dismiss_one(&self) {
        let all: Vec<_> = self.all.iter().filter_map(Weak::upgrade).collect();
        let mut of = BTreeMap::<_, usize>::new();
        for guest in &all {
            *of.entry(guest.peer).or_default() += 1;
        }
        let rank =
            |guest: &&Arc<Guest>| (Reverse(of[&guest.peer]), guest.asks.load(Ordering::Relaxed));
        if let Some(guest) = all.iter().min_by_key(rank) {
            guest.leave.cancel();
        }
    }
}
