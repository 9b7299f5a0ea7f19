//! What a kind does when something is in the way: a kill, another owner, a moved object, silence.

use super::Subject;
use super::world::World;
use reconciled::model::{Action, Depth, Fault as _, Observation, Proof, Step};
use reconciled::provider::ProviderError;

/// A step is carried out again after a kill came between the deed and its record: it happens once.
pub(super) async fn a_step_that_has_happened_happens_once(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    let create = world.step(&world.plan(Some(&declared)).await);
    twice(&world, subject, &create).await;
    world.converge(&declared).await;
    for (_, changed) in subject.mutations() {
        let update = world.step(&world.plan(Some(&changed)).await);
        twice(&world, subject, &update).await;
        world.converge(&changed).await;
        world.converge(&declared).await;
    }
    let delete = world.step(&world.plan(None).await);
    twice(&world, subject, &delete).await;
    world.settled(None).await;
}

async fn twice(world: &World<'_>, subject: &dyn Subject, step: &Step) {
    let first = world.try_apply(step).await.unwrap();
    assert!(!first.unchanged, "{step:#?}");
    let between = subject.fingerprint().await;
    match world.try_apply(step).await {
        Ok(again) => assert!(again.unchanged, "{:?} wrote twice", step.action),
        // Where nothing on the live side proves whose it is, looking again is all that can be done.
        Err(ProviderError::Moved { .. }) if world.row().proof == Proof::Record => {}
        Err(error) => panic!("{:?} a second time: {error}", step.action),
    }
    assert_eq!(subject.fingerprint().await, between);
}

/// What another environment declares and has marked is left alone, and both are named.
pub(super) async fn what_belongs_to_another_is_refused(subject: &dyn Subject) {
    let declared = subject.declared();
    let mut other = World::named(subject, "another");
    if other.row().proof == Proof::Record {
        // Nothing on the object says whose it is; the ledger keeps two environments apart.
        return;
    }
    other.converge(&declared).await;
    let mut world = World::new(subject);
    world.others.insert(other.address().clone());
    let before = subject.fingerprint().await;
    let step = world.step(&world.plan(Some(&declared)).await);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    let reason = step.reason.unwrap_or_default();
    assert!(reason.contains(&other.address().to_string()), "{reason:?}");
    // A plan that was wrong about it does no harm either.
    let (_, changed) = subject
        .mutations()
        .into_iter()
        .next()
        .expect("some field can change");
    for declared in [Some(&changed), None] {
        let theirs = other.step(&other.plan(declared).await);
        let ours = Step {
            address: world.address().clone(),
            ..theirs
        };
        let error = world.try_apply(&ours).await.unwrap_err();
        assert_eq!(error.code(), "not-ours", "{:?}: {error}", ours.action);
    }
    assert_eq!(subject.fingerprint().await, before);
}

/// What carries no mark is never deleted, whatever the ledger says.
pub(super) async fn what_nobody_owns_is_not_deleted(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    if world.row().proof == Proof::Record {
        return;
    }
    world.converge(&declared).await;
    let delete = world.step(&world.plan(None).await);
    world.try_apply(&delete).await.unwrap();
    subject.make_by_hand().await;
    let before = subject.fingerprint().await;
    let plan = world.plan(None).await;
    assert!(
        plan.steps.iter().all(|step| step.action != Action::Delete),
        "{:#?}",
        plan.steps
    );
    world.try_apply(&delete).await.unwrap_err();
    assert_eq!(subject.fingerprint().await, before);
}

/// A step planned against what has changed since is refused, and the next plan is right again.
pub(super) async fn what_has_moved_is_refused(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    world.converge(&declared).await;
    let (_, changed) = subject
        .mutations()
        .into_iter()
        .next()
        .expect("some field can change");
    for declared in [Some(&changed), None] {
        let step = world.step(&world.plan(declared).await);
        assert!(step.action.writes(), "{step:#?}");
        subject.edit_by_hand().await;
        let before = subject.fingerprint().await;
        let error = world.try_apply(&step).await.unwrap_err();
        assert_eq!(error.code(), "moved", "{:?}: {error}", step.action);
        assert_eq!(subject.fingerprint().await, before);
    }
    world.converge(&changed).await;
}

/// A counterpart that cannot be reached gives a wait with the reason: no create, no delete.
pub(super) async fn what_cannot_be_told_is_unknown(subject: &dyn Subject) {
    let mut world = World::new(subject);
    let declared = subject.declared();
    let absent = World::named(subject, "absent");
    subject.break_off().await;
    let seen = absent.observe(Some(&declared), Depth::PredictAll).await;
    subject.mend().await;
    assert!(matches!(seen, Observation::Unknown { .. }), "{seen:#?}");
    world.converge(&declared).await;
    let delete = world.step(&world.plan(None).await);
    let before = subject.fingerprint().await;
    subject.break_off().await;
    for declared in [Some(&declared), None] {
        let step = world.step(&world.plan(declared).await);
        assert_eq!(step.action, Action::Wait, "{step:#?}");
        assert!(step.reason.is_some_and(|reason| !reason.is_empty()));
    }
    world.try_apply(&delete).await.unwrap_err();
    subject.mend().await;
    assert_eq!(subject.fingerprint().await, before);
    world.settled(Some(&declared)).await;
}
