//! Storms that gather, change and end.

use super::super::trouble::BROKEN;
use super::*;
use crate::deliver::fixtures::address;
use serde_json::json;

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn episode(id: i64, environment: &str, code: &str) -> Episode {
    let environment = EnvironmentName::new(environment).unwrap();
    Episode {
        id: EpisodeId(id),
        address: None,
        environment,
        condition: format!("unknown/{code}"),
        details: json!({ "code": code, "what": "12 resources (a, b …)", "reason": "https://it: refused",
            "through": { "called": "cluster prod", "place": "cluster prod " } }),
        opened_at: second(60),
        ended_at: None,
        how: None,
    }
}

fn storm(count: i64) -> Storm {
    let first = episode(1, "e1", "unreachable");
    let mut storm = Storm::begin(&first, Cause::of(&first).unwrap(), None);
    for nth in 1..=count {
        let code = if nth % 2 == 0 {
            "timeout"
        } else {
            "unreachable"
        };
        let one = episode(nth, &format!("e{nth}"), code);
        assert!(storm.is_of(&Cause::of(&one).unwrap(), None));
        assert!(storm.take(&one) && !storm.take(&one), "{nth}");
    }
    storm
}

#[test]
fn it_is_one_message_from_its_first_environment_to_its_last() {
    let mut storm = storm(70);
    assert_eq!(storm.only(), None);
    let message = storm.message();
    assert_eq!(
        message.text,
        "🔶 70 environments: cluster prod does not answer"
    );
    let said = message.blocks.to_string();
    assert!(
        said.contains("https://it: refused") && said.contains("… and 10 more"),
        "{said}"
    );
    let each = storm.each().unwrap().blocks.to_string();
    assert!(each.contains("`e70`: 12 resources"), "{each}");
    let end = |storm: &mut Storm, nth: i64| {
        let ended = Episode {
            ended_at: Some(second(60 + nth)),
            how: Some(End::Mended.as_str().to_owned()),
            ..episode(nth, &format!("e{nth}"), "unreachable")
        };
        assert!(storm.take(&ended) && !storm.take(&ended));
    };
    end(&mut storm, 7);
    let message = storm.message();
    assert_eq!(
        message.text,
        "🔶 69 of 70 environments: cluster prod does not answer"
    );
    assert!(message.blocks.to_string().contains("Over in e7"));
    for nth in (1..=70).filter(|nth| *nth != 7) {
        assert!(!storm.is_over());
        end(&mut storm, nth);
    }
    assert!(storm.is_over() && storm.gravity() == Gravity::Good);
    let message = storm.message();
    assert_eq!(
        message.text,
        "✅ 70 environments: cluster prod answers again"
    );
    let said = message.blocks.to_string();
    assert!(said.contains("after 1m"), "{said}");
}

#[test]
fn what_is_wrong_with_one_alone_is_told_by_itself() {
    let only = storm(1);
    assert_eq!(only.only(), Some(EpisodeId(1)));
    let drift = Episode {
        condition: "drift".to_owned(),
        ..episode(1, "e1", "unreachable")
    };
    assert_eq!(Cause::of(&drift), None);
    // One environment, of which single resources cannot be told: still one message.
    let mut storm = storm(1);
    let more = Episode {
        condition: "unknown".to_owned(),
        address: Some(address("page")),
        ..episode(2, "e1", "unreachable")
    };
    assert!(storm.take(&more) && storm.only().is_none());
    assert_eq!(storm.message().text, "🔶 e1: cluster prod does not answer");
    assert_eq!(storm.each(), None);
    // Another server, other words, or another channel is another message.
    let other = Cause::of(&episode(3, "e3", "forbidden")).unwrap();
    assert!(!storm.is_of(&other, None));
    let same = Cause::of(&more).unwrap();
    assert!(storm.is_of(&same, None) && !storm.is_of(&same, Some("#else")));
}

