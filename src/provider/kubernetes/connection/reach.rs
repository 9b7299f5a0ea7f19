//! Whether a cluster's server is there at all: found out beside the requests that wait for it, so that a
//! dead one is given up soon, and then costs who looks at it next to nothing.
//!
//! Any answer counts, an error too: how a server fares that answers, its answers say.

use super::sign_in::SignIn;
use crate::model::Class;
use crate::provider::kubernetes::error::Failure;
use crate::telemetry::Readiness;
use kube::client::Body;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

/// Where a request waits for so long, the server is asked beside it whether it is there.
const SUSPICIOUS: Duration = Duration::from_secs(3);
/// How long it may take to say so. Its answer costs it nothing.
const ANSWERS: Duration = Duration::from_secs(5);
/// Between two such questions while it does not.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a request to a server that was not there waits for it to be asked once more.
const ONCE_MORE: Duration = Duration::from_secs(1);
/// For how long after that in vain none does: where the server said nothing, and where it was told at once that
/// it is not there. One that starts anew refuses until it serves, and is there again a moment later.
const IN_VAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_millis(500));

/// What is known of one server. Clones share it.
#[derive(Clone)]
pub(super) struct Reach(Arc<Inner>);

struct Inner {
    sign_in: SignIn,
    /// The server's address, for people.
    server: String,
    /// Why it is not there; `None` where it is, as far as is known. Sent at each question's end.
    lost: watch::Sender<Option<Failure>>,
    /// Somebody asks it whether it is there, until it is.
    is_asked: AtomicBool,
    /// Somebody waits for the next question.
    hurry: Notify,
    /// Until when nobody does so again, after it was in vain.
    in_vain: Mutex<Option<Instant>>,
    /// Where it is said at once, before any look at it has ended.
    readiness: Readiness,
}

impl Reach {
    /// Takes a server to be there.
    pub(crate) fn new(sign_in: SignIn, server: String, readiness: Readiness) -> Self {
        Self(Arc::new(Inner {
            sign_in,
            server,
            lost: watch::Sender::new(None),
            is_asked: AtomicBool::new(false),
            hurry: Notify::new(),
            in_vain: Mutex::default(),
            readiness,
        }))
    }

    /// Lets a request be sent.
    ///
    /// # Errors
    /// The server was not there when it was asked last, and did not come back in a moment.
    pub(crate) async fn checked(&self) -> Result<(), Failure> {
        let mut lost = self.0.lost.subscribe();
        if lost.borrow_and_update().is_none() {
            return Ok(());
        }
        if self.0.is_waited_for() {
            self.0.hurry.notify_one();
            let was_told = timeout(ONCE_MORE, lost.changed()).await.is_ok();
            let pause = if was_told { IN_VAIN.1 } else { IN_VAIN.0 };
            *self.0.in_vain() = Some(Instant::now() + pause);
        }
        let failure = lost.borrow().clone();
        failure.map_or(Ok(()), Err)
    }

    /// Waits for an answer as long as the server is there.
    ///
    /// # Errors
    /// It is not.
    pub(crate) async fn answered<T>(&self, answer: impl Future<Output = T>) -> Result<T, Failure> {
        let mut answer = pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => return Ok(answer),
            () = sleep(SUSPICIOUS) => self.doubt(),
        }
        let mut lost = self.0.lost.subscribe();
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            failure = lost.wait_for(Option::is_some) => {
                let failure = failure.ok().and_then(|failure| failure.clone());
                Err(failure.unwrap_or_else(|| self.silent()))
            }
        }
    }

    /// Tells whether it was not there when it was asked last.
    pub(crate) fn is_lost(&self) -> bool {
        self.0.lost.borrow().is_some()
    }

    /// Takes in that it answered.
    pub(crate) fn heard(&self) {
        self.0.found();
    }

    /// Has it asked whether it is there, where nobody does.
    pub(crate) fn doubt(&self) {
        if !self.0.is_asked.swap(true, Ordering::AcqRel) {
            tokio::spawn(ask(Arc::downgrade(&self.0)));
        }
    }

    fn silent(&self) -> Failure {
        self.0.silent()
    }
}

impl Inner {
    fn silent(&self) -> Failure {
        let (server, seconds) = (&self.server, ANSWERS.as_secs());
        Failure::transient("timeout", format!("{server} gave no answer in {seconds} s"))
    }

    fn in_vain(&self) -> MutexGuard<'_, Option<Instant>> {
        self.in_vain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether a request may wait for the next question.
    fn is_waited_for(&self) -> bool {
        self.in_vain().is_none_or(|until| Instant::now() > until)
    }

    fn found(&self) {
        let was_lost = self.lost.send_if_modified(|lost| lost.take().is_some());
        if was_lost {
            self.readiness.trouble_over(&self.condition());
            tracing::info!(server = self.server, "Cluster answers again");
        }
    }

    fn lost(&self, failure: Failure) {
        if self.lost.borrow().is_none() {
            let (server, reason) = (&self.server, &failure.reason);
            tracing::warn!(server, reason, "Cluster gives no answer");
        }
        // A restart would not mend it, so the daemon is ready all the same.
        self.readiness.trouble(self.condition(), failure.said());
        self.lost.send_replace(Some(failure));
    }

    fn condition(&self) -> String {
        format!("cluster {}", self.server)
    }

    /// Asks once. Who cannot be signed in finds that out by asking for something.
    async fn is_there(&self) -> Result<(), Failure> {
        let request = http::Request::get("/version").body(Body::empty());
        let Ok(request) = request else { return Ok(()) };
        let Ok(signed) = self.sign_in.client().await else {
            return Ok(());
        };
        match timeout(ANSWERS, signed.client.send(request)).await {
            Err(_late) => Err(self.silent()),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                let failure = Failure::unanswered(&error, &self.server);
                match failure.class {
                    Class::Transient => Err(failure),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Drop for Inner {
    /// Nobody looks at it any more.
    fn drop(&mut self) {
        self.readiness.trouble_over(&self.condition());
    }
}

/// Asks until it answers, or nobody wants to know any more.
async fn ask(inner: Weak<Inner>) {
    while let Some(inner) = inner.upgrade() {
        match inner.is_there().await {
            Ok(()) => {
                inner.is_asked.store(false, Ordering::Release);
                inner.found();
                return;
            }
            Err(failure) => inner.lost(failure),
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = inner.hurry.notified() => {}
        }
    }
}
