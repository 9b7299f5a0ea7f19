//! Kubeconfigs that are used, and those that are refused.

use super::given::KEYS;
use super::*;
use crate::model::{ConnectionName, Secret, Value};
use serde_json::{Value as Json, json};

fn kubeconfig(user: &Json) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "staging",
        "clusters": [{ "name": "c", "cluster": { "server": "https://127.0.0.1:1" } }],
        "contexts": [
            { "name": "staging", "context": { "cluster": "c", "user": "u" } },
            { "name": "production", "context": { "cluster": "c", "user": "u", "namespace": "shop" } },
        ],
        "users": [{ "name": "u", "user": user }],
    })
    .to_string()
}

fn connection(settings: Json, user: &Json) -> Connection {
    let mut settings = Value::from_json(settings);
    if let Value::Map(fields) = &mut settings {
        let inline = Value::Secret(Secret::new(kubeconfig(user)));
        fields.get_or_insert_with("kubeconfig", || inline);
    }
    Connection {
        name: ConnectionName::new("cluster").unwrap(),
        provider: "kubernetes".to_owned(),
        settings,
        location: None,
    }
}

async fn refusal(settings: Json, user: Json, exec: &[&str]) -> String {
    let allowed = KubernetesSettings {
        exec_plugins: exec.iter().map(|name| (*name).to_owned()).collect(),
        kubeconfig: None,
    };
    match destination(&connection(settings, &user), &allowed).await {
        Ok(_) => "fine".to_owned(),
        Err(failure) => failure.reason,
    }
}

