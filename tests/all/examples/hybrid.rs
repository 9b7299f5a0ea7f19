//! A database in a cloud, and its address in a DNS record, a Kubernetes Secret and a host's file: planned, applied,
//! changed by hand and put back as one.

use super::program::Copied;
use crate::peers::digitalocean::{Server, TOKEN};
use crate::peers::kubernetes::cluster;
use base64::Engine as _;
use serde_json::{Value, json};

const FILE: &str = "environments/shop.yaml";
const NAMESPACE: &str = "hybrid-shop";

fn secret() -> Value {
    cluster()
        .get(&format!(
            "/api/v1/namespaces/{NAMESPACE}/secrets/api-database"
        ))
        .expect("the Secret is there")
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story, told from beginning to end"
)]
fn one_plan_makes_a_database_and_tells_everybody_where_it_is() {
    let server = Server::start();
    server.account(|account| {
        account.looks_until_online = 2;
        account
            .domains
            .insert("shop.example.com".to_owned(), Vec::new());
    });
    let host = tempfile::tempdir().unwrap();
    let settings = format!(
        "providers:\n  host: {{ allowed: true, root: {} }}\n  kubernetes: {{ kubeconfig: {} }}\n  rest: {{ baseUrls: {{ digitalocean: \"{}\" }} }}\n",
        host.path().display(),
        cluster().kubeconfig().display(),
        server.url(),
    );
    let changes = [
        ("context: production", "context: peers"),
        (
            "host_root: / ",
            &format!("host_root: {} ", host.path().display()),
        ),
        (
            "metadata: { name: shop }",
            &format!("metadata: {{ name: {NAMESPACE} }}"),
        ),
        ("namespace: shop", &format!("namespace: {NAMESPACE}")),
    ];
    let example = Copied::new(
        "hybrid",
        &changes,
        &settings,
        &[("DIGITALOCEAN_TOKEN", TOKEN)],
    );

    example.run("validate", FILE, &[]).ended(0);
    let planned = example.run("plan", FILE, &[]).ended(2);
    assert!(
        planned.out.contains("(known after apply)"),
        "{}",
        planned.out
    );
    assert_eq!(server.writes(), [""; 0]);

    let applied = example.run("apply", FILE, &["--yes"]).ended(0);
    assert_eq!(
        server.writes(),
        ["POST databases shop", "POST records CNAME db"]
    );
    let made = server.account(|account| account.cluster("shop").unwrap().clone());
    let tags = json!([
        "Environment:production",
        "Owner:platform",
        "Service:shop",
        "reconciled:shop:db"
    ]);
    assert_eq!(made["tags"], tags);
    let record = server.account(|account| account.domains["shop.example.com"][0].clone());
    assert_eq!(record["data"], made["connection"]["host"]);
    let engine = base64::engine::general_purpose::STANDARD;
    let stored = engine
        .decode(secret()["data"]["DATABASE_URL"].as_str().unwrap())
        .unwrap();
    assert_eq!(
        String::from_utf8(stored).unwrap(),
        made["private_connection"]["uri"]
    );
    let file = std::fs::read_to_string(host.path().join("etc/shop/reports.env")).unwrap();
    assert!(
        file.contains(made["connection"]["uri"].as_str().unwrap()),
        "the file does not hold the address"
    );

    let same = example.run("plan", FILE, &[]).ended(0);

    // By hand in the control panel: put back, and what reads the outputs is not touched.
    let version = secret()["metadata"]["resourceVersion"].clone();
    server.account(|account| account.cluster("shop").unwrap()["num_nodes"] = json!(3));
    let drift = example.run("plan", FILE, &[]).ended(2);
    assert!(drift.out.contains("num_nodes"), "{}", drift.out);
    let corrected = example.run("apply", FILE, &["--yes"]).ended(0);
    assert_eq!(server.writes()[2..], ["PUT resize shop"]);
    assert_eq!(secret()["metadata"]["resourceVersion"], version);

    // What cannot change is refused with the reason, and nothing is written.
    example.edit(FILE, "region: nyc3", "region: fra1");
    let refused = example.run("plan", FILE, &[]).ended(2);
    assert!(refused.out.contains("region"), "{}", refused.out);
    example.run("apply", FILE, &["--yes"]).ended(2);
    assert_eq!(server.writes().len(), 3);

    for said in [planned, applied, same, drift, corrected, refused] {
        assert!(
            !(said.out + &said.err).contains("canary"),
            "a secret is shown"
        );
    }
    assert!(!example.state().contains("canary"), "a secret is kept");
}
