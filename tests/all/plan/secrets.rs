//! No secret in any plan or picture of one, wherever it stands and whatever became of it.

use super::scene::{Scene, address, key, value};
use insta::assert_snapshot;
use proptest::prelude::*;
use reconciled::deliver::notify::Message;
use reconciled::deliver::render::{
    About, Difference, Episode, Links, Merging, Page, RunResult, Screen, episode_slack, plan_json,
    plan_markdown, plan_terminal, run_json, run_markdown, run_slack, run_terminal,
};
use reconciled::deliver::{Authority, route};
use reconciled::model::{Basis, EnvironmentName, Observation, Outcome, Owner, RunId, Veil};
use reconciled::plan::Plan;
use serde_json::{Value, json};

const CANARY: &str = "kanarienvogel";

/// Everything that is ever shown of a plan, in one text.
pub(super) fn everything(scene: &Scene) -> String {
    let plan = scene.plan();
    let screen = Screen {
        colour: true,
        width: 80,
    };
    let page = Page {
        marker: "<!-- m -->",
        revision: &plan.revision,
        at: scene.now,
    };
    let go = route(&plan, &scene.reconcile, Authority::Person);
    let done = plan
        .steps
        .iter()
        .map(|step| (step.address.clone(), Outcome::DONE))
        .collect();
    let result = RunResult {
        plan: &plan,
        route: &go,
        outcomes: &done,
        run: Some(RunId(1)),
        trigger: "revision",
        ended_at: scene.now,
        took: None,
        apart: RunResult::NONE_APART,
        earlier: RunResult::NONE_EARLIER,
    };
    let mut all = vec![
        plan_terminal(&plan, screen),
        plan_markdown(std::slice::from_ref(&plan), &[], &Merging::default(), &page),
        plan_json(&plan).to_string(),
        serde_json::to_string(&plan).unwrap(),
        format!("{plan:?}"),
        run_terminal(&result, screen),
        run_markdown(&[result], &[], &page),
        run_json(&result).to_string(),
        message(run_slack(&result, &About::default())),
    ];
    all.extend(
        plan.steps
            .iter()
            .map(|step| message(episode(scene, &plan, &Difference::of(step)))),
    );
    all.join("\n")
}

fn message(message: Message) -> String {
    format!("{} {}", message.text, message.blocks)
}

fn episode(scene: &Scene, plan: &Plan, differences: &[Difference]) -> Message {
    episode_slack(&Episode {
        environment: &EnvironmentName::new("prod").unwrap(),
        revision: &plan.revision,
        links: &Links::default(),
        address: &address("api"),
        kind: "test/plain",
        differences,
        by: &[],
        found_at: scene.now,
        course: "it is put back",
        hint: None,
        asked: None,
        ended: None,
    })
}

#[test]
fn a_changed_secret_shows_that_it_changed_and_nothing_else() {
    let scene = Scene::new()
        .wants(
            "test/plain",
            "api",
            json!({"env": {"key": {"$secret": "new-canary"}}}),
        )
        .ours("api", json!({"env": {"key": "old-canary"}}))
        .applied(
            "test/plain",
            "api",
            json!({"env": {"key": {"$secret": "old-canary"}}}),
        );
    assert_snapshot!(scene.shown(), @r"
    ~ api  update  (test/plain)
       ~ env.key = (sensitive), changed
    ");
    assert!(!everything(&scene).contains("canary"));
}

#[test]
fn what_says_which_object_it_is_cannot_be_secret() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"name": {"$secret": "canary"}}))
        .absent("api");
    assert_snapshot!(scene.steps(), @"wait prod/api: /name says which object it is, so it is shown and recorded everywhere: it cannot be a secret");
    assert!(!everything(&scene).contains("canary"));
}

#[test]
fn an_equal_secret_is_no_difference_however_it_is_answered() {
    let desired = json!({"key": {"$secret": "canary"}});
    let scene = Scene::new()
        .wants("test/plain", "api", desired.clone())
        .ours("api", json!({"key": "canary"}))
        .applied("test/plain", "api", desired);
    assert!(scene.plan().is_empty());
}

