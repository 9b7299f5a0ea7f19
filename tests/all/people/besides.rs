//! What the comment on a pull request says besides its plan: what it takes another name, what was merged before, what
//! is let go of, and how it is kept.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, file, files};

const TWO: [(&str, &str); 2] = [("page", "hello\n"), ("robots", "none\n")];
const OBSERVING: &str = "  reconcile: { interval: 1s, onMerge: observe }\n";

/// A daemon that keeps both files as they are declared.
fn kept<'s>(scene: &'s Scene, commit: &str) -> Daemon<'s> {
    let mut daemon = scene.world.start();
    daemon.run_of("shop", commit);
    daemon
}

#[test]
fn an_environment_that_takes_another_name_is_told_as_that_and_keeps_what_it_has() {
    let scene = Scene::new(&[("shop.yaml", &environment("shop", "", &files(&TWO)))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = kept(&scene, &first);
    let store = environment("store", "", &files(&TWO[..1]));
    let number = scene.open("rename", None, &[("shop.yaml", &store)]);
    let (_, body) = scene.comment_with(&mut daemon, number, "### ");
    let said = "**shop** goes on as **store**: 1 resource of it moved there as they are, marked anew. None is deleted or made again. Declared nowhere then, not deleted, and kept by nobody: `shop/robots`.";
    for part in [
        "Plan: 1 environment renamed, 1 to adopt",
        said,
        "it was shop/page",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    for part in ["destroy: true", "efused", "waiting"] {
        assert!(!body.contains(part), "{part} in {body}");
    }
    let merge = scene.merge(number, "rename");
    daemon.run_of("store", &merge);
    daemon.until("it is as it was told", |_| {
        (scene.world.owned() == ["shop/robots", "store/page"]).then_some(())
    });
    assert_eq!(scene.world.live("robots").unwrap(), "none\n");
    scene.assert_accepted();
}

#[test]
fn an_environment_of_which_nothing_is_applied_takes_another_name_or_goes_and_leaves_nothing() {
    let shop = environment("shop", OBSERVING, &files(&TWO));
    let scene = Scene::new(&[("shop.yaml", &shop)]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = kept(&scene, &first);
    let store = environment("store", OBSERVING, &files(&TWO[..1]));
    let number = scene.open("rename", None, &[("shop.yaml", &store)]);
    let (_, body) = scene.comment_with(&mut daemon, number, "### ");
    for part in [
        "Plan: 1 environment renamed, 1 to create",
        "**shop** goes on as **store**. Nothing of it is applied so far.",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(!body.contains("declared nowhere"), "{body}");
    // To another file, with all that it declares.
    let store = environment("store", OBSERVING, &files(&TWO));
    let number = scene.open(
        "move",
        None,
        &[("store.yaml", &store), ("shop.yaml", "a: 1\n")],
    );
    let (_, body) = scene.comment_with(&mut daemon, number, "### ");
    assert!(body.contains("**shop** goes on as **store**."), "{body}");
    let number = scene.open("away", None, &[("shop.yaml", "a: 1\n")]);
    let (_, body) = scene.comment_with(&mut daemon, number, "### ");
    let said =
        "**shop** would be declared nowhere. Nothing of it is applied, so nothing stays behind.";
    assert!(body.contains(said), "{body}");
    scene.assert_accepted();
}

#[test]
fn what_was_merged_before_and_not_applied_is_not_told_as_the_pull_request_s() {
    let shop = |resources: &str| environment("shop", OBSERVING, resources);
    let scene = Scene::new(&[("shop.yaml", &shop(&files(&TWO)))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = kept(&scene, &first);
    // One that adds something, and leaves out what was never applied.
    let change = files(&TWO[..1]) + &file("more", "more", "x");
    let number = scene.open("more", None, &[("shop.yaml", &shop(&change))]);
    let (_, body) = scene.comment_with(&mut daemon, number, "### ");
    assert!(
        body.contains("### 🟡 Plan: 1 to create, 1 merged before in shop"),
        "{body}"
    );
    let (before, after) = body
        .split_once("merged before and not applied yet: 1 to create")
        .unwrap();
    assert!(before.contains("What it does: 1 to create"), "{body}");
    assert!(
        before.contains("create more") && !before.contains("create page"),
        "{body}"
    );
    assert!(after.contains("create page"), "{body}");
    let never = "**No longer declared, and never ours: left alone, be it there or not**\n\n- `shop/robots`\n";
    assert!(before.contains(never), "{body}");
    let head = scene.head(number);
    let status = scene.status(&mut daemon, &head, "reconciled/plan");
    assert_eq!(status["description"], "1 change planned in 1 environment");

    // What changes something that waits changes it.
    let change = files(&[("page", "welcome\n"), TWO[1]]);
    let number = scene.open("page", None, &[("shop.yaml", &shop(&change))]);
    let (_, body) = scene.comment_with(&mut daemon, number, "### ");
    let (before, after) = body
        .split_once("merged before and not applied yet: 1 to create")
        .unwrap();
    assert!(
        before.contains("create page") && after.contains("create robots"),
        "{body}"
    );
    scene.assert_accepted();
}

#[test]
fn how_an_environment_is_kept_is_part_of_what_changes() {
    let shop = |reconcile: &str| {
        let more = format!("  reconcile: {{ interval: 1s, {reconcile} }}\n");
        environment("shop", &more, &files(&TWO))
    };
    let scene = Scene::new(&[("shop.yaml", &shop("onDrift: report"))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = kept(&scene, &first);
    let change = shop("onDrift: correct, prune: false, protect: [Certificat]");
    let number = scene.open("keep", None, &[("shop.yaml", &change)]);
    let (_, body) = scene.comment_with(&mut daemon, number, "### ");
    assert!(
        body.contains("### 🟡 Plan: no changes, settings change in shop"),
        "{body}"
    );
    for part in [
        "**Changes how it is kept**",
        "- `reconcile.onDrift: report → correct`",
        "- `reconcile.prune: true → false`",
        "- `reconcile.protect: none → Certificat`",
        "**Worth a look**",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(!body.contains("interval"), "{body}");
    scene.assert_accepted();
}
