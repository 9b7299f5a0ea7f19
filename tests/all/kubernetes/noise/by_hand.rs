//! Whatever declared field of whatever object somebody changes, the plan shows exactly that field.

use super::super::Scene;
use super::{still, told};
use crate::peers::kubernetes::cluster;
use reconciled::model::{Action, Change, FieldPath, Segment, Step};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Who changes it: what `kubectl edit` calls itself.
const HAND: &str = "kubectl-edit";

/// Changes one declared field of every object that has one which may change.
pub(super) async fn every_change_is_shown(scene: &mut Scene, objects: &[Json]) {
    let mut changed = BTreeMap::new();
    let mut seed = fastrand::Rng::with_seed(20_261_121);
    for (nth, object) in objects.iter().enumerate() {
        // What is admitted through these would change with them; what scales has fields of the other.
        let is_scaled = object["metadata"]["name"] == "scaled-worker";
        if is_scaled
            || object["kind"]
                .as_str()
                .unwrap()
                .starts_with("MutatingAdmission")
        {
            continue;
        }
        if let Some(pointer) = change_one(scene, object, &mut seed) {
            changed.insert(nth, pointer);
        }
    }
    assert!(changed.len() >= 110, "{} could be changed", changed.len());
    let plan = scene.plan(objects).await;
    let mut wrong = Vec::new();
    for (nth, object) in objects.iter().enumerate() {
        let step = scene.step(&plan, object);
        let is_right = match changed.get(&nth) {
            None => step.action == Action::None,
            Some(pointer) => shows(&step, object, pointer),
        };
        if !is_right {
            wrong.push(format!("{:?} of {}", changed.get(&nth), told(&step)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    put_back(scene, objects).await;
}

async fn put_back(scene: &mut Scene, objects: &[Json]) {
    let plan = scene.plan(objects).await;
    for step in plan.steps.iter().filter(|step| step.action.writes()) {
        scene.carry_out(step).await.unwrap();
    }
    scene.forget();
    still(&scene.plan(objects).await);
}

/// Where the object of a corpus entry is served.
fn path(scene: &Scene, object: &Json) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str);
    let (version, kind) = (text("/apiVersion").unwrap(), text("/kind").unwrap());
    let api = if version.contains('/') {
        format!("/apis/{version}")
    } else {
        format!("/api/{version}")
    };
    let served = cluster().get(&api).unwrap();
    let resources = served["resources"].as_array().unwrap();
    let resource = resources.iter().find(|resource| {
        let name = resource["name"].as_str().unwrap();
        resource["kind"] == kind && !name.contains('/')
    });
    let plural = resource.unwrap()["name"].as_str().unwrap();
    let name = text("/metadata/name").unwrap();
    match resource.unwrap()["namespaced"].as_bool() {
        Some(true) => format!("{api}/namespaces/{}/{plural}/{name}", scene.namespace),
        _ => format!("{api}/{plural}/{name}"),
    }
}

/// Changes the first field that the server lets change, in an order of chance; returns its pointer.
fn change_one(scene: &Scene, object: &Json, seed: &mut fastrand::Rng) -> Option<String> {
    let path = path(scene, object);
    let live = cluster().get(&path).unwrap();
    let mut leaves = Vec::new();
    declared_leaves(object, &live, "", &mut leaves);
    seed.shuffle(&mut leaves);
    leaves.into_iter().find(|pointer| {
        let others = others(live.pointer(pointer).unwrap());
        others.into_iter().any(|other| {
            let patch = json!([{ "op": "replace", "path": pointer, "value": other }]);
            let at = format!("{path}?fieldManager={HAND}");
            let now = cluster().json_patch(&at, &patch);
            // A flag that is off may not be there at all.
            now.is_some_and(|now| now.pointer(pointer) != live.pointer(pointer))
        })
    })
}

/// Other values that may be as good.
fn others(value: &Json) -> Vec<Json> {
    match value {
        // A word, a quantity, a base64.
        Json::String(text) => vec![
            json!(format!("{text}x")),
            json!(format!("1{text}")),
            json!("Y2hhbmdlZA=="),
        ],
        Json::Number(number) => match number.as_i64() {
            Some(number) => vec![json!(number + 1)],
            None => vec![json!(number.as_f64().unwrap() + 1.0)],
        },
        Json::Bool(value) => vec![json!(!value)],
        _ => Vec::new(),
    }
}

/// Collects scalars that are declared and live as they are declared.
fn declared_leaves(declared: &Json, live: &Json, at: &str, leaves: &mut Vec<String>) {
    match (declared, live) {
        (Json::Object(declared), Json::Object(live)) => {
            for (key, value) in declared {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                let key_at = match key.as_str() {
                    "stringData" => "/data".to_owned(),
                    _ => format!("{at}/{escaped}"),
                };
                let key = if key == "stringData" { "data" } else { key };
                if let Some(live) = live.get(key).filter(|_| may_change(&key_at)) {
                    declared_leaves(value, live, &key_at, leaves);
                }
            }
        }
        (Json::Array(declared), Json::Array(live)) if declared.len() == live.len() => {
            for (nth, (declared, live)) in declared.iter().zip(live).enumerate() {
                declared_leaves(declared, live, &format!("{at}/{nth}"), leaves);
            }
        }
        (_, Json::String(_) | Json::Number(_) | Json::Bool(_)) => leaves.push(at.to_owned()),
        _ => {}
    }
}

/// Not what an object is, nor what other objects of the corpus hang on, nor what ends it.
fn may_change(pointer: &str) -> bool {
    ![
        "/apiVersion",
        "/kind",
        "/metadata/name",
        "/metadata/namespace",
        "/metadata/annotations/kubernetes.io~1service-account.name",
        "/status",
        "/spec/versions",
        "/spec/conversion",
        "/aggregationRule",
    ]
    .contains(&pointer)
}

/// Tells whether a step shows just this change, and who made it.
fn shows(step: &Step, object: &Json, pointer: &str) -> bool {
    let by = step.touched_by.first().map(|touch| touch.by.as_str());
    let is_shown = match step.changes.as_slice() {
        // Of a field that went nobody is noted down.
        [change] if change.before.is_none() => {
            by.is_none_or(|by| by == HAND) && is_place(&change.path, object, pointer)
        }
        [change] => by == Some(HAND) && is_place(&change.path, object, pointer),
        // Another key makes it another item.
        [one, other] => {
            let whole = |change: &Change| {
                let list = FieldPath(change.path.0[..change.path.0.len() - 1].to_vec());
                matches!(change.path.0.last(), Some(Segment::Item(_))).then_some(list)
            };
            let is_swap = one.before.is_none() != other.before.is_none();
            let list = whole(one).filter(|list| Some(list) == whole(other).as_ref());
            let at = pointer.rsplitn(3, '/').last().unwrap();
            by == Some(HAND) && is_swap && list.is_some_and(|list| is_place(&list, object, at))
        }
        _ => false,
    };
    step.action == Action::Update && is_shown
}

/// A change stands at the field or, in lists of plain values, at the list. Items may be named.
fn is_place(path: &FieldPath, object: &Json, pointer: &str) -> bool {
    let parts: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect();
    let declared_name = |part: &str| match object.get("stringData") {
        Some(_) if part == "stringData" => "data".to_owned(),
        _ => part.to_owned(),
    };
    let agrees = path
        .0
        .iter()
        .zip(&parts)
        .all(|(segment, part)| match segment {
            Segment::Key(key) => declared_name(key) == *part,
            Segment::Index(nth) => nth.to_string() == *part,
            Segment::Item(_) => part.parse::<usize>().is_ok(),
        });
    let mut rest = parts.iter().skip(path.0.len());
    agrees && rest.all(|part| part.parse::<usize>().is_ok())
}
