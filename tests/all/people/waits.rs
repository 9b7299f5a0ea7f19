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
    let mut daemon = scene.started();
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

#[test]
fn what_waited_before_a_merge_that_leaves_it_alone_is_no_wait_of_it() {
    let shop = |page: &str, robots: &str| {
        environment("shop", "", &files(&[("page", page), ("robots", robots)]))
    };
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n", "none\n"))]);
    scene.world.write_live("page", "by hand, long ago\n");
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    daemon.looked_again("shop");
    let all = [("shop.yaml", shop("hello\n", "all\n"))];
    let robots = scene.open("robots", None, &[(all[0].0, &all[0].1)]);
    let merge = scene.merge(robots, "robots");
    let (_, body) = scene.comment_with(&mut daemon, robots, "reconciled:result:");
    assert!(body.contains("### 🟢 Applied in shop: 1 done"), "{body}");
    let heading = "Not from this merge: waited before it already";
    assert!(body.contains(heading) && body.contains("adopt"), "{body}");
    let status = scene.status(&mut daemon, &merge, "reconciled/shop");
    assert_eq!(status["state"], "success", "{status}");
    // Looked at again, and by another start, that stays so.
    daemon.looked_again("shop");
    daemon.terminate();
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    let (_, same) = scene.comment_with(&mut daemon, robots, "reconciled:result:");
    assert_eq!(same, body);

    let page = scene.open("page", None, &[("shop.yaml", &shop("welcome\n", "all\n"))]);
    let merge = scene.merge(page, "page");
    let (_, body) = scene.comment_with(&mut daemon, page, "reconciled:result:");
    assert!(body.contains("### 🟡 Waits in shop: 1 held back"), "{body}");
    let status = scene.status(&mut daemon, &merge, "reconciled/shop");
    assert_eq!(status["state"], "pending", "{status}");
    scene.assert_accepted();
}