#[test]
fn a_write_only_secret_is_compared_with_what_was_applied() {
    let desired = json!({"auth": {"user": "u", "password": {"$secret": "canary"}}});
    let scene = |applied: Value| {
        Scene::new()
            .wants("test/database", "db", desired.clone())
            .ours("db", json!({"auth": {"user": "u"}}))
            .applied("test/database", "db", applied)
    };
    assert!(scene(desired.clone()).plan().is_empty());
    let rotated = scene(json!({"auth": {"user": "u", "password": {"$secret": "canary-2"}}}));
    assert_snapshot!(rotated.shown(), @r#"
    ~ db  update  (test/database)
       ~ auth.password = "(not readable)" -> (sensitive)
    "#);
}

#[test]
fn only_the_item_with_the_secret_is_masked() {
    let scene = Scene::new()
        .wants("test/object", "api", json!({"containers": [{"name": "a", "env": [
            {"name": "KEY", "value": {"$secret": "canary-new"}}, {"name": "LEVEL", "value": "info"}]}]}))
        .ours("api", json!({"containers": [{"name": "a", "env": [
            {"name": "LEVEL", "value": "debug"}, {"name": "KEY", "value": "canary-old"}]}]}));
    assert_snapshot!(scene.shown(), @r#"
    ~ api  update  (test/object)
       ~ containers[name=a].env[name=KEY].value   = (sensitive), changed
       ~ containers[name=a].env[name=LEVEL].value = "debug" -> "info"
    "#);
}

/// Where a secret may be: in Git, on the live side in the clear, in what was applied, and where.
fn places() -> impl Strategy<Value = (Value, Value, Value)> {
    let leaf = |secret: bool, nth: u8| {
        let text = format!("{CANARY}-{nth}");
        if secret {
            json!({"$secret": text})
        } else {
            json!(text)
        }
    };
    let shape = |shape: u8, leaf: Value| match shape {
        0 => json!({"a": leaf}),
        1 => json!({"a": {"b": leaf}}),
        2 => json!({"a": ["plain", leaf]}),
        3 => json!({"a": [leaf, "plain"]}),
        4 => json!({"containers": [{"name": "x", "v": leaf}, {"name": "y", "v": 1}]}),
        5 => json!({"a": [{"b": 1}, {"b": leaf}]}),
        6 => json!({"a": [[leaf]], "n": 1}),
        _ => json!({}),
    };
    (
        0..8_u8,
        0..8_u8,
        0..8_u8,
        0..3_u8,
        0..3_u8,
        0..3_u8,
        any::<bool>(),
    )
        .prop_map(move |(git, live, then, one, two, three, in_git)| {
            // What is secret in Git or was when it was applied stands in the clear on the live side,
            // in the same place; a secret that moved to another place is another secret.
            let place = if in_git { git } else { then };
            let live = if live == 7 { 7 } else { place };
            let desired = shape(git, leaf(in_git, one));
            let desired = if in_git { desired } else { json!({"z": 1}) };
            (
                desired,
                shape(live, leaf(false, two)),
                shape(then, leaf(true, three)),
            )
        })
}

proptest! {
    #[test]
    fn no_canary_is_ever_shown((desired, live, applied) in places(), kind in 0..2_u8) {
        let kind = ["test/plain", "test/object"][usize::from(kind)];
        let scene = Scene::new().wants(kind, "api", desired).ours("api", live).applied(kind, "api", applied);
        let shown = everything(&scene);
        prop_assert!(!shown.contains(CANARY), "{shown}");
        prop_assert!(!key().sealed_json(scene.plan().steps[0].desired.as_ref().unwrap()).to_string().contains(CANARY));
    }
}

#[test]
fn what_a_branch_writes_out_over_a_secret_shows_alike_right_or_wrong() {
    let shown = |said: Value, merged: Option<Value>| {
        let live = json!({"engine": "pg", "auth": {"user": "right"}});
        let scene = Scene::new()
            .wants("test/database", "db", said.clone())
            .with(|wanted| {
                wanted.basis = Basis::Branch {
                    said: value(said),
                    merged: merged.map(value),
                    strange: false,
                };
            })
            .ours("db", live.clone())
            .applied("test/database", "db", live);
        scene.shown()
    };
    let said = |user: Value| json!({"name": "db", "engine": "pg", "auth": {"user": user}});
    let secret = said(json!({"$hole": "x", "sensitive": true}));
    let right = shown(said(json!("right")), Some(secret.clone()));
    assert_eq!(right, shown(said(json!("wrong")), Some(secret.clone())));
    assert_eq!(right, shown(said(json!("wrong")), None));
    assert_eq!(right, shown(said(json!("right")), None));
    assert_snapshot!(right, @r"
       ~ db  update  (test/database)
          ~ auth.user = (sensitive) -> (sensitive) (known after apply)
    ");
    // What the merged spec writes out is known to everybody.
    let open = said(json!("right"));
    assert_snapshot!(shown(open.clone(), Some(open)), @"");
}

#[test]
fn what_others_say_is_secret_in_an_object_is_secret_here() {
    let said = json!({ "name": "api", "token": { "$secret": "ab" } });
    let veil = Veil {
        of: address("staging/api"),
        said: reconciled::model::Value::from_json(said).into(),
    };
    let live = super::scene::live(
        json!({ "name": "api", "token": CANARY }),
        Some(Owner::Resource(address("staging/api"))),
    );
    let mut scene = Scene::new()
        .wants("test/plain", "api", json!({ "token": "open" }))
        .with(|wanted| wanted.veils.push(veil))
        .sees("api", Observation::Present(Box::new(live)));
    scene.known.insert(address("staging/api"));
    let shown = everything(&scene);
    assert!(
        shown.contains("token = (sensitive)") && !shown.contains(CANARY),
        "{shown}"
    );
    // On a branch it is a guess, which nobody may see to be right.
    let guess = |text: &str| {
        let mut scene = scene.clone();
        let wanted = &mut scene.wanted[0];
        wanted.desired = value(json!({ "name": "api", "token": text })).into();
        wanted.basis = Basis::Branch {
            said: (*wanted.desired).clone(),
            merged: None,
            strange: false,
        };
        scene.shown()
    };
    assert_eq!(guess(CANARY), guess("wrong"));
    assert!(guess(CANARY).contains("known after apply"));
}
