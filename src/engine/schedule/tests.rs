//! The schedule, played by hand.

use super::*;
use proptest::prelude::*;

mod failing;

fn name(text: &str) -> EnvironmentName {
    EnvironmentName::new(text).unwrap()
}

/// A resource of the one environment.
fn of(resource: &str) -> Address {
    format!("a/{resource}").parse().unwrap()
}

fn failing(resources: &[&str]) -> Ended {
    Ended {
        failed: true,
        failing: resources.iter().map(|resource| of(resource)).collect(),
        ..Ended::default()
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).unwrap()
}

fn one(interval: u64) -> Schedule {
    let mut schedule = Schedule::new(Pace::default());
    schedule.declare(
        &BTreeMap::from([(name("a"), Every::Interval(Duration::from_secs(interval)))]),
        at(0),
    );
    schedule
}

fn started(schedule: &mut Schedule, now: i64) -> Option<Reason> {
    match schedule.due(at(now)).as_slice() {
        [(_, reason)] => Some(*reason),
        [] => None,
        more => panic!("{more:?}"),
    }
}

#[test]
fn it_runs_at_the_start_and_then_by_interval() {
    let mut schedule = one(60);
    assert_eq!(started(&mut schedule, 0), Some(Reason::Start));
    assert_eq!(started(&mut schedule, 500), None, "never twice at once");
    schedule.end(&name("a"), Ended::default(), at(10));
    assert_eq!(started(&mut schedule, 69), None);
    assert_eq!(started(&mut schedule, 70), Some(Reason::Interval));
}

#[test]
fn what_people_wait_for_goes_before_what_nobody_waits_for() {
    let pace = Pace {
        at_once: 1,
        ..Pace::default()
    };
    let mut schedule = Schedule::new(pace);
    let every = || Every::Interval(Duration::from_secs(60));
    let all = ["a", "b", "c"].map(|one| (name(one), every()));
    schedule.declare(&BTreeMap::from(all), at(0));
    for _ in 0..3 {
        let [(one, _)] = &schedule.due(at(0))[..] else {
            panic!("one at once");
        };
        schedule.end(&one.clone(), Ended::default(), at(0));
    }
    // All three are overdue when Git says something new of the last.
    schedule.tell(&name("c"), Reason::Revision, at(500));
    let next = schedule.due(at(500));
    assert_eq!(next, [(name("c"), Reason::Revision)]);
}

#[test]
fn a_revision_cuts_a_run_short_and_runs_next() {
    let mut schedule = one(3600);
    assert!(started(&mut schedule, 0).is_some());
    schedule.nudge(&of("x"), at(1));
    assert!(schedule.tell(&name("a"), Reason::Revision, at(2)));
    schedule.end(&name("a"), Ended::default(), at(3));
    assert_eq!(started(&mut schedule, 3), Some(Reason::Revision));
}

#[test]
fn nudges_are_gathered_and_ignored_of_what_two_fight_over() {
    let mut schedule = one(3600);
    assert!(started(&mut schedule, 0).is_some());
    schedule.end(&name("a"), Ended::default(), at(0));
    for round in 0..5 {
        schedule.nudge(&of("x"), at(round * 10 + 1));
        assert_eq!(
            started(&mut schedule, round * 10 + 1),
            None,
            "gathered first"
        );
        assert_eq!(
            started(&mut schedule, round * 10 + 2),
            Some(Reason::Nudge),
            "round {round}"
        );
        schedule.end(
            &name("a"),
            Ended {
                corrected: BTreeSet::from([of("x")]),
                ..Ended::default()
            },
            at(round * 10 + 3),
        );
    }
    schedule.nudge(&of("x"), at(51));
    assert_eq!(started(&mut schedule, 60), None);
    schedule.nudge(&of("y"), at(61));
    assert_eq!(started(&mut schedule, 62), Some(Reason::Nudge), "another");
    schedule.end(&name("a"), Ended::default(), at(63));
    schedule.nudge(&of("x"), at(1000));
    assert_eq!(
        started(&mut schedule, 1001),
        Some(Reason::Nudge),
        "it calms down"
    );
}

#[test]
fn what_was_written_is_looked_at_once_more() {
    let wrote = || Ended {
        wrote: true,
        ..Ended::default()
    };
    let mut schedule = one(3600);
    assert!(started(&mut schedule, 0).is_some());
    schedule.end(&name("a"), wrote(), at(0));
    assert_eq!(started(&mut schedule, 1), Some(Reason::Check));
    // It wrote again, since somebody undid it.
    schedule.end(&name("a"), wrote(), at(1));
    assert_eq!(schedule.wake(), Some(at(3601)));
}

