//! Signs in to one cluster: makes its client, and makes it anew before what a credential program answered
//! ends, or after the server refused it.
//!
//! Nobody who asks for a client is held up by another connection: each is made in a task of its own.

use super::program::{Ends, Program};
use crate::provider::kubernetes::error::Failure;
use crate::telemetry::Clock;
use jiff::{SignedDuration, Timestamp};
use kube::Config;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// How long before its end a credential is renewed. Longer than a request may take.
const EARLY: SignedDuration = SignedDuration::from_secs(60);
/// How long a failure holds, and how long after a renewal no other is made because the server refused it:
/// a program is not run for each of a thousand requests.
const HOLD: Duration = Duration::from_secs(5);
/// How long a client may take to be made once its credentials are there: it only reads files.
const MAKING: Duration = Duration::from_secs(10);

/// The way to a client of one cluster. Clones share it.
#[derive(Clone)]
pub(crate) struct SignIn(Arc<Inner>);

/// A client that is signed in.
#[derive(Clone)]
pub(crate) struct Signed {
    /// The client itself.
    pub(crate) client: kube::Client,
    /// Which of this cluster's clients it is.
    nth: u64,
}

struct Inner {
    config: Config,
    /// The server's address, for people.
    server: String,
    program: Option<Program>,
    clock: Clock,
    state: watch::Sender<State>,
}

#[derive(Default)]
struct State {
    made: Option<Made>,
    /// Why there is no newer one.
    failed: Option<Failure>,
    is_making: bool,
    /// When one was made last, or was not.
    tried: Option<Instant>,
    /// When the server's refusal last had one made anew.
    refused: Option<Instant>,
    nth: u64,
}

struct Made {
    signed: Signed,
    ends: Ends,
}

/// The moment of a question, by both clocks.
#[derive(Clone, Copy)]
struct Now(Instant, Timestamp);

impl SignIn {
    /// Signs nobody in yet.
    pub(crate) fn new(config: Config, program: Option<Program>, server: String) -> Self {
        Self(Arc::new(Inner {
            config,
            server,
            program,
            clock: Clock::system(),
            state: watch::Sender::default(),
        }))
    }

    /// Returns a client whose credentials are good for now.
    ///
    /// # Errors
    /// Certificates that cannot be used, a credential program that fails, hangs, or answers nothing good.
    pub(crate) async fn client(&self) -> Result<Signed, Failure> {
        let now = Now(Instant::now(), self.0.clock.now());
        if self.0.state.send_if_modified(|state| state.begins(now)) {
            tokio::spawn(make(Arc::clone(&self.0)));
        }
        let mut state = self.0.state.subscribe();
        let told = state.wait_for(|state| state.answer(now).is_some()).await;
        let answer = told.ok().and_then(|state| state.answer(now));
        answer.unwrap_or_else(|| Err(self.0.unusable()))
    }

    /// Takes in that the server does not know who that client is. Returns whether it is worth asking for
    /// another one.
    pub(crate) fn refused(&self, by: &Signed) -> bool {
        let mut is_worth = false;
        self.0.state.send_if_modified(|state| {
            let is_last = state
                .made
                .as_ref()
                .is_some_and(|made| made.signed.nth == by.nth);
            let is_due = state.refused.is_none_or(|at| at.elapsed() > HOLD);
            let is_again = is_last && is_due && self.0.program.is_some();
            if is_again {
                state.refused = Some(Instant::now());
                state.made = None;
            }
            is_worth = is_again || !is_last;
            false
        });
        is_worth
    }
}

impl State {
    /// Tells whether a client is to be made now, and takes in that it is.
    fn begins(&mut self, now: Now) -> bool {
        let is_due = match &self.made {
            Some(made) if !made.is_over(now.1 + EARLY) => false,
            Some(made) if !made.is_over(now.1) => !self.is_held(now),
            _ => self.held(now).is_none(),
        };
        let begins = is_due && !self.is_making;
        self.is_making |= begins;
        begins
    }

    /// Returns what there is; `None` while that is not known yet.
    fn answer(&self, now: Now) -> Option<Result<Signed, Failure>> {
        match &self.made {
            Some(made) if !made.is_over(now.1) => Some(Ok(made.signed.clone())),
            _ if self.is_making => None,
            _ => self.held(now).map(Err),
        }
    }

    /// Tells whether the last try was a moment ago, or came after the question.
    fn is_held(&self, Now(now, _): Now) -> bool {
        self.tried.is_some_and(|at| at + HOLD > now)
    }

    fn held(&self, now: Now) -> Option<Failure> {
        self.failed.clone().filter(|_| self.is_held(now))
    }

    fn take_in(&mut self, made: Result<(kube::Client, Ends), Failure>) {
        self.is_making = false;
        self.tried = Some(Instant::now());
        self.failed = None;
        match made {
            Ok((client, ends)) => {
                self.nth += 1;
                let nth = self.nth;
                let signed = Signed { client, nth };
                self.made = Some(Made { signed, ends });
            }
            Err(failure) => self.failed = Some(failure),
        }
    }
}

impl Made {
    fn is_over(&self, at: Timestamp) -> bool {
        self.ends.is_some_and(|ends| ends <= at)
    }
}

async fn make(inner: Arc<Inner>) {
    let made = inner.made().await;
    if let Err(failure) = &made {
        tracing::warn!(
            server = inner.server,
            reason = failure.reason,
            "Cannot sign in to the cluster"
        );
    }
    inner.state.send_modify(|state| state.take_in(made));
}

impl Inner {
    async fn made(&self) -> Result<(kube::Client, Ends), Failure> {
        let mut config = self.config.clone();
        let mut ends = None;
        if let Some(program) = &self.program {
            ends = program.sign_in(&mut config.auth_info, &self.clock).await?;
        }
        // Reads the machine's certificates, and is handed the runtime by the thread's own context.
        let making = tokio::task::spawn_blocking(move || kube::Client::try_from(config));
        let late = |_late| {
            let reason = format!("the client of {} was not made in time", self.server);
            Failure::transient("connection", reason)
        };
        let made = timeout(MAKING, making).await.map_err(late)?;
        let client = made.ok().and_then(Result::ok);
        Ok((client.ok_or_else(|| self.unusable())?, ends))
    }

    /// The cause may quote what it could not read: a key, a certificate.
    fn unusable(&self) -> Failure {
        let reason = format!(
            "the certificates or credentials for {} cannot be used",
            self.server
        );
        Failure::user("connection", reason)
    }
}
