//! What the rest of the house knows about Kubernetes objects, as data: one row for an object, and those
//! of `many` for what is many of them. What hangs on the object's own kind is chosen by its `kind`.

mod many;

use super::marks::LAST_APPLIED;
use crate::model::{Inside, Kind, LAST_WAVE, Labels, ListRule, Output, PathPattern, Select};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Waves: what others need comes first, what lets traffic or policy in comes last.
const WAVES: [(i32, &[&str]); 6] = [
    (
        -30,
        &[
            "CustomResourceDefinition",
            "Namespace",
            "PriorityClass",
            "StorageClass",
            "IngressClass",
            "RuntimeClass",
            "GatewayClass",
        ],
    ),
    // Before the Secrets that hold their tokens: those are taken away where the account is not there.
    (-25, &["ServiceAccount"]),
    (
        -20,
        &[
            "Secret",
            "ConfigMap",
            "ClusterRole",
            "Role",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "ResourceQuota",
            "LimitRange",
            "NetworkPolicy",
        ],
    ),
    (-10, &["ClusterRoleBinding", "RoleBinding", "Service"]),
    (
        10,
        &[
            "Ingress",
            "HTTPRoute",
            "HorizontalPodAutoscaler",
            "PodDisruptionBudget",
        ],
    ),
    (
        LAST_WAVE,
        &[
            "APIService",
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicyBinding",
        ],
    ),
];

/// Kinds whose deletion loses data, their own or that of everything in them.
const STATEFUL: [&str; 5] = [
    "Namespace",
    "CustomResourceDefinition",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "StatefulSet",
];

/// What the server deletes along with an object: by its kind, the identity fields of what is inside
/// and the object's own fields that say the same.
const CONTENTS: [(&str, &[(&str, &str)]); 2] = [
    ("Namespace", &[("/metadata/namespace", "/metadata/name")]),
    (
        "CustomResourceDefinition",
        &[
            ("/apiVersion", "/spec/group"),
            ("/kind", "/spec/names/kind"),
        ],
    ),
];

/// Where a pod's spec stands in the kinds that have one.
const POD_SPECS: [&str; 3] = [
    "/spec",
    "/spec/template/spec",
    "/spec/jobTemplate/spec/template/spec",
];

/// Lists of a pod's spec that the API merges by key. Source: `x-kubernetes-list-map-keys` of the
/// published OpenAPI.
const POD_LISTS: [(&str, &[&str]); 10] = [
    ("volumes", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("hostAliases", &["ip"]),
    (
        "topologySpreadConstraints",
        &["topologyKey", "whenUnsatisfiable"],
    ),
    ("*/*/env", &["name"]),
    ("*/*/ports", &["containerPort", "protocol"]),
    ("*/*/volumeMounts", &["mountPath"]),
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
];

/// Returns the rows of this provider.
pub(in crate::provider) fn rows() -> Vec<Kind> {
    let object = object();
    let mut rows = many::rows(&object);
    rows.push(object);
    rows
}

fn object() -> Kind {
    Kind {
        identity: patterns([
            "/apiVersion",
            "/kind",
            "/metadata/namespace",
            "/metadata/name",
        ]),
        versioned: patterns(["/apiVersion"]),
        read_only: read_only(),
        secret: secret(),
        labels: Some(Labels::Map(PathPattern::known("/metadata/labels"))),
        lists: lists(),
        is_ruled: true,
        wave: by_kind(
            WAVES
                .iter()
                .flat_map(|(wave, kinds)| kinds.iter().map(|kind| (*kind, *wave))),
            0,
        ),
        stateful: by_kind(STATEFUL.map(|kind| (kind, true)), false),
        // Source: the TTL-after-finished controller.
        passing: by_kind(
            [(
                "Job",
                Some(PathPattern::known("/spec/ttlSecondsAfterFinished")),
            )],
            None,
        ),
        contents: contents(),
        outputs: outputs(),
        connection: Some(Arc::new(super::connection::schema())),
        schema: Some(json!({
            "type": "object",
            "required": ["apiVersion", "kind", "metadata"],
            "properties": {
                "apiVersion": { "type": "string", "minLength": 1, "description": "Group and version, e.g. apps/v1." },
                "kind": { "type": "string", "minLength": 1, "description": "The object's kind, e.g. Deployment." },
                "metadata": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": { "type": "string", "minLength": 1, "description": "Its name, unique for its kind in the namespace." },
                        "namespace": { "type": "string", "description": "Its namespace; the connection's own where left out." },
                        "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                        "annotations": { "type": "object", "additionalProperties": { "type": "string" } },
                    },
                },
            },
        })),
        ..Kind::plain(
            "kubernetes/object",
            "One Kubernetes object of any kind the cluster serves, custom ones too.",
        )
    }
}

