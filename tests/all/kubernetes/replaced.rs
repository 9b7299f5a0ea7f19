//! What cannot change in place: deleted only once the server has said that it would take the new one.

use super::{Scene, until};
use reconciled::model::{Action, Fault as _, Step};
use serde_json::{Value as Json, json};

const CONFIGS: &str = "/api/v1/namespaces/NAMESPACE/configmaps";

impl Scene {
    /// A scene with an immutable page in it, and the step that makes it say something else.
    async fn replacing(stem: &str) -> (Self, Json, Step) {
        let mut scene = Self::new(stem);
        scene.replace = true;
        scene.apply(&[scene.fixed("before")]).await;
        let after = scene.fixed("after");
        let step = scene.only(&after).await;
        assert_eq!(step.action, Action::Replace, "{step:#?}");
        (scene, after, step)
    }

    fn fixed(&self, text: &str) -> Json {
        let rest = json!({ "data": { "text": text }, "immutable": true });
        self.object("v1", "ConfigMap", "page", rest)
    }

    fn page(&self) -> Json {
        self.live(&format!("{CONFIGS}/page"))
    }

    /// Tells whether the server would make a page of another name.
    fn takes(&self, text: &str) -> bool {
        let mut probe = self.fixed(text);
        probe["metadata"]["name"] = json!("probe");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), probe.to_string()).unwrap();
        let file = file.path().to_str().unwrap();
        let create = ["create", "--dry-run=server", "--filename", file];
        self.cluster.try_kubectl(&create, &[]).status.success()
    }
}

