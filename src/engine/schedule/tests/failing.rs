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
    assert!(
        schedule
            .tell(&name("a"), Reason::Secret, at(retry - 60))
            .is_none()
    );
    assert_eq!(started(&mut schedule, retry - 60), Some(Reason::Secret));
    assert_eq!(schedule.resting(&name("a")), BTreeSet::new());
    // It counts from the start again.
    schedule.end(&name("a"), failing(&["x"]), at(retry - 59));
    assert_eq!(schedule.wake(), Some(at(retry - 54)));
    // Told while it runs, and beside a hint about something live.
    let (mut schedule, retry) = failed_often();
    assert!(started(&mut schedule, retry).is_some());
    schedule.nudge(&of("z"), at(retry));
    assert!(
        schedule
            .tell(&name("a"), Reason::Secret, at(retry))
            .is_none()
    );
    schedule.end(&name("a"), failing(&["x"]), at(retry + 1));
    assert_eq!(started(&mut schedule, retry + 1), Some(Reason::Secret));
    assert_eq!(schedule.resting(&name("a")), BTreeSet::new());
}