#[test]
fn specs_that_are_broken_by_the_same_line_are_told_together() {
    let line = |line: &str| broken(1, "e1", line);
    let (one, other) = (line("layer.yaml:3:1: no"), line("e2.yaml:3:1: no"));
    let cause = Cause::of(&one).unwrap();
    let mut storm = Storm::begin(&one, cause.clone(), None);
    assert!(storm.is_of(&cause, None) && !storm.is_of(&Cause::of(&other).unwrap(), None));
    storm.take(&one);
    let second = Episode {
        id: EpisodeId(2),
        environment: EnvironmentName::new("e2").unwrap(),
        ..one
    };
    storm.take(&second);
    let message = storm.message();
    assert_eq!(
        message.text,
        "❌ 2 environments: their newest specs cannot be used"
    );
    assert!(message.blocks.to_string().contains("layer.yaml"));
}

fn broken(id: i64, environment: &str, line: &str) -> Episode {
    Episode {
        condition: BROKEN.to_owned(),
        details: json!({ "lines": [line], "hint": "The last good state stays in force." }),
        ..episode(id, environment, "")
    }
}

#[test]
fn a_second_mistake_is_told_once_nothing_has_the_first_any_more() {
    let first = broken(1, "e1", "mistake one");
    let mut storm = Storm::begin(&first, Cause::of(&first).unwrap(), None);
    storm.take(&first);
    storm.take(&broken(2, "e2", "mistake one"));
    let said = |storm: &Storm| storm.message().blocks.to_string();
    assert!(storm.take(&broken(1, "e1", "mistake two")));
    assert!(said(&storm).contains("mistake one") && !said(&storm).contains("mistake two"));
    assert!(storm.take(&broken(2, "e2", "mistake two")));
    assert!(!said(&storm).contains("mistake one") && said(&storm).contains("mistake two"));
    let cause = Cause::of(&broken(3, "e3", "mistake two")).unwrap();
    assert!(storm.is_of(&cause, None));
}

#[test]
fn what_comes_long_after_the_others_is_none_of_them() {
    let mut storm = storm(3);
    assert!(storm.gathers(second(60 + 3599)) && !storm.gathers(second(60 + 3600)));
    let late = Episode {
        opened_at: second(3000),
        ..episode(4, "e4", "timeout")
    };
    storm.take(&late);
    assert!(storm.gathers(second(3000 + 3599)));
    for nth in 1..=4 {
        storm.forget(EpisodeId(nth), second(3001));
    }
    assert!(storm.is_over() && !storm.gathers(second(3001)));
}

#[test]
fn an_environment_that_comes_and_goes_is_one_of_them_and_ends_but_once() {
    let mut storm = storm(2);
    for nth in 3..100 {
        let mut one = episode(nth, "e3", "timeout");
        assert!(storm.take(&one));
        one.ended_at = Some(second(70 + nth));
        assert!(storm.take(&one));
        // After a kill between its end told and recorded.
        one.ended_at = Some(second(1000 + nth));
        assert!(!storm.take(&one));
    }
    assert_eq!(storm.ids(false).len(), 3);
}

#[test]
fn what_is_over_elsewhere_is_not_told_for_what_goes_on_with_another_mistake() {
    let (one, two) = ("mistake one", "mistake two");
    let first = broken(1, "e1", one);
    let mut storm = Storm::begin(&first, Cause::of(&first).unwrap(), None);
    storm.take(&first);
    storm.take(&broken(2, "e2", one));
    // The layer is mended, and the first has a mistake of its own.
    storm.take(&broken(1, "e1", two));
    let ended = Episode {
        ended_at: Some(second(70)),
        how: Some(End::Mended.as_str().to_owned()),
        ..broken(2, "e2", one)
    };
    assert!(storm.take(&ended));
    let said = storm.message().blocks.to_string();
    assert!(!said.contains(one) && said.contains(two), "{said}");
}
