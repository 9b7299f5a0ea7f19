//! A pull request over something that does not answer: it waits, and no other waits with it.

use super::scene::Scene;
use crate::daemon::{environment, files};
use crate::peers::digitalocean::TOKEN;
use crate::peers::silent::Silent;

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page)]))
}

/// A database in the cloud, of so many nodes.
fn lost(name: &str, nodes: u8) -> String {
    let more = "  secrets: { cloud: { env: CLOUD } }\n  reconcile: { interval: 1s }\n";
    let db = format!(
        "    db: {{ kind: digitalocean/database-cluster, connection: cloud, spec: {{ name: {name}, engine: pg, version: \"17\", size: db-s-1vcpu-1gb, region: nyc3, num_nodes: {nodes} }} }}\n"
    );
    environment(name, more, &db).replace(
        "connections:\n",
        "connections:\n    cloud: { provider: digitalocean, token: \"${secrets.cloud}\" }\n",
    )
}

#[test]
fn what_one_waits_for_delays_no_other_pull_request() {
    let (one, two) = (lost("lost-one", 1), lost("lost-two", 1));
    let scene = Scene::new(&[
        ("shop.yaml", &shop("hello\n")),
        ("one.yaml", &one),
        ("two.yaml", &two),
    ]);
    let cloud = Silent::start();
    scene.world.variable("CLOUD", TOKEN);
    scene.world.settings(|settings| {
        settings["providers"]["rest"]["baseUrls"]["digitalocean"] = cloud.url().into();
        // Whoever asks waits for as long as the test.
        settings["limits"]["requestTimeout"] = "10h".into();
    });
    let mut daemon = scene.started();
    daemon.until("what is merged waits for the cloud", |_| {
        (cloud.waiting() >= 2).then_some(())
    });
    let merged = cloud.waiting();
    let (one, two) = (lost("lost-one", 2), lost("lost-two", 2));
    let both = [("one.yaml", one.as_str()), ("two.yaml", two.as_str())];
    let waits = scene.open("lost", None, &both);
    daemon.until("both its environments wait for the cloud", |_| {
        (cloud.waiting() >= merged + 2).then_some(())
    });
    let other = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    scene.comment_with(&mut daemon, other, "welcome");
    // The base moves, and it is planned anew, too.
    let main = scene.world.commit(&[("README.md", "words\n")]);
    scene.push(other, "greet", &[("shop.yaml", &shop("goodbye\n"))]);
    scene.comment_with(&mut daemon, other, "goodbye");
    scene.status(&mut daemon, &scene.head(other), "reconciled/plan");
    assert_eq!(scene.comments(waits), [], "{main} is planned in vain");
    cloud.hang_up();
    scene.comment_with(&mut daemon, waits, "lost-two");
    scene.assert_accepted();
}
