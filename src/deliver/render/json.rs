//! Plans, results and mistakes for programs. The shape is stable: fields are added, never renamed or
//! given another meaning; `format` is raised where that cannot be held.

use super::run::RunResult;
use super::words::Counts;
use crate::model::{Diagnostic, Step, Touch};
use crate::plan::{Hold, Plan, Released};
use serde::Serialize;
use serde_json::{Value, json};

/// The shape below.
const FORMAT: u32 = 1;

/// A plan.
#[derive(Debug, Serialize)]
pub struct PlanJson {
    /// The shape this follows: 1.
    pub format: u32,
    /// Whose plan.
    pub environment: String,
    /// What Git state it is for.
    pub revision: String,
    /// The digest an approval names.
    pub hash: String,
    /// True where nothing is to be done and nothing waits.
    pub empty: bool,
    /// How many steps do what.
    pub summary: Counts,
    /// What holds it as a whole.
    pub holds: Vec<Hold>,
    /// One step for every resource wanted or owned, by address.
    pub steps: Vec<StepJson>,
    /// Addresses whose record goes.
    pub released: Vec<Released>,
}

/// One step of a plan.
#[derive(Debug, Serialize)]
pub struct StepJson {
    /// `environment/id`.
    pub address: String,
    /// `provider/name`.
    pub kind: String,
    /// Which live object, in words.
    pub object: String,
    /// `create`, `update`, `replace`, `delete`, `adopt`, `wait` or `none`.
    pub action: &'static str,
    /// Why; always there on `wait`.
    pub reason: Option<String>,
    /// True where it does nothing but put back what somebody changed by hand.
    pub drift: bool,
    /// True where it waits because its live state could not be told.
    pub unknown: bool,
    /// True where it takes over what was nobody's and overwrites what that held.
    pub overwrites: bool,
    /// True where deleting or replacing it loses data.
    pub stateful: bool,
    /// True where it is never deleted and never replaced.
    pub protected: bool,
    /// The fields that differ.
    pub changes: Vec<ChangeJson>,
    /// Declared fields left to another owner.
    pub left_to_others: Vec<LeftJson>,
    /// Who changed what drifted, newest first.
    pub touched_by: Vec<Touch>,
    /// Addresses that come before.
    pub after: Vec<String>,
}

/// One field that differs. Secrets read `(sensitive)`, what is not known yet `(known after apply)`.
#[derive(Debug, Serialize)]
pub struct ChangeJson {
    /// The field.
    pub path: String,
    /// What is live; `null` where `had` is false.
    pub before: Value,
    /// What it becomes; `null` where `has` is false.
    pub after: Value,
    /// What was applied last, where somebody changed that by hand since, and Git too: what they did is
    /// written over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
    /// Whether the field is there now.
    pub had: bool,
    /// Whether it will be.
    pub has: bool,
    /// `declared` where Git changed, `drift` where the live side did.
    pub origin: crate::model::Origin,
    /// True where it is why the resource is replaced.
    pub forces_replace: bool,
}

/// A declared field left to another owner.
#[derive(Debug, Serialize)]
pub struct LeftJson {
    /// The field.
    pub path: String,
    /// Whose it is.
    pub owner: String,
}

/// A run's result.
#[derive(Debug, Serialize)]
pub struct RunJson {
    /// The shape this follows: 1.
    pub format: u32,
    /// The ledger's number of it; `null` where it left no record.
    pub run: Option<i64>,
    /// Why it ran.
    pub trigger: String,
    /// When it ended.
    pub ended_at: String,
    /// What was to be done.
    pub plan: PlanJson,
    /// How each step ended that was let go: its address, and `outcome` with its own fields.
    pub outcomes: Vec<Value>,
    /// What was held back.
    pub held: Vec<HeldJson>,
}

/// A step that was not let go.
#[derive(Debug, Serialize)]
pub struct HeldJson {
    /// Which.
    pub address: String,
    /// Why.
    pub reason: String,
}

/// Returns a plan as JSON.
pub fn plan_json(plan: &Plan) -> Value {
    serde_json::to_value(PlanJson::of(plan)).unwrap_or(Value::Null)
}

/// Returns a run's result as JSON.
pub fn run_json(result: &RunResult<'_>) -> Value {
    let outcome = |(address, outcome)| {
        let mut one = serde_json::to_value(outcome).unwrap_or(Value::Null);
        one["address"] = json!(address);
        one
    };
    let held = |(step, reason): (&Step, &str)| HeldJson {
        address: step.address.to_string(),
        reason: reason.to_owned(),
    };
    let run = RunJson {
        format: FORMAT,
        run: result.run.map(|run| run.0),
        trigger: result.trigger.to_owned(),
        ended_at: result.ended_at.to_string(),
        plan: PlanJson::of(result.plan),
        outcomes: result.outcomes.iter().map(outcome).collect(),
        held: result.held().map(held).collect(),
    };
    serde_json::to_value(run).unwrap_or(Value::Null)
}

/// Returns mistakes as a list of `{file, line, column, code, message, hint}`, `severity` besides.
pub fn diagnostics_json(diagnostics: &[Diagnostic]) -> Value {
    let one = |diagnostic: &Diagnostic| {
        json!({
            "file": diagnostic.location.file,
            "line": diagnostic.location.line,
            "column": diagnostic.location.column,
            "code": diagnostic.code,
            "message": diagnostic.message,
            "hint": diagnostic.hint,
            "severity": diagnostic.severity,
        })
    };
    diagnostics.iter().map(one).collect()
}

impl PlanJson {
    fn of(plan: &Plan) -> Self {
        Self {
            format: FORMAT,
            environment: plan.environment.to_string(),
            revision: plan.revision.to_string(),
            hash: plan.hash.to_string(),
            empty: plan.is_empty(),
            summary: Counts::of(&plan.steps),
            holds: plan.holds.clone(),
            steps: plan.steps.iter().map(StepJson::of).collect(),
            released: plan.released.clone(),
        }
    }
}

impl StepJson {
    fn of(step: &Step) -> Self {
        let left = |(path, owner): &(crate::model::FieldPath, String)| LeftJson {
            path: path.to_string(),
            owner: owner.clone(),
        };
        Self {
            address: step.address.to_string(),
            kind: step.kind.to_string(),
            object: step.identity.to_string(),
            action: step.action.as_str(),
            reason: step.reason.clone(),
            drift: step.is_only_drift(),
            unknown: step.unknown.is_some(),
            overwrites: step.overwrites(),
            stateful: step.stateful,
            protected: step.protected,
            changes: step.changes.iter().map(ChangeJson::of).collect(),
            left_to_others: step.yielded.iter().map(left).collect(),
            touched_by: step.touched_by.clone(),
            after: step.after.iter().map(ToString::to_string).collect(),
        }
    }
}

impl ChangeJson {
    fn of(change: &crate::model::Change) -> Self {
        let side = |value: Option<&crate::model::Value>| {
            value.map_or(Value::Null, crate::model::Value::masked_json)
        };
        Self {
            path: change.path.to_string(),
            before: side(change.before.as_ref()),
            after: side(change.after.as_ref()),
            was: change.was.as_ref().map(crate::model::Value::masked_json),
            had: change.before.is_some(),
            has: change.after.is_some(),
            origin: change.origin,
            forces_replace: change.forces_replace,
        }
    }
}