#[tokio::test]
async fn an_unknown_context_names_those_that_exist() {
    let told = refusal(
        json!({ "context": "prodution" }),
        json!({ "token": "t" }),
        &[],
    )
    .await;
    insta::assert_snapshot!(told, @r#"connection cluster: the kubeconfig has no context "prodution"; it has staging, production; did you mean production?"#);
}

#[tokio::test]
async fn a_program_for_credentials_is_refused_unless_allowed() {
    let user = json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "aws", "interactiveMode": "Never" } });
    let told = refusal(json!({}), user.clone(), &[]).await;
    assert!(told.contains(r#"wants to run "aws""#), "{told}");
    assert_eq!(refusal(json!({}), user, &["aws"]).await, "fine");
    let user = |name: &str| json!({ "exec": { "command": "aws", "env": [{ "name": "A", "value": "x" }, { "name": name, "value": "/tmp" }] } });
    for name in [
        "PATH",
        "LD_PRELOAD",
        "PYTHONPATH",
        "NODE_OPTIONS",
        "BASH_ENV",
    ] {
        let told = refusal(json!({}), user(name), &["aws"]).await;
        assert!(told.contains(&format!("sets {name} for")), "{told}");
    }
    assert_eq!(
        refusal(json!({}), user("AWS_PROFILE"), &["aws"]).await,
        "fine"
    );
    let provider =
        json!({ "auth-provider": { "name": "gcp", "config": { "cmd-path": "/bin/true" } } });
    assert!(
        refusal(json!({}), provider, &["/bin/true"])
            .await
            .contains("auth-provider")
    );
}

#[tokio::test]
async fn a_secret_kubeconfig_reads_no_files_of_this_machine() {
    for file in ["tokenFile", "client-certificate", "client-key"] {
        let told = refusal(json!({}), json!({ file: "/etc/hostname" }), &[]).await;
        assert!(told.contains("may not name files"), "{file}: {told}");
    }
}

#[tokio::test]
async fn settings_are_checked() {
    let told = |settings: Json| refusal(settings, json!({ "token": "t" }), &[]);
    assert!(
        told(json!({ "contxt": "x" }))
            .await
            .contains("contxt is none of context")
    );
    assert!(
        told(json!({ "context": 3 }))
            .await
            .contains("context is not a text")
    );
    assert!(
        told(json!({ "kubeconfig": "apiVersion: v1\nkind: Config" }))
            .await
            .contains("take inline text from secrets")
    );
    assert!(
        told(json!({ "inCluster": true, "context": "x", "kubeconfig": null }))
            .await
            .contains("goes with neither")
    );
    assert!(
        told(json!({ "kubeconfig": "/nowhere/kubeconfig" }))
            .await
            .contains("/nowhere/kubeconfig cannot be read")
    );
}

#[tokio::test]
async fn the_context_chooses_the_namespace_and_the_setting_overrides_it() {
    let settings = KubernetesSettings::default();
    let user = json!({ "token": "t" });
    let of = async |given: Json| {
        destination(&connection(given, &user), &settings)
            .await
            .ok()
            .unwrap()
    };
    let context = of(json!({ "context": "production" })).await;
    assert_eq!(context.config.default_namespace, "shop");
    assert!(!context.config.default_retry);
    let overridden = of(json!({ "context": "production", "namespace": "other" })).await;
    assert_eq!(overridden.config.default_namespace, "other");
    assert_ne!(context.digest, overridden.digest);
}

#[tokio::test]
async fn every_request_is_made_as_the_account_and_never_as_nobody() {
    let settings = KubernetesSettings::default();
    let account = json!({ "serviceAccount": "shop/deployer" });
    let of = async |given: &Json, user: &Json| {
        destination(&connection(given.clone(), user), &settings).await
    };
    let token = json!({ "token": "t" });
    let destination = of(&account, &token).await.ok().unwrap();
    let user = &destination.config.auth_info;
    assert_eq!(
        user.impersonate.as_deref(),
        Some("system:serviceaccount:shop:deployer")
    );
    // Another account is another cluster to us: what one may see says nothing about the other.
    assert_ne!(
        destination.digest,
        of(&json!({}), &token).await.ok().unwrap().digest
    );
    let told = async |given: &Json, user: &Json| match of(given, user).await {
        Ok(_) => "fine".to_owned(),
        Err(failure) => failure.reason,
    };
    let nobody = json!({ "token": "t", "as": "" });
    assert!(
        told(&json!({}), &nobody)
            .await
            .contains("impersonates nobody")
    );
    let other = json!({ "token": "t", "as": "admin" });
    assert_eq!(told(&json!({}), &other).await, "fine");
    assert!(
        told(&account, &other)
            .await
            .contains("goes with no kubeconfig")
    );
}

/// What a schema refuses is found before any cluster is asked, and it is what would be refused then.
#[test]
fn the_schema_says_what_is_taken() {
    for settings in [
        json!({}),
        json!({ "context": "a", "kubeconfig": "/etc/kubeconfig", "namespace": "shop" }),
        json!({ "inCluster": true, "namespace": "shop" }),
        json!({ "inCluster": false, "context": "a" }),
        json!({ "inCluster": true, "context": "a" }),
        json!({ "inCluster": true, "kubeconfig": "/a" }),
        json!({ "inCluster": "yes" }),
        json!({ "context": "" }),
        json!({ "namespace": 5 }),
        json!({ "kubeconfig": "a:\n  b" }),
        json!({ "contex": "a" }),
        json!({ "serviceAccount": "shop/deployer" }),
        json!({ "serviceAccount": "" }),
        json!({ "serviceAccount": null }),
        json!({ "serviceAccount": "deployer" }),
        json!({ "serviceAccount": "/deployer" }),
        json!({ "serviceAccount": "shop/" }),
        json!({ "serviceAccount": "shop/a/b" }),
        json!({ "serviceAccount": "system:masters" }),
    ] {
        let fine = Given::read(&Value::from_json(settings.clone())).is_ok();
        assert_eq!(
            jsonschema::is_valid(&schema(), &settings),
            fine,
            "{settings}"
        );
    }
    let keys: Vec<_> = schema()["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert!(keys.iter().all(|key| KEYS.contains(&key.as_str())) && keys.len() == KEYS.len());
}
