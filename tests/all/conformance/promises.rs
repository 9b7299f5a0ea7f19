//! What a kind does when all is well: create, import, change, put back, delete.

use super::Subject;
use super::world::World;
use reconciled::model::{Action, Change, Depth, Observation, Owner, Step};

/// Create, then plan again: nothing to do, at whatever depth; and what is there is marked as ours.
pub(super) async fn create_then_the_plan_is_empty(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    for depth in [Depth::Predict, Depth::PredictAll] {
        let plan = world.plan_at(Some(&declared), depth).await;
        assert_eq!(
            world.step(&plan).action,
            Action::Create,
            "{:#?}",
            plan.steps
        );
        assert!(!world.step(&plan).changes.is_empty());
    }
    world.converge(&declared).await;
    let Observation::Present(live) = world.observe(Some(&declared), Depth::Identity).await else {
        panic!("it is not there");
    };
    assert_eq!(live.owner, Some(Owner::Resource(world.address().clone())));
}

/// What somebody else made just so is adopted without a change of any field.
pub(super) async fn import_then_the_plan_is_empty(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    subject.make_by_hand().await;
    let plan = world.plan(Some(&declared)).await;
    let step = world.step(&plan);
    assert_eq!(step.action, Action::Adopt, "{step:#?}");
    assert!(step.changes.is_empty(), "{:#?}", step.changes);
    world.converge(&declared).await;
}

/// What somebody else made otherwise is left alone, its difference shown, until Git says to take it over.
pub(super) async fn what_is_nobodys_and_differs_waits_for_a_word(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    subject.make_by_hand().await;
    let edit = subject.edit_by_hand().await;
    let before = subject.fingerprint().await;
    let step = world.step(&world.plan(Some(&declared)).await);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    let why = step.reason.clone().unwrap_or_default();
    assert!(why.contains("lifecycle: { adopt: true }"), "{why}");
    let changed = |change: &Change| change.path.to_string() == edit.path;
    assert!(step.changes.iter().any(changed), "{:#?}", step.changes);
    assert_eq!(subject.fingerprint().await, before);
    world.adopts = true;
    let step = world.step(&world.plan(Some(&declared)).await);
    assert!(step.overwrites(), "{step:#?}");
    world.converge(&declared).await;
}

/// The order of what has none is no difference.
pub(super) async fn reorder_then_the_plan_is_empty(subject: &dyn Subject) {
    let mut world = World::new(subject);
    world.converge(&subject.declared()).await;
    let before = subject.fingerprint().await;
    if let Some(reordered) = subject.reordered() {
        world.settled(Some(&reordered)).await;
    }
    assert_eq!(subject.fingerprint().await, before);
}

/// What the plan takes for equal, the provider leaves alone when it is told to write it all the same;
/// what the plan takes for a difference, the provider writes.
pub(super) async fn plan_and_provider_agree_on_what_is_equal(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    world.converge(&declared).await;
    // A cluster keeps the order it is sent: there, what is equal in another order may be written.
    let keeps_order = subject.kind().starts_with("kubernetes/");
    let reordered = subject.reordered().filter(|_| !keeps_order);
    for equal in reordered.into_iter().chain([declared.clone()]) {
        let plan = world.plan(Some(&equal)).await;
        assert!(plan.is_empty(), "{:#?}", plan.steps);
        let before = subject.fingerprint().await;
        let step = Step {
            action: Action::Update,
            ..world.step(&plan)
        };
        let applied = world.try_apply(&step).await.unwrap();
        assert!(applied.unchanged, "{:?}", step.desired);
        assert_eq!(subject.fingerprint().await, before);
    }
    for (path, changed) in subject.mutations() {
        let plan = world.plan(Some(&changed)).await;
        let applied = world.apply(&world.step(&plan)).await.unwrap();
        assert!(!applied.unchanged, "{path}");
        world.ready(&changed).await;
        world.converge(&declared).await;
    }
}