#[test]
fn a_window_is_waited_for() {
    let mut schedule = one(3600);
    assert!(started(&mut schedule, 0).is_some());
    schedule.end(
        &name("a"),
        Ended {
            window: Some(at(100)),
            ..Ended::default()
        },
        at(1),
    );
    assert_eq!(started(&mut schedule, 100), Some(Reason::Window));
}

#[test]
fn what_could_not_be_told_yet_is_asked_again_before_the_interval() {
    let asking = |at| Ended {
        ask_again: Some(at),
        ..Ended::default()
    };
    let mut schedule = one(60);
    assert!(started(&mut schedule, 0).is_some());
    schedule.end(&name("a"), asking(at(6)), at(1));
    assert_eq!(started(&mut schedule, 6), Some(Reason::Check));
    // Never later than it is looked at anyway.
    schedule.end(&name("a"), asking(at(600)), at(6));
    assert_eq!(started(&mut schedule, 66), Some(Reason::Interval));
}

#[test]
fn no_more_run_at_once_than_the_pace_allows() {
    let mut schedule = Schedule::new(Pace {
        at_once: 2,
        ..Pace::default()
    });
    let names = ["a", "b", "c"].map(|text| (name(text), Every::Interval(Duration::from_secs(60))));
    schedule.declare(&BTreeMap::from(names), at(0));
    assert_eq!(schedule.due(at(0)).len(), 2);
    assert_eq!(schedule.wake(), None);
    schedule.end(&name("a"), Ended::default(), at(1));
    assert_eq!(schedule.due(at(1)), [(name("c"), Reason::Start)]);
}

proptest! {
    /// Whatever is told in whatever order: never two runs of one environment, and never stuck.
    #[test]
    fn one_run_at_a_time_and_never_stuck(events in prop::collection::vec((0u8..6, 0i64..40), 1..60)) {
        let mut schedule = one(30);
        let (mut now, mut running) = (0, false);
        for (event, pause) in events {
            now += pause;
            match event {
                0 => schedule.nudge(&of("x"), at(now)),
                1 => { schedule.tell(&name("a"), Reason::Revision, at(now)); }
                2 | 3 if running => {
                    schedule.end(&name("a"), Ended { failed: event == 3, ..Ended::default() }, at(now));
                    running = false;
                }
                _ => {
                    let commands = schedule.due(at(now));
                    prop_assert!(!running || commands.is_empty());
                    running |= !commands.is_empty();
                }
            }
            prop_assert!(running || schedule.wake().is_some());
        }
    }

    /// Whatever fails and is nudged in whatever order: what failed is not tried before its back-off is
    /// over, but once where it failed in another's run; and whoever neither fails nor is fought over is
    /// run for as soon as nudges are gathered.
    #[test]
    fn what_fails_keeps_its_pace_and_nobody_else_from_running(events in prop::collection::vec((0u8..4, 0u8..8, 0i64..30), 1..80)) {
        let mut schedule = one(3600);
        let names = ["x", "y", "z"];
        let mut now = 0;
        // By resource: when it may be tried again, and whether it failed in another's run.
        let mut rests: BTreeMap<&str, i64> = BTreeMap::new();
        let mut retry = 0;
        for (nudged, fails, pause) in events {
            now += pause;
            let waits = names.get(usize::from(nudged)).map(|name| (name, rests.contains_key(name)));
            if let Some((name, _)) = waits {
                schedule.nudge(&of(name), at(now));
            }
            now += 1;
            let Some(reason) = started(&mut schedule, now) else {
                prop_assert!(waits.is_none_or(|(_, waits)| waits), "{waits:?} unheard");
                continue;
            };
            let resting = schedule.resting(&name("a"));
            for (name, until) in &rests {
                prop_assert!(resting.contains(&of(name)) || now >= *until, "{name} tried at {now}, before {until}");
            }
            let failed: Vec<&str> = names.into_iter().enumerate()
                .filter(|(bit, name)| fails & (1 << bit) != 0 || resting.contains(&of(name)))
                .map(|(_, name)| name)
                .collect();
            if failed.is_empty() {
                schedule.end(&name("a"), Ended::default(), at(now));
            } else {
                schedule.end(&name("a"), failing(&failed), at(now));
            }
            let is_early = reason == Reason::Nudge && now < retry;
            if !is_early {
                rests.clear();
                let wake = schedule.wake().unwrap().as_second() - 1_000_000;
                retry = if failed.is_empty() { 0 } else { wake };
            }
            rests.extend(failed.into_iter().map(|name| (name, retry)));
        }
    }
}

