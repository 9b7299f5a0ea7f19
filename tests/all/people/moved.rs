//! Live state that moves between a pull request's comment and its merge, and makes its plan another.

use super::approved::{live, shop};
use super::scene::Scene;
use crate::daemon::file;
use reconciled::ledger::Ledger;

#[test]
fn what_moved_and_is_no_more_dangerous_is_applied_and_said() {
    let page = |text: &str| file("page", "page", text);
    let applied = |resources: &str| shop("onMerge: apply", resources);
    let scene = Scene::new(&[("shop.yaml", &applied(&page("one\n")))]);
    let mut daemon = scene.world.start();
    live(&mut daemon, &scene, "one\n");
    // Somebody's file is in the way: as it is shown, only the page changes.
    scene.world.write_live("extra", "somebody's\n");
    let both = page("two\n") + &file("extra", "extra", "ours\n");
    let number = scene.open("both", None, &[("shop.yaml", &applied(&both))]);
    let (_, shown) = scene.comment_with(&mut daemon, number, "1 to update");
    assert!(
        shown.contains("1 waiting") && !shown.contains("to create"),
        "{shown}"
    );
    daemon.until("it is known what it showed", |_| {
        let name = format!("reviewed/shop/pull/{number}");
        let shown = async |ledger: &Ledger| ledger.delivery(&name).await.unwrap();
        scene.world.ledger(shown).flatten()
    });
    // They take it away, and at once it is merged.
    drop(daemon.terminate());
    std::fs::remove_file(scene.world.host().join("extra")).unwrap();
    scene.merge(number, "both");
    let mut daemon = scene.world.start();
    daemon.until("both are there", |_| scene.world.live("extra"));
    live(&mut daemon, &scene, "two\n");
    let said = "Its pull request showed 1 change. Live state moved since";
    let (_, body) = scene.comment_with(&mut daemon, number, said);
    assert!(body.contains("### 🟢 Applied in shop: 2 done"), "{body}");
    assert!(
        body.contains("now it creates shop/extra, which is no more dangerous"),
        "{body}"
    );
    daemon.until("Slack says so", |_| {
        let mut told = scene.said("infra").into_iter();
        told.find(|one| one.contains(said) && one.contains("creates shop/extra"))
    });
    scene.assert_accepted();
}
