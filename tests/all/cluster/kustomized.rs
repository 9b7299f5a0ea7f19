//! Kustomizations by the real kustomize, as people lay them out: a base, an overlay, a component.

use super::Scene;
use crate::peers::process::installed;
use reconciled::ledger::RunOutcome;
use serde_json::{Value as Json, json};

const BASE: &str = "resources: [deployment.yaml, service.yaml]\nlabels: [{ pairs: { team: web }, includeSelectors: false }]\n";

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [{ name: web, image: 'shop/web:1', envFrom: [{ configMapRef: { name: settings } }] }]
";

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
";

const OVERLAY: &str = "namePrefix: prod-
resources: [../../base]
components: [../../components/quota]
images: [{ name: shop/web, newTag: '7' }]
patches: [{ path: replicas.yaml }]
configMapGenerator: [{ name: settings, literals: [MODE=prod], files: [page.txt] }]
secretGenerator: [{ name: token, literals: [TOKEN=canary-in-git], options: { disableNameSuffixHash: true } }]
";

const REPLICAS: &str = "apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec: { replicas: 2 }
";

const QUOTA: &str = "apiVersion: v1
kind: ConfigMap
metadata: { name: quota }
data: { pods: '5' }
";

fn scene(name: &'static str) -> Scene {
    let scene = Scene::new(name);
    let program = installed("render").join("kustomize");
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"]["kustomize"] = json!(program);
    });
    scene.world.commit(&[
        ("base/kustomization.yaml", BASE),
        ("base/deployment.yaml", DEPLOYMENT),
        ("base/service.yaml", SERVICE),
        ("overlays/prod/kustomization.yaml", OVERLAY),
        ("overlays/prod/replicas.yaml", REPLICAS),
        ("overlays/prod/page.txt", "hello\n"),
        ("components/quota/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [quota.yaml]\n"),
        ("components/quota/quota.yaml", QUOTA),
    ]);
    scene
}

fn web(scene: &Scene) -> Json {
    json!({
        "kind": "kubernetes/kustomization",
        "lifecycle": { "dependsOn": ["namespace"] },
        "spec": { "path": "overlays/prod", "namespace": scene.name },
    })
}

#[test]
fn an_overlay_is_applied_and_a_change_in_its_base_is_one_precise_difference() {
    let scene = scene("kustomized");
    let resources = [("namespace", scene.namespace()), ("web", web(&scene))];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &resources);
    let live = scene.live("apps/v1/deployments/prod-web").unwrap();
    assert_eq!(live["spec"]["replicas"], 2);
    assert_eq!(live["metadata"]["labels"]["team"], "web");
    let container = &live["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "shop/web:7");
    let settings = container["envFrom"][0]["configMapRef"]["name"].as_str();
    let settings = settings.unwrap().to_owned();
    assert!(settings.starts_with("prod-settings-"), "{settings}");
    let generated = scene.live(&format!("configmaps/{settings}")).unwrap();
    assert_eq!(
        generated["data"],
        json!({ "MODE": "prod", "page.txt": "hello\n" })
    );
    assert_eq!(
        scene.live("configmaps/prod-quota").unwrap()["data"]["pods"],
        "5"
    );
    assert!(scene.live("secrets/prod-token").is_some());
    daemon.looked_again(scene.name);
    assert!(!daemon.log().contains("canary-in-git"));
    daemon.terminate();

    let (plan, code) = scene.told(&["plan"]);
    assert_eq!(code, Some(0), "{plan}");
    let changed = SERVICE.replace("port: 80", "port: 8080");
    scene.world.commit(&[("base/service.yaml", &changed)]);
    let (plan, code) = scene.told(&["plan"]);
    assert_eq!(code, Some(2), "{plan}");
    assert!(
        plan.contains("web[Service/kustomized/prod-web]") && plan.contains("8080"),
        "{plan}"
    );
    assert!(
        !plan.contains("Deployment") && !plan.contains("canary-in-git"),
        "{plan}"
    );
}

#[test]
fn what_cannot_be_rendered_is_told_where_it_is_declared_and_deletes_nothing() {
    let scene = scene("kustomized-badly");
    let resources = [("namespace", scene.namespace()), ("web", web(&scene))];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &resources);
    let owned = scene.world.owned().len();

    let patch = REPLICAS.replace("name: web", "name: nobody");
    scene
        .world
        .commit(&[("overlays/prod/replicas.yaml", &patch)]);
    let broken = daemon.logged("Spec cannot be used, keeping the last good state", |_| true);
    let said = format!("{broken:?}");
    assert!(
        said.contains("render-failed") && said.contains("nobody"),
        "{said}"
    );
    daemon.looked_again(scene.name);
    assert_eq!(scene.world.owned().len(), owned);
    assert!(scene.live("apps/v1/deployments/prod-web").is_some());

    // A remote base is refused before anything is started.
    let overlay = OVERLAY.replace("../../base", "https://example.com/base");
    let commit = [("overlays/prod/kustomization.yaml", overlay.as_str())];
    scene.world.commit(&commit);
    let (said, code) = scene.told(&["plan"]);
    assert!(
        code == Some(1) && said.contains("remote-reference"),
        "{code:?} {said}"
    );

    scene.world.commit(&[
        ("overlays/prod/kustomization.yaml", OVERLAY),
        ("overlays/prod/replicas.yaml", REPLICAS),
    ]);
    let commit = scene.commit(json!({}), &resources[..]);
    let run = daemon.run_of(scene.name, &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Done);
}
