//! What people ask for in comments, and who is heard.

use super::scene::Scene;
use crate::daemon::{environment, files};
use crate::peers::github::GitHub;
use serde_json::json;

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page)]))
}

#[test]
fn who_may_write_is_answered_once_and_nobody_else_is() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    scene.comment_with(&mut daemon, number, "welcome");

    let theirs = scene.github.comment_of_outsider(number, "/reconciled help");
    daemon.logged(
        "Command ignored, its author may not write to the repository",
        |line| line["by"] == "outsider",
    );
    scene.github.comment(number, "/reconciled help");
    let (help, _) = scene.comment_with(&mut daemon, number, "`/reconciled plan`");
    let nodded = |count: usize| (scene.github.reactions().len() == count).then_some(());
    daemon.until("the help is nodded at", |_| nodded(1));

    // What nobody can ask for is no good news, and is answered with what can be.
    let slip = scene.github.comment(number, "/reconciled aply");
    let (answer, body) =
        scene.comment_with(&mut daemon, number, "`/reconciled aply` is no command");
    assert!(body.contains("`/reconciled plan`"), "{body}");
    daemon.until("it is shown that it was not understood", |_| nodded(2));
    let puzzled = |one: &serde_json::Value| one["content"] == "confused";
    let signs: Vec<_> = scene
        .github
        .reactions()
        .into_iter()
        .filter(puzzled)
        .collect();
    assert!(
        signs.len() == 1 && signs[0]["comment"] == json!(slip),
        "{signs:#?}"
    );

    // The same plan made anew says when it was made.
    let edits = || {
        let requests = scene.github.server.requests().into_iter();
        requests.filter(|one| one.method == "PATCH").count()
    };
    let before = edits();
    scene.github.comment(number, "/reconciled plan");
    daemon.until("the date is new", |_| (edits() > before).then_some(()));
    daemon.until("that is nodded at, too", |_| nodded(3));

    // Live state moved and nobody told: a plan that is asked for shows it.
    scene.world.write_live("page", "hacked\n");
    scene.github.comment(number, "\n/reconciled plan\n\nplease");
    daemon.until("the plan is nodded at", |_| nodded(4));
    let reactions = scene.github.reactions();
    let by_us =
        |one: &serde_json::Value| one["user"] == GitHub::LOGIN && one["comment"] != json!(theirs);
    assert!(reactions.iter().all(by_us), "{reactions:#?}");

    // Killed, started again, and even with its ledger lost it says nothing twice.
    daemon.kill();
    std::fs::remove_dir_all(scene.world.folder().join("state")).unwrap();
    let before = scene.github.server.requests().len();
    let mut daemon = scene.world.start();
    daemon.until("what was said is heard again", |_| {
        let requests = scene.github.server.requests();
        let nods = requests[before..]
            .iter()
            .filter(|one| one.path.ends_with("/reactions"));
        (nods.count() == 4).then_some(())
    });
    assert_eq!(scene.github.reactions().len(), 4);
    let ours = scene.comments(number);
    assert_eq!(ours.len(), 3, "the plan and two answers: {ours:#?}");
    for answered in [help, answer] {
        assert!(ours.iter().any(|(id, _)| *id == answered));
    }
    scene.assert_accepted();
}
