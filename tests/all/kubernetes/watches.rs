//! Watches on what is ours: a quiet cluster is asked nothing, an edit is told at once, and whatever
//! becomes of a watch, looks answer what is live.

use super::{Scene, until};
use crate::cluster::proxy::{Fault, Proxy};
use crate::peers::kubernetes::second::Second;
use crate::peers::kubernetes::{Request, cluster};
use reconciled::model::{Action, Address, DigestKey};
use reconciled::net::Limiters;
use reconciled::provider::{Kubernetes, KubernetesSettings, Nudge, Nudged, Registry};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// How soon an edit is told at the latest; a busy machine takes its time.
const SOON: Duration = Duration::from_secs(60);

/// A scene whose provider watches, and what it tells.
pub(super) struct Watching {
    pub(super) scene: Scene,
    pub(super) nudges: Receiver<Nudged>,
}

impl Watching {
    pub(super) fn through(namespace: &str, kubeconfig: &Path, silence: Duration) -> Self {
        let (nudge, nudges) = Nudge::channel(1024);
        let provider = Kubernetes::new(
            KubernetesSettings::default(),
            Limiters::default(),
            DigestKey::new([7; 32]),
            Some(nudge),
        );
        let registry = Registry::new(vec![Arc::new(provider.with_silence(silence))]);
        let scene = Scene::through(namespace.to_owned(), kubeconfig);
        Self {
            scene: Scene { registry, ..scene },
            nudges,
        }
    }

    /// Applies, and looks until the watches know it all.
    pub(super) async fn settled(&mut self, objects: &[Json]) {
        self.scene.apply(objects).await;
        self.quiet(objects).await;
        while self.nudges.try_recv().is_ok() {}
    }

    /// Looks once; nothing may be to be done.
    pub(super) async fn quiet(&mut self, objects: &[Json]) {
        let plan = self.scene.plan(objects).await;
        assert!(plan.is_empty(), "{:#?}", plan.steps);
        self.scene.remember(&plan);
    }

    /// Waits until these are told of, whatever else is.
    pub(super) async fn told(&mut self, objects: &[&Json]) {
        let mut missing: BTreeSet<Address> = objects
            .iter()
            .map(|object| self.scene.address(object))
            .collect();
        let told = async {
            while !missing.is_empty() {
                if let Nudged::Resource(address) = self.nudges.recv().await.unwrap() {
                    missing.remove(&address);
                }
            }
        };
        let in_time = timeout(SOON, told).await;
        assert!(in_time.is_ok(), "nobody told of {missing:?}");
    }

    fn kubectl(&self, arguments: &[&str]) {
        let all = [&["-n", self.scene.namespace.as_str()], arguments].concat();
        let output = self.scene.cluster.try_kubectl(&all, &[]);
        assert!(output.status.success(), "{all:?}: {output:?}");
    }
}

/// An account of the test's own that may do everything, or all but this.
pub(super) fn account(stem: &str, verbs: &[&str]) -> (String, std::path::PathBuf) {
    let namespace = cluster().namespace(stem);
    let rules = [json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": verbs })];
    let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &rules);
    (namespace, kubeconfig)
}

pub(super) fn requests_of(namespace: &str) -> Vec<Request> {
    let user = format!("system:serviceaccount:{namespace}:limited");
    let all = cluster().requests().into_iter();
    all.filter(|request| request.user == user).collect()
}

/// What was asked for since so many requests, watches that ended apart.
pub(super) fn since(namespace: &str, before: usize) -> Vec<String> {
    let asked = requests_of(namespace).split_off(before);
    let asked = asked.iter().filter(|request| request.verb != "watch");
    asked
        .map(|request| format!("{} {}", request.verb, request.uri))
        .collect()
}

