//! The invariants a plan holds whatever it is made from. Numbers: DESIGN section 4.

use super::scene::{Scene, address, live};
use proptest::prelude::*;
use reconciled::deliver::render::{Difference, plan_json};
use reconciled::model::{Action, Class, Health, Observation, Owner, Prediction};
use reconciled::plan::Plan;
use serde_json::{Value, json};

/// What one resource may be like: wanted, owned, seen, marked.
#[derive(Clone, Debug)]
struct Facts {
    wanted: Option<u8>,
    owned: Option<u8>,
    seen: Seen,
    protected: bool,
    after: u8,
}

#[derive(Clone, Debug)]
enum Seen {
    Nothing,
    Unknown,
    Absent,
    Refused,
    Present { size: u8, mark: u8, healthy: bool },
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        Just(Seen::Nothing),
        Just(Seen::Unknown),
        Just(Seen::Absent),
        Just(Seen::Refused),
        (0..3_u8, 0..4_u8, any::<bool>()).prop_map(|(size, mark, healthy)| Seen::Present {
            size,
            mark,
            healthy
        }),
        (0..3_u8, 0..4_u8, any::<bool>()).prop_map(|(size, mark, healthy)| Seen::Present {
            size,
            mark,
            healthy
        }),
    ]
}

fn facts() -> impl Strategy<Value = Facts> {
    let size = || proptest::option::of(0..3_u8);
    (size(), size(), seen(), any::<bool>(), 0..12_u8).prop_map(
        |(wanted, owned, seen, protected, after)| Facts {
            wanted,
            owned,
            seen,
            protected,
            after,
        },
    )
}

fn fields(size: u8) -> Value {
    json!({"size": size, "engine": size / 2, "tags": ["a", size.to_string()], "key": {"$secret": format!("canary-{size}")}})
}

fn id(nth: usize) -> String {
    format!("r{nth}")
}

fn scene(all: &[Facts]) -> Scene {
    let mut scene = Scene::new();
    for (nth, facts) in all.iter().enumerate() {
        let (id, kind) = (id(nth), ["test/plain", "test/database"][nth % 2]);
        if let Some(size) = facts.wanted {
            scene = scene.wants(kind, &id, fields(size)).with(|wanted| {
                wanted.lifecycle.protect = Some(facts.protected);
                let before = usize::from(facts.after);
                if before < nth {
                    wanted.after.insert(address(&super::properties::id(before)));
                }
            });
        }
        if let Some(size) = facts.owned {
            scene = scene.applied(kind, &id, fields(size));
            scene.owned.last_mut().unwrap().protected = facts.protected;
        }
        scene = see(scene, &id, &facts.seen);
    }
    scene
}

fn see(scene: Scene, id: &str, seen: &Seen) -> Scene {
    let observation = match seen {
        Seen::Nothing => return scene,
        Seen::Unknown => Observation::Unknown {
            reason: "no answer".into(),
            code: "timeout",
            class: Class::Transient,
        },
        Seen::Absent => Observation::Absent { prediction: None },
        Seen::Refused => Observation::Absent {
            prediction: Some(Prediction::Refused {
                reason: "quota".into(),
                immutable: Vec::new(),
            }),
        },
        Seen::Present {
            size,
            mark,
            healthy,
        } => {
            let owner = match mark {
                0 | 1 => Some(Owner::Resource(address(id))),
                2 => Some(Owner::Resource(address("staging/x"))),
                _ => None,
            };
            let mut fields = fields(*size);
            fields["name"] = json!(id);
            fields["key"] = json!(format!("canary-{size}"));
            let mut live = live(fields, owner);
            if !healthy {
                live.health = Health::Progressing("starting".into());
            }
            Observation::Present(Box::new(live))
        }
    };
    scene.sees(id, observation)
}

fn bytes(plan: &Plan) -> String {
    format!("{plan:?}{}", serde_json::to_string(plan).unwrap())
}