fn patterns<const N: usize>(pointers: [&'static str; N]) -> Vec<PathPattern> {
    pointers.map(PathPattern::known).to_vec()
}

fn by_kind<T>(rows: impl IntoIterator<Item = (&'static str, T)>, otherwise: T) -> Select<T> {
    Select {
        field: PathPattern::known("/kind"),
        rows: rows
            .into_iter()
            .map(|(kind, value)| (kind.to_owned(), value))
            .collect::<BTreeMap<_, _>>(),
        otherwise,
    }
}

fn contents() -> Select<Vec<Inside>> {
    let inside = |(identity, of): &(&'static str, &'static str)| Inside {
        identity: PathPattern::known(identity),
        of: PathPattern::known(of),
    };
    let row = |(kind, fields): (&'static str, &[(&'static str, &'static str)])| {
        (kind, fields.iter().map(inside).collect())
    };
    by_kind(CONTENTS.map(row), Vec::new())
}

fn read_only() -> Vec<PathPattern> {
    let metadata = super::marks::BOOKKEEPING.map(|key| parsed(&format!("/metadata/{key}")));
    [PathPattern::known("/status")]
        .into_iter()
        .chain(metadata)
        .collect()
}

/// What `kubectl apply` remembers of an object holds all of it.
fn secret() -> Select<Vec<PathPattern>> {
    let last = parsed(&format!(
        "/metadata/annotations/{}",
        LAST_APPLIED.replace('/', "~1")
    ));
    let mut of_secret = patterns(["/data", "/stringData"]);
    of_secret.push(last);
    by_kind([("Secret", of_secret)], Vec::new())
}

fn parsed(pointer: &str) -> PathPattern {
    PathPattern::parse(pointer).expect("a pointer built here begins with a slash")
}

fn lists() -> Vec<(PathPattern, ListRule)> {
    let keyed = |keys: &[&str]| ListRule::Keyed(keys.iter().map(|key| (*key).to_owned()).collect());
    let mut lists = vec![
        (
            PathPattern::known("/spec/ports"),
            keyed(&["port", "protocol"]),
        ),
        (PathPattern::known("/spec/versions"), keyed(&["name"])),
        (PathPattern::known("/secrets"), keyed(&["name"])),
        (PathPattern::known("/imagePullSecrets"), keyed(&["name"])),
        (PathPattern::known("/webhooks"), keyed(&["name"])),
        (PathPattern::known("/metadata/finalizers"), ListRule::Set),
    ];
    for spec in POD_SPECS {
        for (list, keys) in POD_LISTS {
            match list.strip_prefix("*/*/") {
                None => lists.push((parsed(&format!("{spec}/{list}")), keyed(keys))),
                Some(inner) => {
                    for containers in ["containers", "initContainers", "ephemeralContainers"] {
                        lists.push((
                            parsed(&format!("{spec}/{containers}/*/{inner}")),
                            keyed(keys),
                        ));
                    }
                }
            }
        }
    }
    lists
}

fn outputs() -> Vec<Output> {
    let output = |name: &str, follows: &[&'static str], sensitive, summary: &str| Output {
        name: name.to_owned(),
        sensitive,
        follows: follows
            .iter()
            .map(|pointer| PathPattern::known(pointer))
            .collect(),
        summary: summary.to_owned(),
    };
    vec![
        output("name", &["/metadata/name"], false, "The object's name."),
        output(
            "namespace",
            &["/metadata/namespace"],
            false,
            "The object's namespace.",
        ),
        output("uid", &[], false, "The uid the server made."),
        output(
            "spec",
            &["/spec"],
            false,
            "The object's spec as the server completed it, e.g. spec.clusterIP.",
        ),
        output(
            "status",
            &["/spec", "/data"],
            false,
            "The object's status, e.g. status.loadBalancer.",
        ),
        output(
            "data",
            &["/data", "/stringData"],
            true,
            "The keys of a Secret, decoded, or of a ConfigMap.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FieldPath, Segment, Value};

    fn row() -> Kind {
        rows().pop().unwrap()
    }

    #[test]
    fn namespaces_and_definitions_come_first_and_webhooks_last() {
        let wave = |kind: &str| row().wave.of(&Value::from_json(json!({ "kind": kind })));
        let order = [
            "Namespace",
            "ServiceAccount",
            "Secret",
            "Service",
            "Deployment",
            "Ingress",
            "ValidatingWebhookConfiguration",
        ]
        .map(wave);
        assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
        assert_eq!(wave("CustomResourceDefinition"), wave("Namespace"));
        assert_eq!(wave("Widget"), wave("Deployment"));
    }

    #[test]
    fn what_holds_data_is_known_as_stateful() {
        let stateful = |kind: &str| {
            row()
                .stateful
                .of(&Value::from_json(json!({ "kind": kind })))
        };
        for kind in [
            "Namespace",
            "CustomResourceDefinition",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "StatefulSet",
        ] {
            assert!(stateful(kind), "{kind}");
        }
        assert!(!stateful("Deployment") && !stateful("ConfigMap"));
    }

    #[test]
    fn items_of_a_pod_s_lists_are_known_by_their_keys() {
        let path = |containers: &str| {
            let item = Segment::Item(vec![("name".to_owned(), "api".to_owned())]);
            FieldPath::default()
                .key("spec")
                .key("template")
                .key("spec")
                .key(containers)
                .then(item)
                .key("env")
        };
        assert_eq!(
            row().list_rule(&path("containers")),
            Some(&ListRule::Keyed(vec!["name".to_owned()]))
        );
        assert_eq!(row().list_rule(&path("elsewhere")), None);
    }
}
