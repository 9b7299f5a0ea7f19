//! Fields that are somebody else's to set, at the moment of the write and not only of the plan.

use super::requests::quiet_pass;
use super::scaled::{deployment, yielded};
use super::{Scene, paths, until};
use crate::peers::kubernetes::cluster;
use reconciled::model::{Action, PathPattern};
use serde_json::{Value as Json, json};

const API: &str = "/apis/apps/v1/namespaces/NAMESPACE/deployments/api";

impl Scene {
    fn api(&self, replicas: Option<u32>, image: &str) -> Json {
        let mut rest = deployment(0, image);
        match replicas {
            Some(replicas) => rest["spec"]["replicas"] = json!(replicas),
            None => drop(rest["spec"].as_object_mut().unwrap().remove("replicas")),
        }
        self.object("apps/v1", "Deployment", "api", rest)
    }

    fn autoscaler(&self, least: u32, most: u32, metric: &Json) -> Json {
        let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" });
        let spec = json!({ "minReplicas": least, "maxReplicas": most, "scaleTargetRef": target, "metrics": [metric] });
        self.object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "load",
            json!({ "spec": spec }),
        )
    }

    fn replicas(&self) -> Json {
        self.live(API)["spec"]["replicas"].clone()
    }

    /// Lets the real autoscaler set the replicas, and waits until it has.
    async fn autoscaled_to(&self, least: u32) {
        let patch = json!({ "spec": { "minReplicas": least } });
        self.patch("hpa", "load", "kubectl-edit", &patch);
        until("the autoscaler acts", async || {
            (self.replicas() == least).then_some(())
        })
        .await;
    }
}

fn cpu() -> Json {
    json!({ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } } })
}

/// One that nobody measures: it lets the autoscaler do nothing.
fn unmeasured() -> Json {
    json!({ "type": "External", "external": { "metric": { "name": "nobody-measures" }, "target": { "type": "Value", "value": "1" } } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_autoscaler_sets_between_the_plan_and_the_write_stays() {
    for ignored in [false, true] {
        let mut scene = Scene::new("left-late");
        if ignored {
            scene.ignore = vec![PathPattern::parse("/spec/replicas").unwrap()];
        }
        let scaler = scene.autoscaler(2, 9, &cpu());
        let first = scene.api(Some(1), "shop/api:1");
        scene.apply(&[first, scaler]).await;
        scene.autoscaled_to(3).await;
        // As Git says, so there is no conflict when it is planned.
        let next = scene.api(Some(3), "shop/api:2");
        let step = scene.only(&next).await;
        let image = "spec.template.spec.containers[name=api].image";
        assert_eq!(paths(&step), [image], "{step:#?}");
        scene.autoscaled_to(5).await;
        scene.carry_out(&step).await.unwrap();
        assert_eq!(scene.replicas(), 5, "ignored: {ignored}");
        scene.settled(&[next, scene.autoscaler(5, 9, &cpu())]).await;
        let owners = scene.live(API)["metadata"]["managedFields"].to_string();
        assert!(owners.contains("\"scale\""), "{owners}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_go_from_git_stay_where_they_are_left_to_others() {
    for ignored in [false, true] {
        let mut scene = Scene::new("left-dropped");
        let three = scene.api(Some(3), "shop/api:1");
        let scaler = scene.autoscaler(1, 9, &unmeasured());
        let mut objects = vec![three];
        if ignored {
            scene.ignore = vec![PathPattern::parse("/spec/replicas").unwrap()];
        } else {
            objects.push(scaler);
        }
        scene.apply(&objects).await;
        objects[0] = scene.api(None, "shop/api:1");
        let step = scene.step(&scene.plan(&objects).await, &objects[0]);
        assert_eq!(step.action, Action::None, "ignored: {ignored} {step:#?}");
        objects[0] = scene.api(None, "shop/api:2");
        scene.apply(&objects).await;
        assert_eq!(scene.replicas(), 3, "ignored: {ignored}");
        scene.settled(&objects).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_are_git_s_again_once_nothing_scales_any_more() {
    let mut scene = Scene::new("left-again");
    let api = scene.api(Some(2), "shop/api:1");
    let objects = [api.clone(), scene.autoscaler(4, 9, &cpu())];
    scene.apply(&objects).await;
    scene.autoscaled_to(4).await;
    let step = scene.only(&api).await;
    assert_eq!(
        (step.action, yielded(&step)),
        (
            Action::None,
            vec!["spec.replicas: HorizontalPodAutoscaler load".to_owned()]
        )
    );
    scene.apply(&objects).await;
    scene
        .cluster
        .kubectl(["-n", &scene.namespace, "delete", "hpa", "load"]);
    let step = scene.only(&api).await;
    assert_eq!(paths(&step), ["spec.replicas"], "{step:#?}");
    scene.carry_out(&step).await.unwrap();
    assert_eq!(scene.replicas(), 2);
    scene.settled(&[api]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_that_was_not_taken_off_is_not_told_as_corrected() {
    let mut scene = Scene::new("left-added");
    let api = scene.api(Some(0), "shop/api:1");
    scene.apply(std::slice::from_ref(&api)).await;
    let label = |name: &str| json!({ "metadata": { "labels": { name: "1" } } });
    scene.patch("deployment", "api", "kubectl-edit", &label("one"));
    let step = scene.only(&api).await;
    assert_eq!(paths(&step), ["metadata.labels"], "{step:#?}");
    scene.patch("deployment", "api", "k9s", &label("two"));
    let told = scene.carry_out(&step).await;
    assert!(told.is_err(), "{told:#?}");
    // What is told as done already has been done.
    let other = json!({ "metadata": { "labels": { "one": null } } });
    scene.patch("deployment", "api", "kubectl-edit", &other);
    assert!(scene.carry_out(&step).await.unwrap().unchanged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_to_an_autoscaler_is_asked_about_once() {
    let namespace = cluster().namespace("left-quiet");
    let rules = [json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] })];
    let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &rules);
    let mut scene = Scene::through(namespace.clone(), &kubeconfig);
    let scaler = scene.autoscaler(1, 9, &unmeasured());
    // None is ready at once, so that nothing else is asked.
    let mut objects = vec![scene.api(Some(0), "shop/api:1"), scaler];
    scene.apply(&objects).await;
    until("the controllers noted on it", async || {
        (scene.live(API)["status"]["observedGeneration"] == 1).then_some(())
    })
    .await;
    objects[0] = scene.api(Some(4), "shop/api:1");
    let plan = scene.plan(&objects).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    scene.remember(&plan);
    let asked = quiet_pass(&scene, &objects).await;
    assert_eq!(asked, ["get api", "get load"]);
    // One that is not declared here is looked for once in a while, and that is all.
    objects.pop();
    let address = scene.address(&objects[0]);
    scene.owned.retain(|owned| owned.address == address);
    let asked = quiet_pass(&scene, &objects).await;
    assert_eq!(asked, ["get api", "list horizontalpodautoscalers"]);
    let asked = quiet_pass(&scene, &objects).await;
    assert_eq!(asked, ["get api"]);
}
