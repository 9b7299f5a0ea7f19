//! What fails: how long it waits, and what ends that.

use super::*;

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
    schedule.nudge(&of("x"), at(now - 100));
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
fn what_fails_rests_while_others_are_answered() {
    let mut schedule = one(3600);
    assert!(started(&mut schedule, 0).is_some());
    schedule.nudge(&of("z"), at(1));
    schedule.end(&name("a"), failing(&["x"]), at(1));
    assert_eq!(
        started(&mut schedule, 2),
        Some(Reason::Nudge),
        "told before"
    );
    assert_eq!(schedule.resting(&name("a")), BTreeSet::from([of("x")]));
    // What fails in it rests as well, and moves no time.
    schedule.end(&name("a"), failing(&["x", "z"]), at(3));
    schedule.nudge(&of("x"), at(3));
    schedule.nudge(&of("z"), at(3));
    assert_eq!(started(&mut schedule, 5), None);
    assert_eq!(started(&mut schedule, 6), Some(Reason::Retry));
    assert_eq!(schedule.resting(&name("a")), BTreeSet::new());
    schedule.end(&name("a"), Ended::default(), at(6));
    schedule.nudge(&of("x"), at(7));
    assert_eq!(started(&mut schedule, 8), Some(Reason::Nudge));
    assert_eq!(schedule.resting(&name("a")), BTreeSet::new());
}

#[test]
fn a_secret_with_another_value_cuts_the_wait_of_what_failed_short() {
    let failed_often = || {
        let mut schedule = one(3600);
        let mut now = 0;
        for _ in 0..6 {
            assert!(started(&mut schedule, now).is_some(), "at {now}");
            schedule.end(&name("a"), failing(&["x"]), at(now));
            now = schedule.wake().unwrap().as_second() - at(0).as_second();
        }
        (schedule, now)
    };
    let (mut schedule, retry) = failed_often();
    assert!(!schedule.tell(&name("a"), Reason::Secret, at(retry - 60)));
    assert_eq!(started(&mut schedule, retry - 60), Some(Reason::Secret));
    assert_eq!(schedule.resting(&name("a")), BTreeSet::new());
    // It counts from the start again.
    schedule.end(&name("a"), failing(&["x"]), at(retry - 59));
    assert_eq!(schedule.wake(), Some(at(retry - 54)));
    // Told while it runs, and beside a hint about something live.
    let (mut schedule, retry) = failed_often();
    assert!(started(&mut schedule, retry).is_some());
    schedule.nudge(&of("z"), at(retry));
    assert!(!schedule.tell(&name("a"), Reason::Secret, at(retry)));
    schedule.end(&name("a"), failing(&["x"]), at(retry + 1));
    assert_eq!(started(&mut schedule, retry + 1), Some(Reason::Secret));
    assert_eq!(schedule.resting(&name("a")), BTreeSet::new());
}

#[test]
fn the_interval_is_kept_beside_what_fails_and_not_where_nothing_can_be_seen() {
    let mut schedule = one(15);
    let mut now = 0;
    let mut runs = Vec::new();
    for _ in 0..8 {
        let reason = started(&mut schedule, now).unwrap();
        let rests = !schedule.resting(&name("a")).is_empty();
        runs.push((now, reason.as_str(), rests));
        schedule.end(&name("a"), failing(&["x"]), at(now));
        now = schedule.wake().unwrap().as_second() - at(0).as_second();
    }
    let look = |at| (at, "interval", true);
    let retry = |at| (at, "retry", false);
    let first = [(0, "start", false), retry(5), retry(15), look(30)];
    let then = [retry(35), look(50), look(65), retry(75)];
    assert_eq!(runs, [first, then].concat());
    // A server that does not answer is left alone.
    let unseen = Ended {
        unseen: true,
        ..failing(&["x"])
    };
    assert!(started(&mut schedule, now).is_some());
    schedule.end(&name("a"), unseen, at(now));
    assert_eq!(schedule.wake(), Some(at(155)), "its own time");
}

#[test]
fn what_is_being_deleted_is_looked_at_until_its_time_is_over_and_seldom_then() {
    let mut schedule = one(3600);
    let (mut now, mut looks) = (0, Vec::new());
    for _ in 0..12 {
        let reason = started(&mut schedule, now).unwrap();
        looks.push(now);
        assert!(looks.len() == 1 || reason == Reason::Check);
        let ended = Ended {
            gone_by: Some(at(100)),
            ..Ended::default()
        };
        schedule.end(&name("a"), ended, at(now));
        now = schedule.wake().unwrap().as_second() - at(0).as_second();
    }
    assert_eq!(looks, [0, 1, 3, 7, 15, 31, 61, 91, 100, 356, 868, 1468]);
    // It is gone, and the next one that goes is looked at as soon as the first.
    assert!(started(&mut schedule, now).is_some());
    schedule.end(&name("a"), Ended::default(), at(now));
    assert_eq!(schedule.wake(), Some(at(now + 3600)));
}
