//! The API service on the real API server with its controllers: rolled out, planned again, changed by hand, put back.

use super::program::Copied;
use crate::peers::kubernetes::cluster;

const FILE: &str = "environments/staging.yaml";
const NAMESPACE: &str = "example-api-staging";

#[test]
fn staging_is_rolled_out_kept_and_left_to_its_autoscaler() {
    let settings = format!(
        "providers:\n  kubernetes: {{ kubeconfig: {} }}\n",
        cluster().kubeconfig().display()
    );
    let changes = [
        ("context: staging", "context: peers"),
        ("shop-staging\n", "example-api-staging\n"),
        (
            "namespace: shop-staging }",
            "namespace: example-api-staging }",
        ),
    ];
    let example = Copied::new(
        "kubernetes-api",
        &changes,
        &settings,
        &[("SHOP_SESSION_KEY", "canary-session")],
    );
    let api = |path: &str| {
        cluster()
            .get(&format!("{path}/api"))
            .unwrap_or_else(|| panic!("no {path}/api"))
    };
    let deployment = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments");

    example.run("validate", FILE, &[]).ended(0);
    let planned = example.run("plan", FILE, &[]).ended(2);
    let applied = example.run("apply", FILE, &["--yes"]).ended(0);
    assert_eq!(api(&deployment)["status"]["readyReplicas"], 1);
    let same = example.run("plan", FILE, &[]).ended(0);

    // A field nobody declares belongs to whoever sets it.
    cluster().kubectl(["-n", NAMESPACE, "scale", "deployment/api", "--replicas=2"]);
    example.run("plan", FILE, &[]).ended(0);

    // A declared one is put back.
    cluster().kubectl([
        "-n",
        NAMESPACE,
        "patch",
        "configmap/api",
        "-p",
        r#"{"data":{"LOG_LEVEL":"trace"}}"#,
    ]);
    let drift = example.run("plan", FILE, &[]).ended(2);
    assert!(
        drift.out.contains("LOG_LEVEL") && drift.out.contains("kubectl"),
        "{}",
        drift.out
    );
    example.run("apply", FILE, &["--yes"]).ended(0);
    assert_eq!(
        api(&format!("/api/v1/namespaces/{NAMESPACE}/configmaps"))["data"]["LOG_LEVEL"],
        "debug"
    );

    for said in [planned, applied, same, drift] {
        assert!(
            !(said.out + &said.err).contains("canary"),
            "a secret is shown"
        );
    }
    assert!(!example.state().contains("canary"), "a secret is kept");
}
