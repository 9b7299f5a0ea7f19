//! What is live and nobody's here, in the plan of a branch: anybody may declare it, and is told no value of it.

use super::scene::{Scene, live, value};
use super::secrets::everything;
use insta::assert_snapshot;
use reconciled::model::{Basis, Observation, Prediction};
use serde_json::{Value, json};

const CANARY: &str = "canary-of-theirs";

/// A branch declares what is there already, and nobody's.
fn peeked(desired: Value, theirs: Value) -> Scene {
    let said = value(desired.clone());
    Scene::new()
        .wants("test/plain", "api", desired)
        .with(|wanted| {
            wanted.basis = Basis::Branch {
                said,
                merged: None,
                strange: true,
            };
        })
        .sees("api", Observation::Present(Box::new(live(theirs, None))))
}

#[test]
fn where_a_stranger_s_differs_is_shown_and_no_value_of_it() {
    let desired = json!({ "name": "api", "text": "mine", "size": 3 });
    let theirs = json!({ "name": "api", "text": CANARY, "size": 4711 });
    let waits = peeked(desired.clone(), theirs.clone());
    assert_snapshot!(waits.steps(), @"wait prod/api: it is there already and carries nobody's mark, and what it holds would be overwritten: `lifecycle: { adopt: true }` takes it over and changes these fields; its values are shown after the merge");
    assert_snapshot!(waits.shown(), @r#"
    Waiting:

       ! api  (test/plain)
          # it is there already and carries nobody's mark, and what it holds would be overwritten: `lifecycle: { adopt: true }` takes it over and changes these fields; its values are shown after the merge
          ~ size = (sensitive) -> 3
          ~ text = (sensitive) -> "mine"
    "#);
    let adopts = peeked(desired, theirs).with(|wanted| wanted.lifecycle.adopt = true);
    assert_snapshot!(adopts.shown(), @r#"
    > api  adopt and overwrite  (test/plain)
       # it is there already and carries nobody's mark; it is taken over, and what it holds is overwritten; its values are shown after the merge
       ~ size = (sensitive) -> 3
       ~ text = (sensitive) -> "mine"
    "#);
    assert!(adopts.plan().steps[0].overwrites());
    for scene in [&waits, &adopts] {
        let told = everything(scene);
        assert!(!told.contains(CANARY) && !told.contains("4711"), "{told}");
    }
}

#[test]
fn what_a_write_leaves_of_it_is_not_shown_either() {
    let desired = json!({ "name": "api", "list": ["mine"] });
    let theirs = json!({ "name": "api", "list": [CANARY] });
    let becomes = json!({ "name": "api", "list": [CANARY, "mine"] });
    let prediction = Prediction::Becomes {
        value: value(becomes).into(),
        yielded: Vec::new(),
        payload: None,
        kept: Vec::new(),
    };
    let scene = peeked(desired, theirs).predicts("api", prediction);
    assert_snapshot!(scene.shown(), @r#"
    Waiting:

       ! api  (test/plain)
          # it is there already and carries nobody's mark, and what it holds would be overwritten: `lifecycle: { adopt: true }` takes it over and changes these fields; its values are shown after the merge
          ~ list = [(sensitive)] -> [(sensitive), "mine"]
    "#);
    assert!(!everything(&scene).contains(CANARY));
}

#[test]
fn the_words_of_a_refusal_are_not_told_where_they_quote_it() {
    let refused = |reason: &str| {
        let theirs = json!({ "name": "api", "text": CANARY });
        let prediction = Prediction::Refused {
            reason: reason.to_owned(),
            immutable: Vec::new(),
        };
        let scene = peeked(json!({ "name": "api", "text": "mine" }), theirs);
        scene.predicts("api", prediction).steps()
    };
    assert_snapshot!(refused("canary-of-theirs is weak"), @"wait prod/api: the live side would refuse it: its words quote what is live, and are told after the merge; its values are shown after the merge");
    assert_snapshot!(refused("text: \"mine\" is weak"), @r#"wait prod/api: the live side would refuse it: text: "mine" is weak; its values are shown after the merge"#);
}
