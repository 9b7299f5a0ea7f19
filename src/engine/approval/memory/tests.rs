//! Approvals that come, go, come again, and name another plan.

use super::*;
use crate::deliver::fixtures::{plan_of, step};
use crate::model::{Action, Change, DigestKey, FieldPath, Mark, Origin, Value};
use crate::plan;

/// What one run sees.
struct Run {
    plan: Plan,
    content: Digest,
}

impl Run {
    fn of(steps: &[(&str, Action)]) -> Self {
        Self {
            plan: plan_of(
                steps
                    .iter()
                    .map(|(id, action)| step(id, *action, 0, &[]))
                    .collect(),
            ),
            content: Digest::of("as merged"),
        }
    }

    fn hash(&self) -> Digest {
        plan::approvable(&self.plan, &DigestKey::new(vec![7; 32]))
    }

    /// Changes another field of its first step, which held this.
    fn with_field(mut self, name: &str, held: &str) -> Self {
        // What is live is another state, so the plan is another one, too.
        self.plan.steps[0].mark = Some(Mark(format!("{name} {held}")));
        self.plan.steps[0].changes.push(Change {
            path: FieldPath::default().key(name),
            before: Some(Value::String(held.to_owned())),
            after: None,
            was: None,
            origin: Origin::Declared,
            forces_replace: false,
        });
        self
    }

    fn approval(&self, request: u32) -> Approval {
        Approval {
            environment: self.plan.environment.clone(),
            plan: self.hash(),
            request,
        }
    }

    fn judged(&self, memory: &mut Memory, approval: Option<&Approval>) -> bool {
        let facts = Facts {
            plan: &self.plan,
            hash: &self.hash(),
            overwrites: &plan::overwritten(&self.plan, &DigestKey::new(vec![7; 32])),
            content: &self.content,
        };
        memory.judge(approval, &facts)
    }
}

const UPDATE: &[(&str, Action)] = &[("api", Action::Update), ("web", Action::Update)];

#[test]
fn an_approval_lets_its_plan_go_once() {
    let (mut memory, asked, done) = (Memory::default(), Run::of(UPDATE), Run::of(&[]));
    assert!(!asked.judged(&mut memory, None));
    let approval = asked.approval(memory.next(&asked.hash(), None));
    assert!(asked.judged(&mut memory, Some(&approval)));
    // It waits for a window, say: as long as the plan is the same.
    assert!(asked.judged(&mut memory, Some(&approval)));
    memory.begin();
    // What failed is tried again, and what else comes up is not.
    assert!(Run::of(&UPDATE[..1]).judged(&mut memory, Some(&approval)));
    assert!(!done.judged(&mut memory, Some(&approval)));
    // The same plan again, drifted back or merged anew: the record still stands in Git.
    assert!(!asked.judged(&mut memory, Some(&approval)));
    assert_eq!(memory.next(&asked.hash(), Some(&approval)), 2);
    assert!(asked.judged(&mut memory, Some(&asked.approval(2))));
}

#[test]
fn what_was_begun_does_nothing_that_people_did_not_see() {
    let asked = Run::of(UPDATE);
    let approval = asked.approval(1);
    for other in [
        Run::of(&[("api", Action::Update), ("new", Action::Create)]),
        Run::of(&[("api", Action::Delete)]),
        Run {
            content: Digest::of("merged since"),
            ..Run::of(UPDATE)
        },
    ] {
        let mut memory = Memory::default();
        assert!(asked.judged(&mut memory, Some(&approval)));
        memory.begin();
        assert!(!other.judged(&mut memory, Some(&approval)));
        assert!(!memory.again.is_empty());
    }
}

#[test]
fn one_that_is_not_begun_holds_for_just_its_plan() {
    let (mut memory, asked) = (Memory::default(), Run::of(UPDATE));
    let approval = asked.approval(1);
    assert!(asked.judged(&mut memory, Some(&approval)));
    assert!(!Run::of(&UPDATE[..1]).judged(&mut memory, Some(&approval)));
    assert!(!asked.judged(&mut memory, Some(&approval)), "it is over");
}