proptest! {
    /// 1: same inputs, in whatever order, same plan, same bytes.
    #[test]
    fn a_plan_is_its_inputs_whatever_their_order(all in proptest::collection::vec(facts(), 0..10), turn in 0..10_usize) {
        let scene = scene(&all);
        let mut shuffled = scene.clone();
        shuffled.wanted.reverse();
        shuffled.owned.reverse();
        if !shuffled.wanted.is_empty() {
            let turn = turn % shuffled.wanted.len();
            shuffled.wanted.rotate_left(turn);
        }
        prop_assert_eq!(bytes(&scene.plan()), bytes(&shuffled.plan()));
    }

    /// 2: unknown live state is a wait with a reason; and every wait has one.
    #[test]
    fn unknown_is_a_wait_with_a_reason(all in proptest::collection::vec(facts(), 1..10)) {
        let scene = scene(&all);
        for step in &scene.plan().steps {
            let unknown = matches!(scene.observed.get(&step.address), None | Some(Observation::Unknown { .. }));
            prop_assert!(!unknown || step.action == Action::Wait, "{step:?}");
            let silent = step.reason.as_ref().is_none_or(|reason| reason.trim().is_empty());
            prop_assert!(step.action != Action::Wait || !silent, "{step:?}");
        }
    }

    /// 4: only what is in the inventory and marked as that very address is deleted, never what is
    /// protected, and what is past the budget is held.
    #[test]
    fn only_what_we_own_is_deleted(all in proptest::collection::vec(facts(), 1..14), destroy in any::<bool>(), count in 0..4_u32) {
        let mut scene = scene(&all);
        scene.reconcile.destroy = destroy;
        scene.reconcile.deletion_budget.count = count;
        let plan = scene.plan();
        let mut deletes = 0;
        for step in plan.steps.iter().filter(|step| step.action == Action::Delete) {
            deletes += 1;
            let owned = scene.owned.iter().find(|owned| owned.address == step.address);
            prop_assert!(owned.is_some_and(|owned| destroy || !owned.protected));
            let Some(Observation::Present(live)) = scene.observed.get(&step.address) else {
                panic!("{step:?} deletes what was not seen");
            };
            prop_assert_eq!(&live.owner, &Some(Owner::Resource(step.address.clone())));
            prop_assert_eq!(step.mark.as_ref(), Some(&live.mark));
            prop_assert!(!step.protected);
        }
        let held = plan.holds.iter().any(|hold| matches!(hold.code, "budget" | "emptied") && hold.deletes_only);
        prop_assert!(destroy || held || deletes <= count as usize);
    }

    /// 3 and 4: what is there and is written to carries the state it was planned against, and what is
    /// replaced is ours and not protected.
    #[test]
    fn a_write_names_the_state_it_was_planned_against(all in proptest::collection::vec(facts(), 1..10)) {
        let scene = scene(&all);
        for step in &scene.plan().steps {
            match (step.action, scene.observed.get(&step.address)) {
                (Action::Create, seen) => {
                    let absent = matches!(seen, Some(Observation::Absent { .. }));
                    prop_assert!(absent && step.mark.is_none());
                }
                (Action::Update | Action::Replace | Action::Adopt | Action::Delete, Some(Observation::Present(live))) => {
                    prop_assert_eq!(step.mark.as_ref(), Some(&live.mark));
                    let ours = live.owner == Some(Owner::Resource(step.address.clone()));
                    prop_assert!(ours || step.action == Action::Adopt);
                    let known = scene.owned.iter().any(|owned| owned.address == step.address);
                    prop_assert!(live.owner.is_some() || known || !step.loses());
                    prop_assert!(step.action != Action::Replace || !step.protected);
                }
                (Action::Wait | Action::None, _) => {}
                (action, seen) => panic!("{action:?} of {seen:?}"),
            }
        }
    }

    /// 6: drift is never without something to show, and what is not done although it differs says why.
    #[test]
    fn drift_is_never_empty(all in proptest::collection::vec(facts(), 1..10)) {
        let plan = scene(&all).plan();
        for step in &plan.steps {
            if step.is_drift() {
                prop_assert!(!Difference::of(step).is_empty());
            }
            prop_assert!(step.action != Action::Update || !step.changes.is_empty(), "{step:?}");
            prop_assert!(step.action != Action::None || step.changes.is_empty() || step.reason.is_some());
        }
    }

    /// 7: no secret in the plan's JSON.
    #[test]
    fn no_secret_in_json(all in proptest::collection::vec(facts(), 1..8)) {
        let plan = scene(&all).plan();
        let shown = format!("{}{}{plan:?}", plan_json(&plan), serde_json::to_string(&plan).unwrap());
        prop_assert!(!shown.contains("canary"), "{shown}");
    }

    /// 8: what was written is, seen again, as declared: the next plan does nothing about it.
    #[test]
    fn after_everything_is_applied_the_plan_is_empty(all in proptest::collection::vec(facts(), 1..10)) {
        let before = scene(&all);
        let mut after = before.clone();
        for step in &before.plan().steps {
            let json = step.desired.as_deref().and_then(reconciled::model::Value::exposed_json);
            match (step.action, json) {
                (Action::Delete, _) => {
                    after.owned.retain(|owned| owned.address != step.address);
                    after.observed.remove(&step.address);
                }
                (action, Some(json)) if action.writes() => {
                    let owner = Some(Owner::Resource(step.address.clone()));
                    let seen = Observation::Present(Box::new(live(json, owner)));
                    after.observed.insert(step.address.clone(), seen);
                }
                _ => {}
            }
        }
        let again = after.plan();
        for step in before.plan().steps.iter().filter(|step| step.action.writes()) {
            let left = again.step(&step.address).map_or(Action::None, |step| step.action);
            prop_assert_eq!(left, Action::None, "{}", step.address);
        }
    }

    /// 9: what the engine asks the diff for is what the plan says.
    #[test]
    fn the_plan_and_the_diff_agree(all in proptest::collection::vec(facts(), 1..10)) {
        let scene = scene(&all);
        let plan = scene.plan();
        for wanted in &scene.wanted {
            let (Some(Observation::Present(live)), Some(step)) =
                (scene.observed.get(&wanted.address), plan.step(&wanted.address)) else { continue };
            if matches!(step.action, Action::Update | Action::Replace | Action::Adopt | Action::None) {
                let owned = scene.owned.iter().find(|owned| owned.address == wanted.address);
                let changes = reconciled::plan::changes(wanted, live, owned, &super::scene::key());
                prop_assert_eq!(&changes, &step.changes);
            }
        }
    }
}

