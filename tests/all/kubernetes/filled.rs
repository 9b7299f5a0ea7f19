//! What is neither Git's nor a person's: what a controller fills in, and what another version of the API
//! calls otherwise.

use super::scaled::yielded;
use super::{Scene, paths};
use crate::peers::kubernetes::cluster;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reconciled::model::Action;
use serde_json::{Value as Json, json};

/// How cert-manager's injector signs its writes.
const INJECTOR: &str = "cert-manager-cainjector";
/// A bundle, in base64 as these fields are.
const BUNDLE: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==";

impl Scene {
    /// A webhook that is asked about nothing, with what Git declares of its certificate.
    fn webhook(&self, bundle: Option<&str>, timeout: u32) -> Json {
        let mut config =
            json!({ "service": { "name": "hook", "namespace": self.namespace, "path": "/x" } });
        if let Some(bundle) = bundle {
            config["caBundle"] = json!(bundle);
        }
        let name = format!("{}-hook", self.namespace);
        json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": name, "annotations": { "cert-manager.io/inject-ca-from": "shop/hook" } },
            "webhooks": [{ "name": "one.filled.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "failurePolicy": "Ignore", "timeoutSeconds": timeout, "clientConfig": config,
                "rules": [{ "apiGroups": ["filled.example.com"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["things"] }] }] })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_a_controller_fills_in_is_its_own() {
    // An empty one is a common way to say that it will be filled in.
    for declared in [None, Some(""), Some("Cg==")] {
        let mut scene = Scene::new("filled");
        let hook = scene.webhook(declared, 5);
        let name = hook["metadata"]["name"].as_str().unwrap().to_owned();
        scene.apply(std::slice::from_ref(&hook)).await;
        scene.settled(std::slice::from_ref(&hook)).await;
        let filled = json!({ "webhooks": [{ "name": "one.filled.example.com", "clientConfig": { "caBundle": BUNDLE } }] });
        scene.patch("validatingwebhookconfiguration", &name, INJECTOR, &filled);
        let step = scene.only(&hook).await;
        assert_eq!(step.action, Action::None, "{declared:?} {step:#?}");
        let bundle = "webhooks[name=one.filled.example.com].clientConfig.caBundle";
        let named = declared.map(|_| format!("{bundle}: {INJECTOR}"));
        assert_eq!(yielded(&step), Vec::from_iter(named), "{declared:?}");
        scene.settled(std::slice::from_ref(&hook)).await;
        let longer = scene.webhook(declared, 7);
        let step = scene.only(&longer).await;
        let timeout = "webhooks[name=one.filled.example.com].timeoutSeconds";
        assert_eq!(paths(&step), [timeout], "{declared:?}");
        scene.carry_out(&step).await.unwrap();
        scene.settled(&[longer]).await;
        let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
        let live = scene.live(&format!("{path}/{name}"));
        let config = &live["webhooks"][0]["clientConfig"];
        assert_eq!(config["caBundle"], BUNDLE, "{declared:?}");
        scene
            .cluster
            .kubectl(["delete", "validatingwebhookconfiguration", &name]);
    }
}

/// What asks somebody by a certificate, each by its group, its place in addresses and the bundle's place.
const ASKING: [(&str, &str, &str); 3] = [
    (
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
        "/webhooks/0/clientConfig",
    ),
    (
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        "/webhooks/0/clientConfig",
    ),
    (
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        "/spec/conversion/webhook/clientConfig",
    ),
];

/// The certificate of the server itself, in base64.
fn authority() -> String {
    let config = std::fs::read_to_string(cluster().kubeconfig()).unwrap();
    let config: Json = serde_json::from_str(&config).unwrap();
    let file = config.pointer("/clusters/0/cluster/certificate-authority");
    STANDARD.encode(std::fs::read(file.unwrap().as_str().unwrap()).unwrap())
}

impl Scene {
    /// One of those, with what Git declares of its certificate.
    fn asking(&self, plural: &str, nth: usize, bundle: Option<&str>) -> Json {
        if plural != "customresourcedefinitions" {
            let mut hook = self.webhook(bundle, 5);
            hook["metadata"]["name"] = json!(format!("{}-{nth}", self.namespace));
            if plural.starts_with("mutating") {
                hook["kind"] = json!("MutatingWebhookConfiguration");
            }
            return hook;
        }
        let (group, names) = (
            format!("{}-{nth}.example.com", self.namespace),
            json!({ "kind": "Thing", "plural": "things" }),
        );
        let mut config =
            json!({ "service": { "name": "hook", "namespace": self.namespace, "path": "/x" } });
        if let Some(bundle) = bundle {
            config["caBundle"] = json!(bundle);
        }
        json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("things.{group}") },
            "spec": { "group": group, "scope": "Namespaced", "names": names,
                "conversion": { "strategy": "Webhook", "webhook": { "clientConfig": config, "conversionReviewVersions": ["v1"] } },
                "versions": [{ "name": "v1", "served": true, "storage": true,
                    "schema": { "openAPIV3Schema": { "type": "object" } } }] } })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_somebody_else_s_to_fill_in_whatever_they_fill_it_in_with() {
    // A Job of a chart signs as people do; the server looks at those of definitions.
    let managers = [INJECTOR, "kubectl-patch", "curl"];
    let bundle = authority();
    for declared in [None, Some(""), Some("Cg==")] {
        let mut scene = Scene::new("asking");
        let mut filled = Vec::new();
        for (nth, manager) in managers.iter().enumerate() {
            for (group, plural, place) in ASKING {
                if declared == Some("Cg==") && plural == "customresourcedefinitions" {
                    // No server takes that.
                    continue;
                }
                let object = scene.asking(plural, nth, declared);
                filled.push((object, group, plural, place, *manager));
            }
        }
        let objects: Vec<Json> = filled.iter().map(|one| one.0.clone()).collect();
        scene.apply(&objects).await;
        let name = |object: &Json| object["metadata"]["name"].as_str().unwrap().to_owned();
        for (object, group, plural, place, manager) in &filled {
            let patch =
                json!([{ "op": "add", "path": format!("{place}/caBundle"), "value": bundle }]);
            let kind = format!("{plural}.{group}");
            scene.json_patched(&kind, &name(object), manager, &patch);
        }
        let plan = scene.plan(&objects).await;
        for (object, _, _, _, manager) in &filled {
            let step = scene.step(&plan, object);
            assert_eq!(step.action, Action::None, "{declared:?} {step:#?}");
            let named = yielded(&step);
            let is_named = named
                .iter()
                .any(|one| one.ends_with(&format!(".caBundle: {manager}")));
            assert_eq!(is_named, declared.is_some(), "{declared:?} {step:#?}");
        }
        scene.settled(&objects).await;
        // Nor does another change take it off.
        let changed: Vec<Json> = objects
            .iter()
            .map(|object| {
                let mut object = object.clone();
                object["metadata"]["labels"] = json!({ "more": "1" });
                object
            })
            .collect();
        scene.apply(&changed).await;
        for (object, group, plural, place, manager) in &filled {
            let live = scene.live(&format!("/apis/{group}/v1/{plural}/{}", name(object)));
            assert_eq!(live["metadata"]["labels"]["more"], "1");
            let live = live.pointer(&format!("{place}/caBundle"));
            assert_eq!(
                live,
                Some(&json!(bundle)),
                "{declared:?} {plural} by {manager}"
            );
        }
        scene.settled(&changed).await;
        for (object, group, plural, ..) in &filled {
            let kind = format!("{plural}.{group}");
            scene.cluster.kubectl(["delete", &kind, &name(object)]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_git_declares_is_put_back() {
    let mut scene = Scene::new("declared-bundle");
    let hook = scene.webhook(Some(BUNDLE), 5);
    let name = hook["metadata"]["name"].as_str().unwrap().to_owned();
    scene.apply(std::slice::from_ref(&hook)).await;
    let other = json!({ "webhooks": [{ "name": "one.filled.example.com", "clientConfig": { "caBundle": "Cg==" } }] });
    scene.patch(
        "validatingwebhookconfiguration",
        &name,
        "kubectl-edit",
        &other,
    );
    let step = scene.only(&hook).await;
    let bundle = "webhooks[name=one.filled.example.com].clientConfig.caBundle";
    assert_eq!(paths(&step), [bundle], "{step:#?}");
    scene.carry_out(&step).await.unwrap();
    scene.settled(&[hook]).await;
    scene
        .cluster
        .kubectl(["delete", "validatingwebhookconfiguration", &name]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_built_in_kind_moves_to_a_newer_version_without_a_fight() {
    let mut scene = Scene::new("bumped-scaler");
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "nowhere" });
    let old = scene.object(
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        "load",
        json!({ "spec": {
        "maxReplicas": 4, "targetCPUUtilizationPercentage": 70, "scaleTargetRef": target } }),
    );
    let metric = |percent: u32| {
        json!([{ "type": "Resource", "resource": { "name": "cpu",
        "target": { "type": "Utilization", "averageUtilization": percent } } }])
    };
    let new = |percent| {
        scene.object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "load",
            json!({ "spec": {
            "maxReplicas": 4, "metrics": metric(percent), "scaleTargetRef": target } }),
        )
    };
    let (same, other) = (new(70), new(80));
    scene.apply(std::slice::from_ref(&old)).await;
    let step = scene.only(&same).await;
    assert!(paths(&step).is_empty(), "{step:#?}");
    scene.apply(std::slice::from_ref(&same)).await;
    scene.forget();
    scene.settled(std::slice::from_ref(&same)).await;
    scene.apply(std::slice::from_ref(&other)).await;
    scene.forget();
    scene.settled(&[other]).await;
}
