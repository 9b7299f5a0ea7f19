//! Objects that another tool keeps, as each of them marks what is its own: never touched until Git says so.

use super::{Scene, paths};
use reconciled::model::{Action, Observation, Owner};
use serde_json::{Value as Json, json};

/// One tool: the name its fields are written by, what it puts on an object, and what it is called.
struct Tool {
    manager: &'static str,
    metadata: Json,
    called: &'static str,
}

/// Argo CD before version 3 knows its objects by a label that charts set as well; when it applies from the
/// client's side it leaves kubectl's annotation. Source: its "Resource Tracking" page.
fn tools() -> Vec<Tool> {
    let last = json!({ "kubectl.kubernetes.io/last-applied-configuration": "{}" });
    let tool = |manager, labels: Json, annotations: Json, called| Tool {
        manager,
        metadata: json!({ "labels": labels, "annotations": annotations }),
        called,
    };
    let none = || json!({});
    let instance = || json!({ "app.kubernetes.io/instance": "web" });
    vec![
        tool(
            "argocd-controller",
            instance(),
            last,
            "Argo CD application web",
        ),
        tool(
            "argocd-application-controller",
            instance(),
            none(),
            "Argo CD application web",
        ),
        tool(
            "argocd-controller",
            none(),
            json!({ "argocd.argoproj.io/tracking-id": "web:/ConfigMap:shop/web" }),
            "Argo CD application web",
        ),
        tool(
            "kustomize-controller",
            json!({ "kustomize.toolkit.fluxcd.io/name": "web", "kustomize.toolkit.fluxcd.io/namespace": "flux-system" }),
            none(),
            "Flux Kustomization flux-system/web",
        ),
        tool(
            "helm-controller",
            json!({ "helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "flux-system" }),
            json!({ "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" }),
            "Flux HelmRelease flux-system/web",
        ),
        tool(
            "helm",
            json!({ "app.kubernetes.io/managed-by": "Helm" }),
            json!({ "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" }),
            "Helm release shop/web",
        ),
        tool(
            "kubectl-applyset",
            json!({ "applyset.kubernetes.io/part-of": "applyset-of-others-v1" }),
            none(),
            "apply set applyset-of-others-v1",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_tool_keeps_is_refused_until_git_says_so() {
    for tool in tools() {
        let mut scene = Scene::new("foreign");
        let config = scene.config("web", "new");
        let mut theirs = scene.config("web", "old");
        let name = json!({ "name": "web", "namespace": scene.namespace });
        theirs["metadata"] = tool.metadata.clone();
        theirs["metadata"]
            .as_object_mut()
            .unwrap()
            .extend(name.as_object().unwrap().clone());
        scene.applied_by(tool.manager, &theirs);
        let step = scene.only(&config).await;
        let why = step.reason.clone().unwrap();
        assert_eq!(step.action, Action::Wait, "{}: {step:#?}", tool.called);
        assert!(
            why.contains(tool.called) && why.contains("lifecycle: { adopt: true }"),
            "{why}"
        );
        scene.adopt = true;
        let step = scene.only(&config).await;
        assert_eq!(step.action, Action::Adopt, "{}: {step:#?}", tool.called);
        assert!(
            step.overwrites() && paths(&step).contains(&"data.text".to_owned()),
            "{step:#?}"
        );
        scene.carry_out(&step).await.unwrap();
        scene.forget();
        scene.settled(std::slice::from_ref(&config)).await;
        let live = scene.live("/api/v1/namespaces/NAMESPACE/configmaps/web");
        assert_eq!(live["data"]["text"], "new");
        // Its marks go too, else it would take the object for its own still.
        for (field, marks) in tool.metadata.as_object().unwrap() {
            for (mark, value) in marks.as_object().unwrap() {
                let is_left = live["metadata"][field][mark] == *value;
                let is_kubectl_s = mark.contains("last-applied");
                assert!(!is_left || is_kubectl_s, "{}: {mark} is left", tool.called);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_tool_has_now_is_not_deleted_when_it_goes_from_git() {
    for tool in tools() {
        let mut scene = Scene::new("foreign-gone");
        let config = scene.config("web", "x");
        scene.apply(std::slice::from_ref(&config)).await;
        let planned = scene.plan(&[]).await;
        let planned = scene.step(&planned, &config);
        assert_eq!(planned.action, Action::Delete, "{planned:#?}");
        scene
            .cluster
            .kubectl(["-n", &scene.namespace, "delete", "configmap", "web"]);
        let mut theirs = config.clone();
        let metadata = tool.metadata.as_object().unwrap().clone();
        theirs["metadata"].as_object_mut().unwrap().extend(metadata);
        scene.applied_by(tool.manager, &theirs);
        let Observation::Present(seen) = scene.look_for(&config).await else {
            panic!("it is not there")
        };
        assert_eq!(seen.owner, Some(Owner::Foreign(tool.called.to_owned())));
        let step = scene.plan(&[]).await;
        let step = step.step(&scene.address(&config));
        assert!(
            step.is_none_or(|step| step.action != Action::Delete),
            "{}: {step:#?}",
            tool.called
        );
        // Nor by a plan that was made before.
        scene.carry_out(&planned).await.unwrap_err();
        scene.live("/api/v1/namespaces/NAMESPACE/configmaps/web");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_handed_over_to_another_tool_is_not_deleted_when_it_goes_from_git() {
    for tool in tools() {
        let mut scene = Scene::new("foreign-handed");
        let config = scene.config("web", "x");
        scene.apply(std::slice::from_ref(&config)).await;
        let planned = scene.step(&scene.plan(&[]).await, &config);
        assert_eq!(planned.action, Action::Delete, "{planned:#?}");
        // It has our marks still, as nobody who takes an object over knows of them.
        let patch = json!({ "metadata": tool.metadata });
        scene.patch("configmap", "web", tool.manager, &patch);
        let plan = scene.plan(&[]).await;
        let step = plan.step(&scene.address(&config)).unwrap();
        assert_eq!(step.action, Action::None, "{}: {step:#?}", tool.called);
        assert!(
            step.reason.as_ref().unwrap().contains(tool.called),
            "{step:#?}"
        );
        let told = scene.carry_out(&planned).await.unwrap_err().to_string();
        assert!(told.contains(tool.called), "{told}");
        scene.live("/api/v1/namespaces/NAMESPACE/configmaps/web");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chart_s_instance_label_is_nobody_s_mark() {
    let mut scene = Scene::new("instance");
    let mut config = scene.config("web", "x");
    config["metadata"]["labels"] = json!({ "app.kubernetes.io/instance": "web" });
    scene
        .cluster
        .kubectl_apply(&scene.namespace, &config.to_string());
    let step = scene.only(&config).await;
    assert_eq!(step.action, Action::Adopt, "{step:#?}");
    scene.carry_out(&step).await.unwrap();
    scene.forget();
    scene.settled(&[config]).await;
}