#[test]
fn one_for_another_plan_does_nothing_and_that_is_said() {
    let (mut memory, asked) = (Memory::default(), Run::of(UPDATE));
    let other = Run::of(&UPDATE[..1]);
    assert!(!asked.judged(&mut memory, Some(&other.approval(1))));
    assert!(
        memory.again.contains(other.hash().short()),
        "{}",
        memory.again
    );
    assert!(
        !other.judged(&mut memory, Some(&other.approval(1))),
        "it was void"
    );
}

#[test]
fn what_an_approval_of_another_plan_says_is_not_lost_over_an_older_request() {
    let (mut memory, asked) = (Memory::default(), Run::of(UPDATE));
    let (merged, older) = (Run::of(&UPDATE[..1]), Run::of(&UPDATE[1..]));
    // The daemon was killed when it had opened the request that was merged, and not written so.
    memory.asked = Some(Request {
        plan: older.hash(),
        request: 1,
        content: Digest::of("before"),
        since: Timestamp::UNIX_EPOCH,
        said: Digest::of("said"),
        number: 2,
        url: String::new(),
    });
    assert!(!asked.judged(&mut memory, Some(&merged.approval(1))));
    assert_eq!(memory.asked, None);
    assert!(
        memory.again.contains(merged.hash().short()),
        "{}",
        memory.again
    );
}

#[test]
fn while_live_state_cannot_be_told_nothing_is_judged() {
    let (mut memory, asked) = (Memory::default(), Run::of(UPDATE));
    let mut unsure = Run::of(UPDATE);
    unsure.plan.steps[0].unknown = Some("no answer".to_owned());
    unsure.plan.steps[0].action = Action::Wait;
    let approval = asked.approval(1);
    assert!(!unsure.judged(&mut memory, Some(&approval)));
    assert_eq!(memory, Memory::default());
    assert!(asked.judged(&mut memory, Some(&approval)));
    assert!(!unsure.judged(&mut memory, Some(&approval)));
    assert!(
        asked.judged(&mut memory, Some(&approval)),
        "a blip takes nothing back"
    );
}

#[test]
fn a_request_that_was_withdrawn_or_declined_is_over() {
    let (mut memory, asked) = (Memory::default(), Run::of(UPDATE));
    memory.asked = Some(Request {
        plan: asked.hash(),
        request: 1,
        content: asked.content.clone(),
        since: Timestamp::UNIX_EPOCH,
        said: Digest::of(""),
        number: 7,
        url: String::new(),
    });
    memory.drop_request(&asked.content);
    assert!(
        memory.again.contains("#7: live state moved"),
        "{}",
        memory.again
    );
    assert_eq!(memory.next(&asked.hash(), None), 2);
    assert!(!asked.judged(&mut memory, Some(&asked.approval(1))));
    memory.decline(&asked.hash(), 8);
    assert_eq!(memory.declined(&asked.hash()), Some(8));
    assert_eq!(memory.declined(&Run::of(&[]).hash()), None);
}

#[test]
fn what_was_begun_changes_no_field_that_people_did_not_see_as_it_is() {
    let asked = || Run::of(UPDATE).with_field("image", "api:1");
    let approval = asked().approval(1);
    let judged = |later: &Run| {
        let mut memory = Memory::default();
        assert!(asked().judged(&mut memory, Some(&approval)));
        memory.begin();
        later.judged(&mut memory, Some(&approval))
    };
    assert!(judged(&asked()));
    assert!(judged(&Run::of(&UPDATE[..1])), "part of it is done");
    // Somebody changed more of it by hand while it was retried, or just that.
    assert!(!judged(&asked().with_field("replicas", "9")));
    assert!(!judged(&Run::of(UPDATE).with_field("image", "api:0")));
}
