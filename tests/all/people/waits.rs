//! What a merge leaves waiting is told in chat with its reason: once, not with each pass.

use super::scene::Scene;
use crate::daemon::{environment, files};

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page), ("robots", "none\n")]))
}

#[test]
fn what_a_merge_leaves_waiting_is_told_once_and_again_when_another_merge_does() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene.world.write_live("page", "by hand, long ago\n");
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let told = |count: usize, title: &str, daemon: &mut crate::daemon::Daemon<'_>| {
        daemon.until(format!("{count} messages"), |_| {
            (scene.said("infra").len() >= count).then_some(())
        });
        let said = scene.said("infra").pop().unwrap();
        assert!(said.contains(title) && said.contains("adopt"), "{said}");
    };
    told(1, "shop: 1 changed, 1 held back", &mut daemon);
    for _ in 0..2 {
        daemon.looked_again("shop");
    }
    daemon.terminate();
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    assert_eq!(scene.said("infra").len(), 1, "{:#?}", scene.said("infra"));

    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &second);
    told(2, "🔶 shop: 1 held back", &mut daemon);
    daemon.looked_again("shop");
    assert_eq!(scene.said("infra").len(), 2, "{:#?}", scene.said("infra"));
    scene.slack.assert_messages_accepted();
}
