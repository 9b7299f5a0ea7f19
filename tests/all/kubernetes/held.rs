//! How much of a cluster is kept in memory: what is ours, and nothing of anybody else's.

use super::{Scene, until};
use crate::peers::kubernetes::cluster;
use reconciled::model::DigestKey;
use reconciled::net::Limiters;
use reconciled::provider::{Kubernetes, KubernetesSettings, Nudge, Registry};
use serde_json::{Value as Json, json};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_strangers_nothing_is_kept() {
    let mut scene = Scene::new("crowded");
    let strangers = format!("/api/v1/namespaces/{}/configmaps", scene.namespace);
    let senders = (0..4).map(|part| {
        let path = strangers.clone();
        std::thread::spawn(move || {
            for nth in 0..250 {
                let name = format!("stranger-{part}-{nth}");
                let text = "x".repeat(1000);
                cluster().post(
                    &path,
                    &json!({ "metadata": { "name": name }, "data": { "text": text } }),
                );
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.join().unwrap();
    }
    let key = DigestKey::new([7; 32]);
    let settings = KubernetesSettings::default();
    let (nudge, _told) = Nudge::channel(1);
    let provider = Kubernetes::new(settings, Limiters::default(), key, Some(nudge));
    let provider = Arc::new(provider);
    scene.registry = Registry::new(vec![provider.clone()]);
    let objects: Vec<Json> = (0..10)
        .map(|nth| scene.config(&format!("ours-{nth}"), "x"))
        .collect();
    scene.apply(&objects).await;
    scene.settled(&objects).await;
    let kept = || {
        let all = provider.watched();
        all.values().map(|watched| watched.objects).sum::<usize>()
    };
    until("the watch knows all of ours", async || {
        (kept() == objects.len()).then_some(())
    })
    .await;
    // Whoever is touched or comes, and however often it is looked.
    for nth in 0..50 {
        let path = format!("{strangers}/stranger-0-{nth}");
        assert!(cluster().merge_patch(&path, &json!({ "data": { "text": "y" } })));
    }
    let plan = scene.plan(&objects).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    assert_eq!(kept(), objects.len());
}
