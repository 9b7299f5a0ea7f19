//! What is neither Git's nor a person's: what a controller fills in, and what another version of the API
//! calls otherwise.

use super::{Scene, paths};
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
