//! A secret of one environment, and a pull request of another.

use super::scene::Scene;
use crate::daemon::{environment, file};

const CANARY: &str = "canary-of-the-machine";

/// An environment that keeps a secret of the machine at hand.
fn knowing(name: &str, resources: &str) -> String {
    let secrets = "  secrets: { key: { env: KEY } }\n";
    environment(name, secrets, &(file(name, name, "hello\n") + resources))
}

fn plain(name: &str, resources: &str) -> String {
    environment(name, "", &(file(name, name, "hello\n") + resources))
}

fn page(id: &str, content: &str) -> String {
    file(id, "page", content)
}

/// A world in which `one` has applied a page that is a secret, beside `other`.
fn scene() -> Scene {
    let one = knowing("one", &page("page", "of ${secrets.key}\n"));
    let scene = Scene::new(&[("one.yaml", &one), ("other.yaml", &plain("other", ""))]);
    scene.world.variable("KEY", CANARY);
    scene
}

#[test]
fn what_was_secret_under_one_environment_is_secret_under_any() {
    let scene = scene();
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.rest_after("one", &first);
    daemon.rest_after("other", &first);
    assert!(scene.world.live("page").unwrap().contains(CANARY));
    let kept = knowing("one", "");
    let moved = plain("other", &page("page", "open\n"));
    let guessed = plain("other", &page("page", &format!("of {CANARY}\n")));
    let renamed = plain("third", &page("page", "open\n"));
    let branches = [
        ("moved", vec![("one.yaml", &kept), ("other.yaml", &moved)]),
        ("renamed", vec![("one.yaml", &renamed)]),
        (
            "guessed",
            vec![("one.yaml", &kept), ("other.yaml", &guessed)],
        ),
    ];
    let mut numbers = Vec::new();
    for (branch, files) in branches {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(at, text)| (*at, text.as_str()))
            .collect();
        let number = scene.open(branch, None, &files);
        let (_, body) = scene.comment_with(&mut daemon, number, "Planned against");
        assert!(
            body.contains("(sensitive)") && body.contains("page"),
            "{body}"
        );
        assert!(!body.contains(CANARY), "{branch}: {body}");
        // A right guess shows as a wrong one does.
        assert!(body.contains("known after apply"), "{branch}: {body}");
        numbers.push(number);
    }

    let merge = scene.merge(numbers[0], "moved");
    daemon.run_of("other", &merge);
    daemon.until("the page is the other's", |_| {
        (scene.world.live("page")? == "open\n").then_some(())
    });
    daemon.until("its result is told", |_| {
        let results = scene.results(numbers[0]);
        results
            .iter()
            .any(|(name, _)| name == "other")
            .then_some(())
    });
    for (_, body) in scene.comments(numbers[0]) {
        assert!(!body.contains(CANARY), "{body}");
    }
    let ledger = std::fs::read(scene.world.ledger_file()).unwrap();
    let mut parts = ledger.windows(CANARY.len());
    assert!(!parts.any(|part| part == CANARY.as_bytes()));
    scene.assert_accepted();
}
