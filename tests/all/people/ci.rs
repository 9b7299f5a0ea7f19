//! On a CI runner: the command prints the comment the daemon writes, and the GitHub Action puts it where people look.

use super::scene::Scene;
use crate::daemon::{environment, files};
use crate::deploy::action::{Action, Ran};
use crate::peers::github::{self, GitHub};

fn environments(page: &str) -> [(&'static str, String); 2] {
    let of = |name, page| environment(name, "", &files(&[(name, page)]));
    [
        ("shop.yaml", of("shop", page)),
        ("other.yaml", of("other", "as it is\n")),
    ]
}

fn scene() -> Scene {
    let [shop, other] = environments("hello\n");
    Scene::new(&[(shop.0, &shop.1), (other.0, &other.1)])
}

/// A comment without its first line, by which it is found, and its last, which says when it was made.
fn said(comment: &str) -> Vec<&str> {
    let lines: Vec<&str> = comment.trim_end().lines().collect();
    let (last, rest) = lines.split_last().unwrap();
    assert!(last.starts_with("<sub>"), "{comment}");
    rest[1..].to_vec()
}

#[test]
fn the_command_prints_the_comment_that_the_daemon_writes() {
    let scene = scene();
    let mut daemon = scene.started();
    let [(path, welcome), _] = environments("welcome\n");
    let number = scene.open("greet", None, &[(path, &welcome)]);
    let (_, comment) = scene.comment_with(&mut daemon, number, "welcome");
    scene.world.git(&["checkout", "--quiet", "greet"]);
    let repository = scene.world.repository();
    let repository = repository.to_str().unwrap();
    let plan = [
        "plan",
        "--against",
        "main",
        "--output",
        "markdown",
        repository,
    ];
    let printed = scene.world.unnamed(&plan);
    assert_eq!(printed.code, Some(2), "{printed:?}");
    assert_eq!(said(&printed.stdout), said(&comment));
    let head = scene.head(number);
    assert!(printed.stdout.contains(&head[..10]), "{printed:?}");
    assert!(comment.contains(&head[..10]), "{comment}");
}

/// Runs the action's steps on a pull request, as far as they are to run.
fn run(scene: &Scene, number: u64, more: &[(&str, &str)]) -> Ran {
    let api = scene.github.server.url().to_owned();
    let number = number.to_string();
    let mut given = vec![
        ("inputs.program", env!("CARGO_BIN_EXE_reconciled")),
        ("inputs.comment", "true"),
        ("inputs.author", GitHub::LOGIN),
        ("inputs.token", github::TOKEN),
        ("github.event.pull_request.number", &number),
    ];
    given.extend(more);
    Action::read().run(
        &scene.world.repository(),
        &given,
        &[
            ("GITHUB_API_URL", &api),
            ("GITHUB_REPOSITORY", GitHub::REPOSITORY),
            ("GITHUB_BASE_REF", "main"),
            ("HOME", scene.world.folder().to_str().unwrap()),
        ],
    )
}

#[test]
fn the_action_keeps_one_comment_and_the_summary() {
    let scene = scene();
    let git = |arguments: &[&str]| scene.world.git(arguments);
    let [(path, welcome), _] = environments("welcome\n");
    let number = scene.open("greet", None, &[(path, &welcome)]);
    // A stranger's comment with our first line stays theirs.
    scene
        .github
        .comment(number, "<!-- reconciled:plan -->\nmine");
    // As actions/checkout leaves it: a trial merge.
    git(&["checkout", "--quiet", "--detach", "main"]);
    git(&["merge", "--quiet", "--no-ff", "-m", "trial", "greet"]);
    let ran = run(&scene, number, &[]);
    assert_eq!(ran.failed, None, "{ran:?}");
    assert_eq!(ran.output("result"), "differs");
    assert!(ran.summary.contains("welcome"), "{ran:?}");
    assert!(ran.summary.contains(&scene.head(number)[..10]), "{ran:?}");
    let comments = scene.comments(number);
    assert_eq!(comments.len(), 1, "{comments:#?}");
    assert_eq!(comments[0].1.trim_end(), ran.summary.trim_end());

    // More is pushed, then all is taken back: the comment follows.
    let [(path, again), _] = environments("hello again\n");
    scene.push(number, "greet", &[(path, &again)]);
    git(&["checkout", "--quiet", "greet"]);
    let ran = run(&scene, number, &[("inputs.against", "main")]);
    assert_eq!(
        (ran.failed, ran.outputs["result"].as_str()),
        (None, "differs")
    );
    let [(path, hello), _] = environments("hello\n");
    scene.push(number, "greet", &[(path, &hello)]);
    git(&["checkout", "--quiet", "greet"]);
    let ran = run(&scene, number, &[("inputs.against", "main")]);
    assert_eq!(ran.outputs["result"], "same", "{ran:?}");
    let after = scene.comments(number);
    assert_eq!((after.len(), after[0].0), (1, comments[0].0), "{after:#?}");
    assert!(
        after[0].1.contains("touches no environment any more"),
        "{after:#?}"
    );
    assert_eq!(scene.github.comments(number).len(), 2);
    scene.github.server.assert_contract_kept();
}

#[test]
fn the_action_fails_where_there_is_no_plan_and_runs_nothing_it_is_given() {
    let scene = scene();
    let [(path, welcome), _] = environments("welcome\n");
    let number = scene.open(
        "typo",
        None,
        &[(path, &welcome.replace("resources:", "resorces:"))],
    );
    scene.world.git(&["checkout", "--quiet", "typo"]);
    let ran = run(&scene, number, &[("inputs.against", "main")]);
    assert_eq!(ran.failed.as_deref(), Some("Plan"), "{ran:?}");
    assert_eq!(ran.output("result"), "failed");
    assert!(ran.summary.contains("Did you mean"), "{ran:?}");
    // The comment says it all the same.
    assert!(scene.comments(number)[0].1.contains("Did you mean"));

    // A fork's is only checked; whoever wrote its branch decides nothing.
    let repository = scene.world.repository();
    for nasty in [
        "$(touch pwned)",
        "`touch pwned`",
        "\"; touch pwned; \"",
        "--output=json",
    ] {
        for input in ["inputs.path", "inputs.against", "inputs.program"] {
            let ran = run(&scene, number, &[(input, nasty)]);
            assert_eq!(ran.failed.as_deref(), Some("Plan"), "{ran:?}");
            // What was planned before is not called gone.
            let said = &scene.comments(number)[0].1;
            let red = said.contains("### 🔴 ") && !said.contains('🟢');
            assert!(red, "{input} {nasty}: {said}");
        }
    }
    let said = &scene.comments(number)[0].1;
    assert!(
        said.contains("No plan: the log of the job says why"),
        "{said}"
    );
    assert!(!repository.join("pwned").exists());
    let ran = run(
        &scene,
        number,
        &[(Action::FROM_FORK, "true"), (Action::COMMENTS, "false")],
    );
    assert_eq!(
        (ran.failed.as_deref(), ran.output("result")),
        (Some("Plan"), "failed")
    );
    assert!(ran.summary.contains("nothing live was read"), "{ran:?}");
    assert_eq!(scene.comments(number).len(), 1);
}