#[test]
fn cron_times_are_kept_instead_of_an_interval() {
    let mut schedule = Schedule::new(Pace::default());
    let now: Timestamp = "2026-11-20T05:00:00Z".parse().unwrap();
    schedule.declare(
        &BTreeMap::from([(name("a"), Every::Cron("0 6 * * *".to_owned()))]),
        now,
    );
    assert_eq!(schedule.due(now).len(), 1);
    schedule.end(&name("a"), Ended::default(), now);
    assert_eq!(
        schedule.wake(),
        Some("2026-11-20T06:00:00Z".parse().unwrap())
    );
}

/// Starts what is due, and returns what it is about, where that is not all.
fn about(schedule: &mut Schedule, now: i64) -> (Option<Reason>, Vec<String>) {
    let reason = started(schedule, now);
    let some = schedule.nudged(&name("a")).unwrap_or_default();
    let some = some.iter().map(|address| address.resource.to_string());
    (reason, some.collect())
}

fn settled(partial: bool) -> Ended {
    Ended {
        settled: true,
        partial,
        ..Ended::default()
    }
}

#[test]
fn a_nudge_of_what_was_as_declared_is_about_that_alone_and_puts_off_no_other_run() {
    let mut schedule = one(60);
    assert_eq!(about(&mut schedule, 0), (Some(Reason::Start), Vec::new()));
    schedule.nudge(&of("early"), at(1));
    schedule.end(&name("a"), settled(false), at(2));
    schedule.nudge(&of("api"), at(2));
    let both = vec!["api".to_owned(), "early".to_owned()];
    assert_eq!(about(&mut schedule, 3), (Some(Reason::Nudge), both));
    schedule.nudge(&of("db"), at(4));
    schedule.end(&name("a"), settled(true), at(40));
    let db = vec!["db".to_owned()];
    assert_eq!(about(&mut schedule, 41), (Some(Reason::Nudge), db));
    schedule.end(&name("a"), settled(true), at(50));
    // As long after the first run as ever.
    assert_eq!(about(&mut schedule, 61), (None, Vec::new()));
    assert_eq!(
        about(&mut schedule, 62),
        (Some(Reason::Interval), Vec::new())
    );
}

#[test]
fn what_else_is_due_or_did_not_settle_is_about_all() {
    let all = |schedule: &mut Schedule, now, reason| {
        assert_eq!(about(schedule, now), (Some(reason), Vec::new()));
    };
    let mut schedule = one(60);
    all(&mut schedule, 0, Reason::Start);
    // It found something that is not as declared.
    schedule.end(&name("a"), Ended::default(), at(0));
    schedule.nudge(&of("api"), at(1));
    all(&mut schedule, 2, Reason::Nudge);
    schedule.end(&name("a"), settled(false), at(2));
    schedule.nudge(&of("api"), at(3));
    schedule.tell(&name("a"), Reason::Asked, at(3));
    all(&mut schedule, 3, Reason::Asked);
    // Told while a run is under way, with a nudge beside it.
    schedule.tell(&name("a"), Reason::Revision, at(4));
    schedule.nudge(&of("api"), at(4));
    schedule.end(&name("a"), settled(false), at(5));
    all(&mut schedule, 5, Reason::Revision);
    schedule.end(&name("a"), settled(false), at(5));
    // Nobody starts it before the interval is over, too.
    schedule.nudge(&of("api"), at(6));
    all(&mut schedule, 100, Reason::Nudge);
    schedule.end(&name("a"), settled(false), at(100));
    for nth in 0..=Pace::default().most_nudged {
        schedule.nudge(&of(&format!("r{nth}")), at(101));
    }
    all(&mut schedule, 102, Reason::Nudge);
}

#[test]
fn what_has_to_run_again_at_once_time_after_time_draws_breath() {
    let mut schedule = one(3600);
    let again = || Ended {
        again: true,
        ..Ended::default()
    };
    let mut now = at(0);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        assert!(!schedule.due(now).is_empty());
        schedule.end(&name("a"), again(), now);
        // What moved it is heard of.
        schedule.nudge(&of("x"), now);
        let next = schedule.wake().unwrap();
        pauses.push(next.duration_since(now).as_millis());
        now = next;
    }
    let Pace {
        gather,
        first_backoff,
        ..
    } = Pace::default();
    let millis = |pause: Duration| i128::try_from(pause.as_millis()).unwrap();
    assert_eq!(pauses[..3], [millis(gather); 3]);
    assert_eq!(
        pauses[3..],
        [1, 2, 4].map(|times| millis(first_backoff) * times)
    );
    // It went well once.
    assert!(!schedule.due(now).is_empty());
    schedule.end(&name("a"), Ended::default(), now);
    schedule.tell(&name("a"), Reason::Asked, now);
    assert!(!schedule.due(now).is_empty());
    schedule.end(&name("a"), again(), now);
    assert_eq!(schedule.wake(), Some(later(now, gather)));
}