/// Each mutable field changes in place, alone.
pub(super) async fn one_field_changed_changes_one_field(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    world.converge(&declared).await;
    for (path, changed) in subject.mutations() {
        let plan = world.plan(Some(&changed)).await;
        let step = world.step(&plan);
        assert_eq!(step.action, Action::Update, "{path}: {step:#?}");
        let paths: Vec<String> = step
            .changes
            .iter()
            .map(|change| change.path.to_string())
            .collect();
        assert_eq!(paths, [path]);
        assert!(!step.is_drift(), "{path}: it is Git that changed");
        world.converge(&changed).await;
        world.converge(&declared).await;
    }
}

/// An immutable field gives a replacement that says so, or waits with the reason; never an update.
pub(super) async fn an_immutable_field_is_replaced_or_refused(subject: &dyn Subject) {
    let row = World::new(subject).row();
    let tried = row.immutable.is_empty() || !subject.immutable().is_empty();
    assert!(
        tried,
        "{} has immutable fields, and none of them is tried",
        row.name
    );
    for (path, changed) in subject.immutable() {
        let mut world = World::new(subject);
        world.converge(&subject.declared()).await;
        let plan = world.plan(Some(&changed)).await;
        let step = world.step(&plan);
        assert!(
            matches!(step.action, Action::Replace | Action::Wait),
            "{path}: {step:#?}"
        );
        let why = step.reason.clone().unwrap_or_default();
        assert!(why.contains(path), "{path}: {why:?}");
        if step.action == Action::Replace {
            world.converge(&changed).await;
        }
        subject.delete_by_hand().await;
    }
}

/// Drift is found, shown, told who and when as far as the live side knows, and put back.
pub(super) async fn drift_is_found_attributed_and_put_back(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    world.converge(&declared).await;
    let edit = subject.edit_by_hand().await;
    let plan = world.plan(Some(&declared)).await;
    let step = world.step(&plan);
    assert_eq!(step.action, Action::Update, "{step:#?}");
    assert!(step.is_only_drift(), "{:#?}", step.changes);
    let paths: Vec<String> = step
        .changes
        .iter()
        .map(|change| change.path.to_string())
        .collect();
    assert!(paths.iter().any(|path| path == edit.path), "{paths:?}");
    if let Some(who) = &edit.who {
        assert!(
            step.touched_by.iter().any(|touch| touch.by.contains(who)),
            "{:?}",
            step.touched_by
        );
    }
    assert_eq!(
        step.touched_by.iter().any(|touch| touch.at.is_some()),
        edit.when
    );
    world.converge(&declared).await;
    let plan = world.plan(Some(&declared)).await;
    assert!(
        world.step(&plan).touched_by.is_empty(),
        "what we put back is nobody's doing"
    );
}

/// What is gone is made again.
pub(super) async fn what_was_deleted_by_hand_is_found_and_made_again(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    world.converge(&declared).await;
    subject.delete_by_hand().await;
    let plan = world.plan(Some(&declared)).await;
    let step = world.step(&plan);
    assert_eq!(step.action, Action::Create, "{step:#?}");
    assert!(step.is_only_drift(), "{:#?}", step.changes);
    world.converge(&declared).await;
}

/// What we own and no longer declare is deleted, and then forgotten.
pub(super) async fn what_is_no_longer_declared_is_deleted(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    world.converge(&declared).await;
    let plan = world.plan(None).await;
    let step = world.step(&plan);
    assert_eq!(step.action, Action::Delete, "{step:#?}");
    world.try_apply(&step).await.unwrap();
    // Killed before the ledger knew: the next run finds it gone and lets go.
    let seen = world.observe(None, Depth::Identity).await;
    assert!(matches!(seen, Observation::Absent { .. }), "{seen:#?}");
    world.settled(None).await;
    assert!(world.owned.is_empty());
    let seen = world.observe(Some(&declared), Depth::Read).await;
    assert!(matches!(seen, Observation::Absent { .. }), "{seen:#?}");
}
