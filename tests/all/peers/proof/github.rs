//! GitHub keeps what is written, knows who writes, and refuses what GitHub's own description does not allow.

use serde_json::json;

use crate::peers::github::{GitHub, TOKEN};

const HEAD: &str = "1111111111111111111111111111111111111111";
const BASE: &str = "2222222222222222222222222222222222222222";
const MERGE: &str = "3333333333333333333333333333333333333333";

#[test]
fn a_comment_is_written_found_and_edited_in_place() {
    let github = GitHub::start();
    let number = github.open_pull("Grow the database", "grow", HEAD, BASE);
    github.comment(number, "Looks good.");
    let comments = format!("/repos/{}/issues/{number}/comments", GitHub::REPOSITORY);
    let body = json!({"body": "The plan"});
    let (status, comment) = github
        .server
        .send("POST", &comments, Some(TOKEN), Some(&body));
    assert_eq!(status, 201, "{comment}");
    let path = format!(
        "/repos/{}/issues/comments/{}",
        GitHub::REPOSITORY,
        comment["id"]
    );
    let body = json!({"body": "The new plan"});
    let (status, _) = github.server.send("PATCH", &path, Some(TOKEN), Some(&body));
    assert_eq!(status, 200);
    let comments = github.comments(number);
    let seen: Vec<_> = comments
        .iter()
        .map(|one| {
            (
                one["user"]["login"].as_str().unwrap(),
                one["body"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [("acme", "Looks good."), (GitHub::LOGIN, "The new plan")]
    );
    github.server.assert_contract_kept();
}

#[test]
fn a_pull_request_stands_for_revisions_of_the_real_repository() {
    let github = GitHub::start();
    let ask = |path: &str| {
        let path = format!("/repos/{}/{path}", GitHub::REPOSITORY);
        github.server.send("GET", &path, Some(TOKEN), None).1
    };
    let number = github.open_pull("Grow the database", "grow", HEAD, BASE);
    github.push(number, BASE);
    assert_eq!(ask("pulls?state=open")[0]["head"]["sha"], BASE);
    github.push(number, HEAD);
    assert_eq!(ask("pulls?state=open")[0]["head"]["sha"], HEAD);
    github.merge(number, &[MERGE.to_owned()]);
    assert_eq!(ask("pulls?state=open"), json!([]));
    let merged = ask(&format!("commits/{MERGE}/pulls"));
    assert_eq!(merged[0]["number"], number);
    assert!(merged[0]["merged_at"].is_string());
    let other = github.open_pull("Shrink it", "shrink", HEAD, BASE);
    github.close(other);
    assert_eq!(ask("pulls?state=open"), json!([]));
    github.server.assert_contract_kept();
}

#[test]
fn a_status_is_kept_and_a_misspelt_one_refused() {
    let github = GitHub::start();
    let path = format!("/repos/{}/statuses/{HEAD}", GitHub::REPOSITORY);
    let post = |token: &str, body: &serde_json::Value| {
        github.server.send("POST", &path, Some(token), Some(body)).0
    };
    assert_eq!(
        post(TOKEN, &json!({"state": "success", "context": "plan"})),
        201
    );
    assert_eq!(post("ghp_nobody", &json!({"state": "success"})), 401);
    github.server.assert_contract_kept();
    assert_eq!(
        github.statuses(),
        [
            json!({"repository": GitHub::REPOSITORY, "sha": HEAD, "state": "success", "context": "plan"})
        ]
    );

    assert_eq!(
        post(TOKEN, &json!({"state": "succeeded", "contxt": "plan"})),
        418
    );
    let faults = github.server.faults();
    let about = [
        "body/state: must be equal to one of the allowed values",
        "body/contxt: unknown",
    ];
    assert!(
        about
            .iter()
            .all(|fault| faults.iter().any(|line| line.ends_with(fault))),
        "{faults:?}"
    );
    assert_eq!(github.statuses().len(), 1);
}

#[test]
fn a_failure_is_answered_as_often_as_asked() {
    let github = GitHub::start();
    github
        .server
        .fail("GET", "/user", 429, &json!({"retry-after": "1"}), 1);
    let ask = || github.server.send("GET", "/user", Some(TOKEN), None).0;
    assert_eq!([ask(), ask()], [429, 200]);
    let requests = github.server.requests();
    let last = requests.last().unwrap();
    assert_eq!(
        (last.method.as_str(), last.query.as_str(), last.status),
        ("GET", "", Some(200))
    );
    assert_eq!(last.headers["user-agent"], "peers");
}
