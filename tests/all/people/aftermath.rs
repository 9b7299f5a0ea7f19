//! What becomes of a rollout that a run failed is told where that run is.

use super::scene::Scene;
use super::unwell::shop;
use crate::peers::kubernetes::cluster;
use serde_json::json;

#[test]
fn a_rollout_that_fails_is_one_message_until_it_works() {
    let cluster = cluster();
    let namespace = cluster.namespace("one-story");
    let with = |image: &str| shop(&namespace, &[("unpulled", image), ("hungry", image)]);
    let bad = with("shop/api:missing").replace("30s", "5s");
    let scene = Scene::new(&[("shop.yaml", &bad)]);
    let kubeconfig = cluster.kubeconfig();
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig });
    });
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let root = daemon.until("people know", |_| {
        let mut said = scene.slack.messages("infra").into_iter();
        said.find(|one| one["text"].as_str().unwrap().contains("2 failed"))
    });
    // It stays so, also for the next start.
    daemon.looked_again("shop");
    daemon.kill();
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    assert_eq!(scene.said("infra").len(), 1, "{:#?}", scene.said("infra"));
    let root = root["ts"].as_str().unwrap();
    // It was told as it began, so that its failure is in its thread, too.
    let begun = scene.slack.replies("infra", root).len();
    assert!(begun <= 2, "{:#?}", scene.slack.replies("infra", root));

    let good = scene.world.commit(&[("shop.yaml", &with("shop/api:1"))]);
    daemon.run_of("shop", &good);
    daemon.until("what failed is over", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.starts_with("✅ shop: 2 failed, 1 changed, over now"))
    });
    daemon.until("the run that put it right is told", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.starts_with("✅ shop: 2 changed"))
    });
    assert_eq!(scene.said("infra").len(), 2, "{:#?}", scene.said("infra"));
    let replies = scene.slack.replies("infra", root);
    let texts: Vec<&str> = replies[begun..]
        .iter()
        .filter_map(|one| one["text"].as_str())
        .collect();
    let works = [
        "✅ shop/hungry: works again",
        "✅ shop/unpulled: works again",
    ];
    assert_eq!(texts, works, "{replies:#?}");
    scene.assert_accepted();
}
