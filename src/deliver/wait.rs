//! Waiting for a resource to become ready: looks until ready, failed for good, past the deadline or cancelled.
//!
//! What may still heal is waited for as long as the deadline lets it: an image that cannot be pulled at first,
//! a crash while a database starts. Only what the live side itself calls final ends the wait before.

use crate::model::{Asked, Depth, Health, Live, Observation, Outcome, Owned, Step};
use crate::provider::Registry;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The first pause between two looks; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The same of what is gone soon after its end.
const LONGEST_OF_THE_PASSING: Duration = Duration::from_millis(500);

/// How waiting ended.
pub(super) enum Waited {
    /// It is ready, and looks like this.
    Ready(Box<Live>),
    /// Somebody paused it: it looks like this, and this of it is not there.
    Paused(Box<Live>, String),
    /// It is not.
    Ended(Outcome),
}

/// What is asked of a resource that was written: whether it works, and what it answers where that is read.
/// With what is ours now, so that a provider hears of it instead of asking.
pub(super) fn asked(step: &Step, owned: Option<Arc<Owned>>) -> Asked {
    Asked {
        address: step.address.clone(),
        kind: step.kind.clone(),
        connection: step.connection.clone(),
        identity: step.identity.clone(),
        desired: step.desired.clone(),
        owned,
        depth: Depth::Read,
        is_read: step.is_read,
        afresh: false,
        ignore: Vec::new(),
        health: step.health.clone(),
    }
}

/// How it is waited until something is ready.
pub(super) struct Wait {
    /// What is asked.
    pub(super) asked: Asked,
    /// For how long.
    pub(super) within: Duration,
    /// Whether it goes by itself when it has done its work.
    pub(super) passing: bool,
}

/// Looks at a resource until it is ready, has failed for good, its deadline is over or the run is
/// cancelled. A look that could not be told is not an answer: it looks again. That it ends badly the live side
/// itself has the last word in: a watch that fell silent tells for minutes what was so before.
pub(super) async fn until_ready(
    registry: &Registry,
    Wait {
        mut asked,
        within,
        passing,
    }: Wait,
    cancel: &CancellationToken,
    mut told: impl FnMut(&str),
) -> Waited {
    let deadline = tokio::time::Instant::now() + within;
    let mut pause = FIRST_PAUSE;
    let mut last = "it has not been seen ready yet".to_owned();
    let longest = if passing {
        LONGEST_OF_THE_PASSING
    } else {
        LONGEST_PAUSE
    };
    let mut is_over = false;
    loop {
        let mut code = "deadline";
        match look(registry, &asked).await {
            Some(Observation::Present(live)) => match &live.health {
                Health::Ready => return Waited::Ready(live),
                Health::Failed(why) if asked.afresh => {
                    return Waited::Ended(failed("not-healthy", why));
                }
                Health::Paused(why) => {
                    let why = why.clone();
                    return Waited::Paused(live, why);
                }
                Health::Failed(_) => {
                    asked.afresh = true;
                    continue;
                }
                Health::Progressing(why) | Health::Failing(why) => last.clone_from(why),
            },
            Some(Observation::Absent { .. }) if passing => return Waited::Ended(unseen_end()),
            Some(Observation::Absent { .. }) => "it is not there any more".clone_into(&mut last),
            // Nobody saw that it is not well: what hangs on its health must not act on this.
            Some(Observation::Unknown { reason, .. }) => (last, code) = (reason, "unseen"),
            None => code = "unseen",
        }
        if is_over {
            return Waited::Ended(timed_out(within, code, &last));
        }
        told(&last);
        tokio::select! {
            () = cancel.cancelled() => return Waited::Ended(cut_short(&last)),
            () = tokio::time::sleep_until(deadline) => is_over = true,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(longest),
        }
        asked.afresh = is_over;
    }
}

/// Says that nobody knows how it ended.
fn unseen_end() -> Outcome {
    Outcome::Failed {
        code: "unseen".to_owned(),
        message: "it went before anybody saw how it ended".to_owned(),
        hint: Some("Have it stay longer after its end, ten seconds say.".to_owned()),
    }
}

/// Says that a run ended before what it waited for.
pub(super) fn cut_short(last: &str) -> Outcome {
    Outcome::Skipped {
        reason: format!("waiting was cut short by a newer revision or a stop; {last}"),
    }
}

async fn look(registry: &Registry, asked: &Asked) -> Option<Observation> {
    let answers = registry.observe(std::slice::from_ref(asked)).await;
    answers
        .into_iter()
        .find(|seen| seen.address == asked.address)
        .map(|seen| seen.observation)
}

fn failed(code: &str, why: &str) -> Outcome {
    let (message, hint) = why
        .split_once('\n')
        .map_or((why, None), |(what, next)| (what, Some(next)));
    Outcome::Failed {
        code: code.to_owned(),
        message: message.to_owned(),
        hint: hint.map(str::to_owned),
    }
}

fn timed_out(within: Duration, code: &str, last: &str) -> Outcome {
    let (last, next) = last
        .split_once('\n')
        .map_or((last, None), |(what, next)| (what, Some(next)));
    Outcome::Failed {
        code: code.to_owned(),
        message: format!("not ready after {}s: {last}", within.as_secs()),
        hint: Some(next.map_or_else(
            || "Look at the resource; set lifecycle.deadline where it may take longer.".to_owned(),
            str::to_owned,
        )),
    }
}

#[cfg(test)]
mod tests;