pub(super) const LONG: Duration = Duration::from_secs(130);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_cluster_is_asked_nothing_and_each_edit_is_told() {
    let (namespace, kubeconfig) = account("watched", &["*"]);
    let mut watching = Watching::through(&namespace, &kubeconfig, LONG);
    let scene = &watching.scene;
    let configs = (0..8).map(|nth| scene.config(&format!("c-{nth}"), "x"));
    let deployments = (0..4).map(|nth| scene.deployment(&format!("d-{nth}"), 0, "shop/api:1"));
    let objects: Vec<Json> = configs.chain(deployments).collect();
    watching.settled(&objects).await;
    let before = requests_of(&namespace).len();
    watching.quiet(&objects).await;
    assert_eq!(since(&namespace, before), Vec::<String>::new());

    // A field of ours, a field of a controller's, a mark, a whole object.
    watching.kubectl(&["patch", "configmap/c-0", r#"--patch={"data":{"text":"y"}}"#]);
    watching.kubectl(&["label", "configmap/c-1", "by=mesh", "--field-manager=mesh"]);
    watching.kubectl(&["label", "configmap/c-2", "reconciled.dev/environment-"]);
    watching.kubectl(&["annotate", "configmap/c-3", "reconciled.dev/address-"]);
    watching.kubectl(&["delete", "configmap/c-4"]);
    watching.kubectl(&["scale", "deployment/d-0", "--replicas=1"]);
    let edited: Vec<&Json> = [0, 1, 2, 3, 4, 8].map(|nth| &objects[nth]).into();
    watching.told(&edited).await;

    let before = requests_of(&namespace).len();
    let plan = watching.scene.plan(&objects).await;
    let action = |nth: usize| watching.scene.step(&plan, &objects[nth]).action;
    assert_eq!(
        [0, 1, 2, 3, 4, 5, 8].map(action),
        [
            Action::Update,
            Action::None,
            Action::Adopt,
            // In an apply set, and nothing says whose: that is refused, and told.
            Action::Wait,
            Action::Create,
            Action::None,
            Action::Update,
        ]
    );
    // Only what was edited is asked about: read where no watch tells of it, and dry-run where it is there.
    // That replicas differ asks who may scale it.
    let asked = since(&namespace, before);
    let edited = [
        "/c-0?",
        "/c-1?",
        "/c-2",
        "/c-3?",
        "/c-4",
        "/d-0",
        "/horizontalpodautoscalers?",
        "/scaledobjects?",
        "/verticalpodautoscalers?",
    ];
    let other = asked
        .iter()
        .find(|one| !edited.iter().any(|name| one.contains(name)));
    assert_eq!(other, None, "{asked:#?}");

    // Put back, that is nobody's change; it ends.
    let address = format!(
        "reconciled.dev/address={}",
        watching.scene.address(&objects[3])
    );
    watching.kubectl(&["annotate", "configmap/c-3", &address]);
    watching.scene.apply(&objects).await;
    watching.quiet(&objects).await;
    let before = requests_of(&namespace).len();
    watching.quiet(&objects).await;
    assert_eq!(since(&namespace, before), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_we_write_ourselves_and_what_controllers_note_is_told_to_nobody() {
    let (namespace, kubeconfig) = account("unstirred", &["*"]);
    let mut watching = Watching::through(&namespace, &kubeconfig, LONG);
    let objects: Vec<Json> = (0..4)
        .map(|nth| {
            watching
                .scene
                .deployment(&format!("d-{nth}"), 1, "shop/api:1")
        })
        .collect();
    watching.settled(&objects).await;
    let changed: Vec<Json> = (0..4)
        .map(|nth| {
            watching
                .scene
                .deployment(&format!("d-{nth}"), 2, "shop/api:2")
        })
        .collect();
    watching.scene.apply(&changed).await;
    for nth in 0..4 {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/d-{nth}");
        until("the rollout is over", async || {
            let live = watching.scene.cluster.get(&path)?;
            (live["status"]["readyReplicas"] == 2 && live["status"]["updatedReplicas"] == 2)
                .then_some(())
        })
        .await;
    }
    // What is told after this edit was told before it.
    watching.kubectl(&["label", "deployment/d-3", "by=hand"]);
    let first = timeout(SOON, watching.nudges.recv()).await.unwrap();
    assert_eq!(
        first,
        Some(Nudged::Resource(watching.scene.address(&changed[3])))
    );
    // Nor is what we delete.
    let plan = watching.scene.plan(&changed[2..]).await;
    for object in &changed[..2] {
        let step = watching.scene.step(&plan, object);
        assert_eq!(step.action, Action::Delete, "{step:#?}");
        watching.scene.carry_out(&step).await.unwrap();
    }
    watching.kubectl(&["annotate", "deployment/d-3", "by=hand"]);
    let first = timeout(SOON, watching.nudges.recv()).await.unwrap();
    assert_eq!(
        first,
        Some(Nudged::Resource(watching.scene.address(&changed[3])))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_not_watch_lists() {
    let verbs = ["get", "list", "create", "patch", "delete"];
    let (namespace, kubeconfig) = account("unwatchable", &verbs);
    let mut watching = Watching::through(&namespace, &kubeconfig, LONG);
    let objects: Vec<Json> = (0..4)
        .map(|nth| watching.scene.config(&format!("c-{nth}"), "x"))
        .collect();
    watching.settled(&objects).await;
    let before = requests_of(&namespace).len();
    watching.quiet(&objects).await;
    let asked = since(&namespace, before);
    assert_eq!(asked.len(), 1, "{asked:#?}");
    watching.kubectl(&["delete", "configmap/c-0"]);
    let plan = watching.scene.plan(&objects).await;
    let step = watching.scene.step(&plan, &objects[0]);
    assert_eq!(step.action, Action::Create);
}

/// A namespace behind a proxy, with four configs in it that are watched.
async fn behind_a_proxy(stem: &str, silence: Duration) -> (Proxy, Watching, Vec<Json>) {
    let (proxy, namespace) = (Proxy::start(), cluster().namespace(stem));
    let mut watching = Watching::through(&namespace, &proxy.kubeconfig, silence);
    let objects: Vec<Json> = (0..4)
        .map(|nth| watching.scene.config(&format!("c-{nth}"), "x"))
        .collect();
    watching.settled(&objects).await;
    (proxy, watching, objects)
}

/// Whether a config is to be put back.
pub(super) async fn is_found(watching: &Watching, objects: &[Json], nth: usize) -> bool {
    let plan = watching.scene.plan(objects).await;
    watching.scene.step(&plan, &objects[nth]).action == Action::Update
}

pub(super) const EDIT: &str = r#"--patch={"data":{"text":"by hand"}}"#;

/// While watches are answered like this, looks find every edit, and afterwards it is told again.
async fn watches_go_badly(stem: &str, fault: Fault) {
    let (proxy, mut watching, objects) = behind_a_proxy(stem, LONG).await;
    proxy.answer(Some(fault));
    until("the watch is refused", async || {
        (proxy.faults() > 0).then_some(())
    })
    .await;
    watching.kubectl(&["patch", "configmap/c-0", EDIT]);
    assert!(is_found(&watching, &objects, 0).await);
    watching.kubectl(&["patch", "configmap/c-1", EDIT]);
    assert!(is_found(&watching, &objects, 1).await);
    assert!(proxy.faults() < 20, "{}", proxy.faults());
    proxy.answer(None);
    // What happened unheard is told as well.
    watching.told(&[&objects[0], &objects[1]]).await;
    watching.kubectl(&["patch", "configmap/c-2", EDIT]);
    watching.told(&[&objects[2]]).await;
    assert!(is_found(&watching, &objects, 2).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_is_cut_off_and_refused_comes_back() {
    watches_go_badly("cut-off", Fault::Watches(500)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_whose_beginning_is_forgotten_lists_again() {
    watches_go_badly("expired", Fault::Watches(410)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_goes_silent_is_not_relied_on() {
    let silence = Duration::from_millis(500);
    let (proxy, mut watching, objects) = behind_a_proxy("silent-watch", silence).await;
    proxy.answer(Some(Fault::Held));
    watching.kubectl(&["patch", "configmap/c-0", EDIT]);
    until("the look lists again", async || {
        is_found(&watching, &objects, 0).await.then_some(())
    })
    .await;
    // A new one that tells nothing either is believed no more.
    for nth in 1..4 {
        watching.kubectl(&["patch", &format!("configmap/c-{nth}"), EDIT]);
        assert!(is_found(&watching, &objects, nth).await, "{nth}");
    }
    proxy.answer(None);
    watching.told(&objects.iter().collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_starts_anew_is_watched_again() {
    let (mut server, namespace) = (Second::start(), cluster().namespace("restarted"));
    let mut watching = Watching::through(&namespace, &server.kubeconfig(), LONG);
    let objects: Vec<Json> = (0..4)
        .map(|nth| watching.scene.config(&format!("c-{nth}"), "x"))
        .collect();
    watching.settled(&objects).await;
    server.down();
    // Through the other server, while this one is away.
    watching.kubectl(&["patch", "configmap/c-0", EDIT]);
    let gone = watching.scene.plan(&objects).await;
    let step = watching.scene.step(&gone, &objects[0]);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    server.up();
    assert!(is_found(&watching, &objects, 0).await);
    watching.told(&[&objects[0]]).await;
    watching.kubectl(&["patch", "configmap/c-1", EDIT]);
    watching.told(&[&objects[1]]).await;
}
