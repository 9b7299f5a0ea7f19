//! Charts of a real registry, on a real cluster: fetched by the daemon's settings, never by a repository's, and
//! a registry that is gone takes nothing away.

use super::Scene;
use crate::peers::process::installed;
use crate::peers::registry::{PASSWORD, Registry, USER};
use serde_json::{Value as Json, json};

const CONFIG: &str = r#"apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { text: "{{ .Chart.Version }} {{ .Values.who }}" }
"#;

const FILES: [(&str, &str); 2] = [
    ("templates/config.yaml", CONFIG),
    ("values.yaml", "who: nobody\n"),
];

fn scene(name: &'static str, registry: &Registry) -> Scene {
    let scene = Scene::new(name);
    let program = installed("render").join("helm");
    let password = scene.world.folder().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"]["helm"] = json!(program);
        settings["providers"]["kubernetes"]["registries"] = json!([{
            "address": format!("{}/charts", registry.address()), "caFile": registry.ca_file(),
            "username": USER, "password": { "file": password },
        }]);
    });
    scene.world.commit(&[("prod.yaml", "who: prod\n")]);
    scene
}

fn web(scene: &Scene, registry: &str, which: Json) -> [(&'static str, Json); 2] {
    let mut spec = json!({ "chart": format!("oci://{registry}/web"), "namespace": scene.name, "valuesFiles": ["prod.yaml"] });
    super::merge(&mut spec, which);
    let web = json!({ "kind": "kubernetes/helm-chart", "lifecycle": { "dependsOn": ["namespace"] }, "spec": spec });
    [("namespace", scene.namespace()), ("web", web)]
}

#[test]
fn a_chart_of_a_registry_is_applied_and_its_registry_may_be_gone() {
    let mut registry = Registry::secure();
    let charts = format!("{}/charts", registry.address());
    registry.push("web", "1.0.0", &FILES);
    let second = registry.push("web", "1.1.0", &FILES);
    let scene = scene("registered", &registry);
    let mut daemon = scene.world.start();
    scene.applied(
        &mut daemon,
        json!({}),
        &web(&scene, &charts, json!({ "version": "1.0.0" })),
    );
    assert_eq!(scene.text("web").unwrap(), "1.0.0 prod");
    let asked = registry.requests();
    daemon.looked_again(scene.name);
    let (plan, code) = scene.told(&["plan"]);
    assert_eq!((code, registry.requests()), (Some(0), asked), "{plan}");

    // A new version while the registry is down: nothing is applied, and nothing taken away.
    registry.stop();
    let newer = web(
        &scene,
        &charts,
        json!({ "digest": second, "version": "1.1.0" }),
    );
    scene.commit(json!({}), &newer);
    daemon.until("the outage is told", |daemon| {
        daemon
            .log()
            .contains("its registry cannot be asked")
            .then_some(())
    });
    let (plan, code) = scene.told(&["plan"]);
    assert_eq!(code, Some(1), "{plan}");
    assert!(
        plan.contains("registry-unreachable") && plan.contains("environment.yaml:"),
        "{plan}"
    );
    assert_eq!(scene.text("web").unwrap(), "1.0.0 prod");
    registry.resume();
    daemon.until("the new version is there", |_| {
        (scene.text("web")? == "1.1.0 prod").then_some(())
    });
    assert!(!daemon.log().contains(PASSWORD));
    daemon.terminate();

    // What was fetched before needs no registry, after a start neither.
    registry.stop();
    let mut daemon = scene.world.start();
    daemon.looked_again(scene.name);
    let (plan, code) = scene.told(&["plan"]);
    assert_eq!(code, Some(0), "{plan}");
    daemon.terminate();
}

#[test]
fn a_repository_neither_allows_a_registry_nor_leaves_a_version_open() {
    let registry = Registry::secure();
    registry.push("web", "1.0.0", &FILES);
    let scene = scene("registered-badly", &registry);
    let asked = registry.requests();
    let wrong = |registry: &str, which: Json| {
        scene.commit(json!({}), &web(&scene, registry, which));
        let (said, code) = scene.told(&["plan"]);
        assert_eq!(code, Some(1), "{said}");
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    // Beside the part of the registry that is allowed, and another host.
    for elsewhere in [registry.address(), "169.254.169.254/charts".to_owned()] {
        let said = wrong(&elsewhere, json!({ "version": "1.0.0" }));
        assert!(
            said.contains("registry-not-allowed")
                && said.contains("providers.kubernetes.registries"),
            "{said}"
        );
    }
    let charts = format!("{}/charts", registry.address());
    let said = wrong(&charts, json!({}));
    assert!(
        said.contains("`version` or `digest` is missing here"),
        "{said}"
    );
    let said = wrong(&charts, json!({ "version": "^1.0.0" }));
    assert!(said.contains("floating-version"), "{said}");
    assert_eq!(registry.requests(), asked, "{said}");

    let place = scene.world.repository();
    let said = scene.world.command(&["validate", place.to_str().unwrap()]);
    assert!(
        said.stderr.contains("floating-version") || said.stdout.contains("floating-version"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    scene.commit(
        json!({}),
        &web(&scene, &charts, json!({ "version": "1.0.0" })),
    );
    let said = scene.world.command(&["validate", place.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    let looked =
        format!("not looked into, as nothing is fetched here: the chart oci://{charts}/web 1.0.0");
    assert!(said.stderr.contains(&looked), "{}", said.stderr);
}
