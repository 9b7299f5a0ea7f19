//! Pull requests that are opened by us: found before they are made, brought up to date, ended; and nothing of
//! anybody else's is touched.

use super::scene::Scene;
use crate::peers::github::{self, GitHub};
use crate::peers::wait::outside;
use reconciled::deliver::forge::{self, Draft, ForgeError, Proposals as _, Proposed, Standing};
use reconciled::model::{Digest, RepoPath, Revision, Secret};
use reconciled::net::{Client, HttpSettings, Limiters};
use reconciled::telemetry::Clock;

const BRANCH: &str = "reconciled/shop/0a1b2c3d4e5f";

/// Asks as the daemon does.
fn ask<T: Send>(scene: &Scene, ask: impl AsyncFnOnce(&forge::GitHub) -> T + Send) -> T {
    let api_url = scene.github.server.url().to_owned();
    outside(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let settings = forge::GitHubSettings {
                page: format!("https://github.test/{}", GitHub::REPOSITORY),
                api_url,
                access: forge::GitHubAccess::Token(Secret::new(github::TOKEN)),
                repository: GitHub::REPOSITORY.to_owned(),
            };
            let client = Client::new(&HttpSettings::default()).unwrap();
            let with = (&client, &Limiters::default(), &Clock::system());
            ask(&forge::GitHub::new(settings, with).unwrap()).await
        })
    })
}

fn propose(scene: &Scene, draft: &Draft) -> Result<Proposed, ForgeError> {
    let proposed = ask(scene, async |github| github.propose(draft).await);
    proposed.map(|one| one.expect("there are credentials"))
}

fn draft(scene: &Scene, text: &str) -> Draft {
    Draft {
        branch: BRANCH.to_owned(),
        into: "main".to_owned(),
        onto: Revision::new(scene.world.git(&["rev-parse", "main"])),
        files: [
            (
                RepoPath::new("approvals/shop.yaml").unwrap(),
                Some(text.to_owned()),
            ),
            (RepoPath::new("old.yaml").unwrap(), None),
        ]
        .into(),
        version: Digest::of(text),
        title: "Approve `shop`".to_owned(),
        body: format!("The plan: {text} 🟢"),
        labels: vec!["reconciled".to_owned()],
    }
}

fn scene() -> Scene {
    Scene::new(&[("a.yaml", "a: 1\n"), ("old.yaml", "old: 1\n")])
}

fn shown(scene: &Scene, path: &str) -> String {
    scene.world.git(&["show", &format!("{BRANCH}:{path}")])
}

/// How many requests were made since that could have changed anything.
fn writes(scene: &Scene) -> usize {
    let requests = scene.github.server.requests();
    let ours = requests
        .iter()
        .filter(|one| one.headers["user-agent"] != "peers");
    ours.filter(|one| one.method != "GET").count()
}

#[test]
fn one_is_opened_once_and_brought_up_to_date() {
    let scene = scene();
    let first = draft(&scene, "first\n");
    let opened = propose(&scene, &first).unwrap();
    assert_eq!((opened.number, &opened.standing), (1, &Standing::Open));
    let pull = scene.github.pulls().remove(0);
    assert_eq!(pull["title"], "Approve `shop`");
    assert_eq!(pull["body"], "The plan: first\n 🟢");
    assert_eq!(pull["labels"][0]["name"], "reconciled");
    assert_eq!(pull["html_url"], opened.url.as_str());
    assert_eq!(shown(&scene, "approvals/shop.yaml"), "first");
    let changed = scene.world.git(&["diff", "--name-status", "main", BRANCH]);
    assert_eq!(changed, "A\tapprovals/shop.yaml\nD\told.yaml");

    let before = writes(&scene);
    assert_eq!(propose(&scene, &first).unwrap(), opened);
    assert_eq!(writes(&scene), before, "it is as it should be");

    // Others merged meanwhile: the branch takes that in, and only ever moves forward.
    scene.world.commit(&[("a.yaml", "a: 2\n")]);
    let second = propose(&scene, &draft(&scene, "second\n")).unwrap();
    assert_eq!(second.number, 1);
    assert_eq!(second.body, "The plan: second\n 🟢");
    assert_eq!(shown(&scene, "approvals/shop.yaml"), "second");
    assert_eq!(shown(&scene, "a.yaml"), "a: 2");
    let head = opened.head.as_str();
    scene
        .world
        .git(&["merge-base", "--is-ancestor", head, BRANCH]);
    let open = ask(&scene, async |github| {
        github.open_proposals("reconciled/shop/").await
    });
    let numbers: Vec<u64> = open.unwrap().iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1]);
    scene.assert_accepted();
}

