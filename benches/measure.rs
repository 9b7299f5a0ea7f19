//! Processor time of a floor and of what stands on it, in turn, in one run.
//!
//! A floor is the least work that could do the job, on the same bytes: on a busy machine both get
//! slower, and the ratio stays.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Returns the processor time of this thread so far, so that other programs do not count; on a system
/// that does not tell, the time since the first call.
pub(crate) fn spent() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    // Source: "proc-schedstat" of the kernel's documentation; nanoseconds on the processor come first.
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    told.and_then(|text| text.split(' ').next()?.parse().ok())
        .map_or_else(
            || START.get_or_init(Instant::now).elapsed(),
            Duration::from_nanos,
        )
}

/// Runs floor and subject in turn and returns the best time of each: the others were disturbed.
pub(crate) fn side_by_side<F, S>(
    rounds: usize,
    mut floor: impl FnMut() -> F,
    mut subject: impl FnMut() -> S,
) -> (Duration, Duration) {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..rounds {
        best.0 = best.0.min(once(&mut floor));
        best.1 = best.1.min(once(&mut subject));
    }
    best
}

fn once<T>(work: &mut impl FnMut() -> T) -> Duration {
    let before = spent();
    let made = black_box(work());
    let after = spent();
    // Taking apart what was made is no part of making it.
    drop(made);
    after.saturating_sub(before)
}
