//! What the API server fills in where a field is left out, as data. A field that holds its default need
//! not be declared.
//!
//! Source: the "Defaults to" sentences of the Kubernetes API reference, v1.36; each is also a case of the
//! test that imports and plans.

use serde_json::{Map, Value as Json, json};

/// A field by its pointer (`*` is every item), and its default as JSON; none where the server assigns it.
type Row = (&'static str, Option<&'static str>);

const OF_CONTAINERS: &[Row] = &[
    ("/terminationMessagePath", Some(r#""/dev/termination-log""#)),
    ("/terminationMessagePolicy", Some(r#""File""#)),
    ("/resources", Some("{}")),
    ("/ports/*/protocol", Some(r#""TCP""#)),
    ("/env/*/valueFrom/fieldRef/apiVersion", Some(r#""v1""#)),
];

const OF_PROBES: &[Row] = &[
    ("/timeoutSeconds", Some("1")),
    ("/periodSeconds", Some("10")),
    ("/successThreshold", Some("1")),
    ("/failureThreshold", Some("3")),
    ("/httpGet/scheme", Some(r#""HTTP""#)),
];

const OF_PODS: &[Row] = &[
    ("/restartPolicy", Some(r#""Always""#)),
    ("/dnsPolicy", Some(r#""ClusterFirst""#)),
    ("/schedulerName", Some(r#""default-scheduler""#)),
    ("/securityContext", Some("{}")),
    ("/terminationGracePeriodSeconds", Some("30")),
    ("/enableServiceLinks", Some("true")),
    ("/volumes/*/configMap/defaultMode", Some("420")),
    ("/volumes/*/secret/defaultMode", Some("420")),
    ("/volumes/*/projected/defaultMode", Some("420")),
    ("/volumes/*/downwardAPI/defaultMode", Some("420")),
    ("/volumes/*/hostPath/type", Some(r#""""#)),
];

/// Of a pod itself, and not of what makes pods: what its admission and the scheduler write into it.
const OF_BARE_PODS: &[Row] = &[
    ("/spec/nodeName", None),
    ("/spec/priority", None),
    ("/spec/preemptionPolicy", Some(r#""PreemptLowerPriority""#)),
    ("/spec/serviceAccountName", Some(r#""default""#)),
    ("/spec/serviceAccount", Some(r#""default""#)),
];

/// What every pod tolerates for five minutes. Source: the admission plugin `DefaultTolerationSeconds`.
const TOLERATED: [&str; 2] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
];

/// How the volume begins that holds a pod's token. Source: the admission plugin `ServiceAccount`.
const TOKEN_VOLUME: &str = "kube-api-access-";

/// A kind's own fields.
const OF_KINDS: &[(&str, &[Row])] = &[
    ("Pod", OF_BARE_PODS),
    (
        "Deployment",
        &[
            ("/spec/progressDeadlineSeconds", Some("600")),
            ("/spec/revisionHistoryLimit", Some("10")),
            (
                "/spec/strategy",
                Some(
                    r#"{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"}}"#,
                ),
            ),
        ],
    ),
    (
        "StatefulSet",
        &[
            ("/spec/revisionHistoryLimit", Some("10")),
            ("/spec/podManagementPolicy", Some(r#""OrderedReady""#)),
            (
                "/spec/updateStrategy",
                Some(r#"{"type":"RollingUpdate","rollingUpdate":{"partition":0}}"#),
            ),
            (
                "/spec/persistentVolumeClaimRetentionPolicy",
                Some(r#"{"whenDeleted":"Retain","whenScaled":"Retain"}"#),
            ),
            ("/spec/volumeClaimTemplates/*/status", None),
            ("/spec/volumeClaimTemplates/*/apiVersion", None),
            ("/spec/volumeClaimTemplates/*/kind", None),
            (
                "/spec/volumeClaimTemplates/*/spec/volumeMode",
                Some(r#""Filesystem""#),
            ),
        ],
    ),
    (
        "DaemonSet",
        &[
            ("/spec/revisionHistoryLimit", Some("10")),
            (
                "/spec/updateStrategy",
                Some(
                    r#"{"type":"RollingUpdate","rollingUpdate":{"maxSurge":0,"maxUnavailable":1}}"#,
                ),
            ),
        ],
    ),
    (
        "CronJob",
        &[
            ("/spec/concurrencyPolicy", Some(r#""Allow""#)),
            ("/spec/suspend", Some("false")),
            ("/spec/successfulJobsHistoryLimit", Some("3")),
            ("/spec/failedJobsHistoryLimit", Some("1")),
        ],
    ),
    (
        "Service",
        &[
            ("/spec/clusterIPs", None),
            ("/spec/ipFamilies", None),
            ("/spec/ipFamilyPolicy", Some(r#""SingleStack""#)),
            ("/spec/internalTrafficPolicy", Some(r#""Cluster""#)),
            ("/spec/externalTrafficPolicy", Some(r#""Cluster""#)),
            ("/spec/allocateLoadBalancerNodePorts", Some("true")),
            ("/spec/healthCheckNodePort", None),
            ("/spec/sessionAffinity", Some(r#""None""#)),
            ("/spec/type", Some(r#""ClusterIP""#)),
            ("/spec/ports/*/protocol", Some(r#""TCP""#)),
        ],
    ),
    (
        "PersistentVolumeClaim",
        &[
            ("/spec/volumeName", None),
            ("/spec/volumeMode", Some(r#""Filesystem""#)),
        ],
    ),
    ("ServiceAccount", &[("/secrets", None)]),
];

/// Returns where a kind has the fields of a pod.
fn pod_of(kind: &str) -> Option<&'static str> {
    match kind {
        "Pod" => Some("/spec"),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
            Some("/spec/template/spec")
        }
        "CronJob" => Some("/spec/jobTemplate/spec/template/spec"),
        _ => None,
    }
}

/// Takes off every field that is at its default, or that the server assigns.
pub(super) fn take_off(object: &mut Json) {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let own = OF_KINDS.iter().find(|(name, _)| *name == kind);
    take_rows_off(object, own.map_or(&[], |(_, rows)| rows));
    if kind == "Service" && object["spec"]["clusterIP"] != "None" {
        take(object, &["spec", "clusterIP"], &|_| true);
    }
    without_nulls(object);
    if kind == "Pod" {
        without_admitted(&mut object["spec"]);
    }
    let Some(pod) = pod_of(&kind).and_then(|pointer| object.pointer_mut(pointer)) else {
        return;
    };
    take_rows_off(pod, OF_PODS);
    if pod.get("serviceAccount") == pod.get("serviceAccountName") {
        take(pod, &["serviceAccount"], &|_| true);
    }
    for list in ["initContainers", "containers"] {
        let containers = pod.get_mut(list).and_then(Json::as_array_mut);
        for container in containers.into_iter().flatten() {
            take_rows_off(container, OF_CONTAINERS);
            for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                container
                    .get_mut(probe)
                    .into_iter()
                    .for_each(|probe| take_rows_off(probe, OF_PROBES));
            }
            let default = pull_policy(container["image"].as_str().unwrap_or_default());
            take(container, &["imagePullPolicy"], &|policy| policy == default);
        }
    }
}

/// Takes off what is added to the lists of a pod when it is made.
fn without_admitted(pod: &mut Json) {
    let is_token = |item: &Json| {
        let name = item["name"].as_str();
        name.is_some_and(|name| name.starts_with(TOKEN_VOLUME))
    };
    let is_tolerated = |item: &Json| {
        let of = |key: &str| TOLERATED.contains(&key);
        item["key"].as_str().is_some_and(of) && item["tolerationSeconds"] == 300
    };
    keep_items(pod, "volumes", &|item| !is_token(item));
    // A list with others in it goes as a whole, or not at all.
    let tolerations = pod["tolerations"].as_array();
    if tolerations.is_some_and(|all| all.iter().all(is_tolerated)) {
        take(pod, &["tolerations"], &|_| true);
    }
    for list in ["initContainers", "containers"] {
        let containers = pod.get_mut(list).and_then(Json::as_array_mut);
        for container in containers.into_iter().flatten() {
            keep_items(container, "volumeMounts", &|item| !is_token(item));
        }
    }
}

/// Keeps some items of a list, and no empty list.
fn keep_items(value: &mut Json, field: &str, stays: &dyn Fn(&Json) -> bool) {
    let Some(items) = value.get_mut(field).and_then(Json::as_array_mut) else {
        return;
    };
    items.retain(stays);
    if items.is_empty()
        && let Some(fields) = value.as_object_mut()
    {
        fields.shift_remove(field);
    }
}

/// The default hangs on the tag: what may move is pulled each time.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or(image);
    let moves = !name.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest");
    if moves { "Always" } else { "IfNotPresent" }
}

fn take_rows_off(value: &mut Json, rows: &[Row]) {
    for (pointer, default) in rows {
        let place: Vec<&str> = pointer.split('/').skip(1).collect();
        let default = default.map(|text| serde_json::from_str(text).unwrap_or(json!(null)));
        take(value, &place, &|field| {
            default.as_ref().is_none_or(|default| field == default)
        });
    }
}

fn take(value: &mut Json, place: &[&str], goes: &dyn Fn(&Json) -> bool) {
    match (place, value) {
        ([last], Json::Object(fields)) if fields.get(*last).is_some_and(goes) => {
            fields.shift_remove(*last);
        }
        (["*", rest @ ..], Json::Array(items)) => {
            for item in items {
                take(item, rest, goes);
            }
        }
        ([first, rest @ ..], Json::Object(fields)) => {
            if let Some(field) = fields.get_mut(*first) {
                take(field, rest, goes);
            }
        }
        _ => {}
    }
}

/// The server writes `creationTimestamp: null` into templates.
fn without_nulls(value: &mut Json) {
    match value {
        Json::Object(fields) => {
            let taken = std::mem::replace(fields, Map::new());
            for (key, mut field) in taken {
                without_nulls(&mut field);
                let is_hollow = key == "metadata" && field == json!({});
                if !field.is_null() && !is_hollow {
                    fields.insert(key, field);
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_json() {
        let rows = OF_KINDS.iter().flat_map(|(_, rows)| *rows);
        let all = rows.chain(OF_PODS).chain(OF_CONTAINERS).chain(OF_PROBES);
        for (pointer, default) in all {
            let default = default.unwrap_or("0");
            assert!(
                serde_json::from_str::<Json>(default).is_ok(),
                "{pointer}: {default}"
            );
        }
    }

    #[test]
    fn a_field_with_a_value_of_its_own_stays() {
        let container = |policy: &str, image: &str| json!({ "name": "api", "image": image, "imagePullPolicy": policy });
        let object = |container: Json| {
            let mut object = json!({ "kind": "Pod", "spec": { "dnsPolicy": "Default", "restartPolicy": "Always", "containers": [container] } });
            take_off(&mut object);
            object["spec"].clone()
        };
        assert_eq!(
            object(container("Always", "r.example.com:5000/shop/api")),
            json!({ "dnsPolicy": "Default", "containers": [{ "name": "api", "image": "r.example.com:5000/shop/api" }] })
        );
        let kept = container("Always", "shop/api:1");
        assert_eq!(object(kept.clone())["containers"], json!([kept]));
    }
}
