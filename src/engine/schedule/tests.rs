//! The schedule, played by hand.

use super::*;
use proptest::prelude::*;

fn name(text: &str) -> EnvironmentName {
    EnvironmentName::new(text).unwrap()
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
        [Command::Start(_, reason)] => Some(*reason),
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
fn failures_back_off_to_a_cap_and_a_revision_resets_them() {
    let mut schedule = one(3600);
    let mut now = 0;
    let mut pauses = Vec::new();
    for _ in 0..10 {
        assert!(started(&mut schedule, now).is_some());
        schedule.end(
            &name("a"),
            Ended {
                failed: true,
                ..Ended::default()
            },
            at(now),
        );
        let wake = schedule.wake().unwrap().as_second() - 1_000_000;
        pauses.push(wake - now);
        now = wake;
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]);
    assert_eq!(
        schedule.tell(&name("a"), Reason::Nudge, at(now - 100)),
        None
    );
    assert_eq!(
        started(&mut schedule, now - 50),
        None,
        "a nudge does not shorten a back-off"
    );
    schedule.tell(&name("a"), Reason::Revision, at(now - 40));
    assert_eq!(started(&mut schedule, now - 40), Some(Reason::Revision));
    schedule.end(
        &name("a"),
        Ended {
            failed: true,
            ..Ended::default()
        },
        at(now),
    );
    assert_eq!(schedule.wake(), Some(at(now + 5)), "the count began anew");
}

#[test]
fn a_revision_cuts_a_run_short_and_runs_next() {
    let mut schedule = one(3600);
    assert!(started(&mut schedule, 0).is_some());
    assert_eq!(schedule.tell(&name("a"), Reason::Nudge, at(1)), None);
    assert_eq!(
        schedule.tell(&name("a"), Reason::Revision, at(2)),
        Some(Command::Preempt(name("a")))
    );
    schedule.end(&name("a"), Ended::default(), at(3));
    assert_eq!(started(&mut schedule, 3), Some(Reason::Revision));
}

#[test]
fn nudges_are_gathered_and_ignored_while_two_fight() {
    let mut schedule = one(3600);
    assert!(started(&mut schedule, 0).is_some());
    schedule.end(&name("a"), Ended::default(), at(0));
    for round in 0..5 {
        schedule.tell(&name("a"), Reason::Nudge, at(round * 10 + 1));
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
                corrected: true,
                ..Ended::default()
            },
            at(round * 10 + 3),
        );
    }
    assert!(schedule.is_flapping(&name("a"), at(50)));
    schedule.tell(&name("a"), Reason::Nudge, at(51));
    assert_eq!(started(&mut schedule, 60), None);
    assert!(!schedule.is_flapping(&name("a"), at(1000)), "it calms down");
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
    assert_eq!(
        schedule.due(at(1)),
        [Command::Start(name("c"), Reason::Start)]
    );
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
                0 => { schedule.tell(&name("a"), Reason::Nudge, at(now)); }
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
