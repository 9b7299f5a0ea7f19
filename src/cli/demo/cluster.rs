//! The story on a Kubernetes cluster, in a namespace of its own that is removed at the end.

use super::screen::Screen;
use super::stage::Stage;
use crate::cli::{chosen, starter};
use crate::deliver::render::{Screen as Paper, plan_terminal};
use crate::model::EnvironmentName;
use anyhow::{Context as _, bail};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

const ENVIRONMENT: &str = "environments/demo.yaml";
const TEXT: &str = include_str!("cluster.yaml");
const BRANCH: &str = "friendlier-greeting";
/// How long a namespace may take to go.
const PATIENCE: Duration = Duration::from_secs(120);

/// Plays the story on a context.
pub(super) async fn play(
    folder: &Path,
    screen: Screen,
    context: &str,
    exit: bool,
) -> anyhow::Result<()> {
    let suffix: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(6)
        .collect();
    let namespace = format!("reconciled-demo-{}", suffix.to_lowercase());
    let client = client(context).await?;
    let files = [(
        ENVIRONMENT,
        TEXT.replace("CONTEXT", context)
            .replace("NAMESPACE", &namespace),
    )];
    let mut stage = Stage::build(folder, &files, screen.clone())?;
    let story = async {
        tell(&mut stage, &client, &namespace).await?;
        if !exit {
            screen.say(&format!("\nThe daemon stays up: `kubectl --namespace {namespace} edit configmap shop` and watch. Ctrl-C ends it."));
            crate::cli::stopped().await;
        }
        anyhow::Ok(())
    };
    // Whoever stops in the middle wants the cluster as it was, too.
    let told = tokio::select! {
        biased;
        told = story => told,
        () = crate::cli::stopped() => Err(anyhow::anyhow!("tell the story to its end: it was stopped")),
    };
    screen.say(&format!("\n  Removing the namespace {namespace} …"));
    let ended = stage.end().await;
    let removed = remove(&client, &namespace).await;
    told.and(ended).and(removed)
}

/// Removes the demo's namespace and waits until it is gone; asked to stop again, waits no longer.
async fn remove(client: &Client, namespace: &str) -> anyhow::Result<()> {
    let namespaces = Api::<Namespace>::all(client.clone());
    let gone = async {
        let begun = Instant::now();
        let what = || format!("remove the namespace {namespace}");
        match namespaces.delete(namespace, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            other => drop(other.with_context(what)?),
        }
        while namespaces
            .get_opt(namespace)
            .await
            .with_context(what)?
            .is_some()
        {
            if begun.elapsed() > PATIENCE {
                bail!(
                    "see the namespace {namespace} gone within {}s; the cluster goes on removing it",
                    PATIENCE.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    };
    tokio::select! {
        gone = gone => gone,
        () = crate::cli::stopped() => bail!("see the namespace {namespace} gone; the cluster goes on removing it"),
    }
}

async fn client(context: &str) -> anyhow::Result<Client> {
    let kubeconfig = Kubeconfig::read().context("read the kubeconfig")?;
    let options = KubeConfigOptions {
        context: Some(context.to_owned()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let config = config.with_context(|| format!("use the context {context} of the kubeconfig"))?;
    Client::try_from(config).context("make a client for the cluster")
}

async fn tell(stage: &mut Stage, client: &Client, namespace: &str) -> anyhow::Result<()> {
    let environment = EnvironmentName::new("demo")?;
    let screen = stage.screen.clone();

    screen.chapter("A Git repository says what a cluster should run");
    screen.say(&format!(
        "  {}\n",
        stage.repository.path.join(ENVIRONMENT).display()
    ));
    for plan in chosen::plans_of(&stage.settings, &stage.repository.path).await? {
        screen.show(&plan_terminal(
            &plan,
            Paper {
                colour: screen.color(),
                width: 100,
            },
        ));
    }

    screen.chapter("The daemon starts, and applies what was merged");
    stage.start().await?;
    stage
        .run_of(&environment, &stage.repository.head()?)
        .await?;
    stage.said(&environment).await?;

    screen.chapter("Somebody edits an object by hand");
    let seen = stage.last_episode().await?;
    let objects: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    edit_by_hand(&objects).await?;
    screen.say(&format!(
        "  $ kubectl --namespace {namespace} edit configmap shop    # greeting: HACKED"
    ));
    stage.ended_episode(&environment, seen).await?;

    screen.chapter("A pull request shows what its merge would do");
    let text = stage.repository.read(ENVIRONMENT)?;
    stage.repository.branch(BRANCH)?;
    stage.repository.write(
        ENVIRONMENT,
        &starter::set(&text, "greeting", "Lovely to see you"),
    )?;
    stage.repository.commit("Greet more warmly")?;
    stage.pull_request(BRANCH).await?;

    screen.chapter("It is merged, and applied");
    stage.merge(BRANCH, &environment).await?;
    let live = objects.get("shop").await?;
    let greeting = live
        .data
        .and_then(|data| data.get("greeting").cloned())
        .unwrap_or_default();
    screen.show(&format!("greeting: {greeting}"));
    anyhow::ensure!(
        greeting == "Lovely to see you",
        "see the merged greeting on the cluster"
    );
    Ok(())
}

/// Does what `kubectl edit` does, under its name.
async fn edit_by_hand(objects: &Api<ConfigMap>) -> anyhow::Result<()> {
    let person = PatchParams {
        field_manager: Some("kubectl-edit".to_owned()),
        ..PatchParams::default()
    };
    let edit = Patch::Merge(json!({ "data": { "greeting": "HACKED" } }));
    objects.patch("shop", &person, &edit).await?;
    Ok(())
}