#[test]
fn what_somebody_else_committed_is_left_alone() {
    let scene = scene();
    propose(&scene, &draft(&scene, "first\n")).unwrap();
    let theirs = scene.commit_on(BRANCH, &[("a.yaml", "mine: 1\n")]);
    let moved = propose(&scene, &draft(&scene, "second\n")).unwrap_err();
    assert!(
        matches!(&moved, ForgeError::Moved { branch } if branch == BRANCH),
        "{moved}"
    );
    assert_eq!(scene.world.git(&["rev-parse", BRANCH]), theirs);
    // An amended commit keeps our last line, and is not ours for that.
    scene.world.git(&[
        "update-ref",
        &format!("refs/heads/{BRANCH}"),
        &format!("{theirs}~"),
    ]);
    scene.world.git(&["checkout", "--quiet", BRANCH]);
    std::fs::write(scene.world.repository().join("a.yaml"), "a: 7\n").unwrap();
    scene
        .world
        .git(&["commit", "--quiet", "--all", "--amend", "--no-edit"]);
    scene.world.git(&["checkout", "--quiet", "main"]);
    let amended = scene.world.git(&["rev-parse", BRANCH]);
    propose(&scene, &draft(&scene, "second\n")).unwrap_err();
    // Closed it is all the same, and the branch stays.
    let proposal = ask(&scene, async |github| github.proposal(BRANCH).await);
    let proposal = proposal.unwrap().unwrap();
    ask(&scene, async |github| {
        github.withdraw(&proposal, "It is void.").await
    })
    .unwrap();
    assert_eq!(scene.world.git(&["rev-parse", BRANCH]), amended);
    // A request that a person opened of such a branch is none of ours.
    scene.commit_on("reconciled/shop/mine", &[("a.yaml", "a: 3\n")]);
    scene
        .github
        .open_pull("mine", "reconciled/shop/mine", &amended, &amended);
    let open = ask(&scene, async |github| {
        github.open_proposals("reconciled/").await
    });
    assert_eq!(open.unwrap(), []);
    scene.assert_accepted();
}

#[test]
fn who_ended_one_is_told() {
    let scene = scene();
    let first = propose(&scene, &draft(&scene, "first\n")).unwrap();
    scene.merge(first.number, BRANCH);
    let merged = propose(&scene, &draft(&scene, "second\n")).unwrap();
    assert_eq!(merged.standing, Standing::Merged(Some("acme".to_owned())));
    assert_eq!(
        shown(&scene, "approvals/shop.yaml"),
        "first",
        "what ended stays"
    );

    let other = Draft {
        branch: "reconciled/shop/other".to_owned(),
        ..draft(&scene, "second\n")
    };
    let other = Draft {
        files: other.files.into_iter().take(1).collect(),
        ..other
    };
    let second = propose(&scene, &other).unwrap();
    scene.github.close(second.number);
    let closed = ask(&scene, async |github| github.proposal(&second.branch).await);
    let closed = closed.unwrap().unwrap();
    assert_eq!(closed.standing, Standing::Closed(Some("acme".to_owned())));
    for _ in 0..2 {
        ask(&scene, async |github| {
            github.withdraw(&closed, "Another took its place.").await
        })
        .unwrap();
        let said = scene.comments(second.number);
        assert_eq!(said.len(), 1);
        assert!(said[0].1.ends_with("Another took its place."), "{said:?}");
    }
    let branches = scene.world.git(&[
        "branch",
        "--list",
        "reconciled/*",
        "--format=%(refname:short)",
    ]);
    assert_eq!(branches, BRANCH, "the branch went with its request");
    assert_eq!(
        ask(&scene, async |github| github
            .proposal("reconciled/none")
            .await)
        .unwrap(),
        None
    );
    scene.assert_accepted();
}

#[test]
fn killed_between_any_two_requests_the_next_pass_goes_on() {
    let requests = [
        ("POST", "git/trees"),
        ("POST", "git/commits"),
        ("POST", "git/refs"),
        ("POST", "/pulls"),
        ("POST", "/labels"),
    ];
    let scene = scene();
    for (nth, (method, path)) in requests.iter().enumerate() {
        for late in [false, true] {
            let branch = format!("reconciled/shop/{nth}-{late}");
            let draft = Draft {
                branch: branch.clone(),
                ..draft(&scene, &branch)
            };
            if late {
                scene.github.server.lose_answer(method, path);
            } else {
                scene
                    .github
                    .server
                    .fail(method, path, 502, &serde_json::json!({}), 1);
            }
            propose(&scene, &draft).unwrap_err();
            let opened = propose(&scene, &draft).unwrap();
            let pulls = scene.github.pulls().into_iter();
            let of_it: Vec<_> = pulls
                .filter(|one| one["head"]["ref"] == branch.as_str())
                .collect();
            assert_eq!(of_it.len(), 1, "{path} {late}");
            assert_eq!(
                of_it[0]["labels"].as_array().unwrap().len(),
                1,
                "{path} {late}"
            );
            let commits = scene
                .world
                .git(&["rev-list", "--count", &format!("main..{branch}")]);
            assert_eq!(commits, "1", "{path} {late}");
            ask(&scene, async |github| {
                github.withdraw(&opened, "Over.").await
            })
            .unwrap();
        }
    }
    scene.assert_accepted();
}