/// A policy that lets nobody make a page that says `after`.
fn policy(scene: &Scene) -> [Json; 2] {
    let name = format!("{}.example.com", scene.namespace);
    let rules = json!([{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"] }]);
    let policy = json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": { "name": name },
        "spec": { "failurePolicy": "Fail", "matchConstraints": { "resourceRules": rules },
            "validations": [{ "expression": "object.data.text != 'after'", "message": "say something else" }] } });
    let selector = json!({ "matchLabels": { "kubernetes.io/metadata.name": scene.namespace } });
    let binding = json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": { "name": name },
        "spec": { "policyName": name, "validationActions": ["Deny"], "matchResources": { "namespaceSelector": selector } } });
    [policy, binding]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_be_refused_when_it_is_made_again_is_not_deleted() {
    let (mut scene, after, step) = Scene::replacing("replaced").await;
    let before = scene.page();
    let policy = policy(&scene);
    for one in &policy {
        scene.cluster.kubectl_create("default", &one.to_string());
    }
    until("the policy is in force", async || {
        (!scene.takes("after")).then_some(())
    })
    .await;
    let error = scene.carry_out(&step).await.unwrap_err().to_string();
    assert!(
        error.contains("it is kept, as made anew it would be refused: ")
            && error.contains("say something else"),
        "{error}"
    );
    assert_eq!(scene.page(), before);
    // Whoever plans is told as much.
    let told = scene.only(&after).await;
    assert_eq!(told.action, Action::Wait, "{told:#?}");
    let why = told.reason.unwrap();
    assert!(
        why.contains("data cannot change in place, and made anew it would be refused: ")
            && why.contains("say something else"),
        "{why}"
    );
    for one in &policy {
        let (kind, name) = (&one["kind"], &one["metadata"]["name"]);
        let one = format!("{}/{}", kind.as_str().unwrap(), name.as_str().unwrap());
        scene.cluster.kubectl(["delete", &one]);
    }
    until("the policy is gone", async || {
        scene.takes("after").then_some(())
    })
    .await;
    let step = scene.only(&after).await;
    scene.carry_out(&step).await.unwrap();
    assert_eq!(scene.page()["data"]["text"], "after");
    assert_ne!(scene.page()["metadata"]["uid"], before["metadata"]["uid"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_would_have_no_room_for_it_keeps_it_and_one_that_is_just_full_does_not() {
    let (mut scene, after, step) = Scene::replacing("quota").await;
    let before = scene.page();
    let quota = |hard: &str| {
        scene.object(
            "v1",
            "ResourceQuota",
            "few",
            json!({ "spec": { "hard": { "configmaps": hard } } }),
        )
    };
    // The page, and the bundle of certificates that the cluster puts into each namespace.
    let hold = async |hard: &str| {
        scene
            .cluster
            .kubectl_apply(&scene.namespace, &quota(hard).to_string());
        until("the quota is counted", async || {
            let live = scene.live("/api/v1/namespaces/NAMESPACE/resourcequotas/few");
            let status = &live["status"];
            (status["hard"]["configmaps"] == hard && status["used"]["configmaps"] == "2")
                .then_some(())
        })
        .await;
        until("the server goes by it", async || {
            (!scene.takes("after")).then_some(())
        })
        .await;
    };
    hold("2").await;
    assert_eq!(scene.only(&after).await.action, Action::Replace);
    hold("1").await;
    let refused = scene.carry_out(&step).await.unwrap_err();
    let error = refused.to_string();
    assert!(
        error.contains("it is kept") && error.contains("exceeded quota: few"),
        "{error}"
    );
    let next = "Give the quota room for both until it is replaced";
    assert!(refused.hint().unwrap().contains(next), "{refused:?}");
    let kept = scene.only(&after).await;
    assert_eq!(kept.action, Action::Wait);
    assert!(kept.reason.as_deref().unwrap().contains(next), "{kept:#?}");
    assert_eq!(scene.page(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_keeps_its_port_of_the_nodes_is_made_again() {
    let mut scene = Scene::new("node-port");
    scene.replace = true;
    let service = |address: &str| {
        let port = json!({ "port": 80, "nodePort": 30_007 });
        let spec = json!({ "type": "NodePort", "selector": { "app": "web" }, "clusterIP": address, "ports": [port] });
        scene.object("v1", "Service", "web", json!({ "spec": spec }))
    };
    // Of both, only what somebody names comes from the start of the range.
    let api = scene.live("/api/v1/namespaces/default/services/kubernetes");
    let api = api["spec"]["clusterIP"].as_str().unwrap();
    let free = format!("{}.7", api.rsplit_once('.').unwrap().0);
    let mut before = service("");
    before["spec"].as_object_mut().unwrap().remove("clusterIP");
    let after = service(&free);
    scene.apply(&[before]).await;
    let step = scene.only(&after).await;
    assert_eq!(step.action, Action::Replace, "{step:#?}");
    scene.carry_out(&step).await.unwrap();
    scene.settled(&[after]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fixed_secret_is_made_again_however_it_is_declared() {
    let mut scene = Scene::new("fixed-secret");
    scene.replace = true;
    let secret = |more: Json| {
        let mut secret = scene.object("v1", "Secret", "token", json!({ "immutable": true }));
        let more = more.as_object().unwrap().clone();
        secret.as_object_mut().unwrap().extend(more);
        secret
    };
    // Each way it is declared in turn; the last in both at once.
    let texts = [
        secret(json!({ "stringData": { "key": "one" } })),
        secret(json!({ "stringData": { "key": "two" } })),
        secret(json!({ "data": { "key": "dGhyZWU=" } })),
        secret(json!({ "data": { "other": "Zm91cg==" }, "stringData": { "key": "four" } })),
        secret(json!({ "data": { "other": "Zml2ZQ==" }, "stringData": { "key": "four" } })),
    ];
    scene.apply(&texts[..1]).await;
    for secret in &texts[1..] {
        let step = scene.only(secret).await;
        assert_eq!(step.action, Action::Replace, "{step:#?}");
        scene.carry_out(&step).await.unwrap();
        scene.settled(std::slice::from_ref(secret)).await;
    }
    // A label changes in place.
    let mut labelled = texts[4].clone();
    labelled["metadata"]["labels"] = json!({ "team": "shop" });
    assert_eq!(scene.only(&labelled).await.action, Action::Update);
}