/// The hash an approval names is over what would be written, not over when or why.
#[test]
fn the_hash_is_over_what_would_be_written() {
    let scene = |desired: Value| {
        Scene::new()
            .wants("test/plain", "api", desired)
            .ours("api", json!({"size": "s"}))
            .settled("test/plain", "same", json!({"size": "s"}))
    };
    let one = scene(json!({"size": "l", "labels": {"a": 1, "b": 2}}))
        .plan()
        .hash;
    let reordered = scene(json!({"labels": {"b": 2, "a": 1}, "size": "l"}));
    assert_eq!(one, reordered.plan().hash);
    let mut later = reordered.clone();
    later.now = "2027-01-01T00:00:00Z".parse().unwrap();
    later.reconcile.paused = Some("x".into());
    assert_eq!(
        one,
        later
            .live("same", |live| live.mark.0 = "2".into())
            .plan()
            .hash
    );
    assert_ne!(
        one,
        reordered
            .clone()
            .live("api", |live| live.mark.0 = "2".into())
            .plan()
            .hash
    );
    assert_ne!(
        one,
        scene(json!({"size": "xl", "labels": {"a": 1, "b": 2}}))
            .plan()
            .hash
    );
    let secret = |text: &str| scene(json!({"size": {"$secret": text}})).plan().hash;
    assert_ne!(secret("a"), secret("b"));
    assert_eq!(secret("a"), secret("a"));
    // A create has no mark that would tell one place from another.
    let through = |settings: Value| {
        let scene = Scene::new().wants("test/plain", "api", json!({"size": "s"}));
        scene.through(settings).absent("api").plan().hash
    };
    let staging = json!({"context": "staging", "token": {"$secret": "canary"}});
    let mut prod = staging.clone();
    prod["context"] = "prod".into();
    let mut other_account = staging.clone();
    other_account["token"] = json!({"$secret": "other"});
    assert_ne!(through(staging.clone()), through(prod));
    assert_ne!(through(staging.clone()), through(other_account));
    assert_eq!(through(staging.clone()), through(staging));
}
