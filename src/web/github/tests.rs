//! Deliveries, as GitHub and as others send them.

use super::*;
use axum::http::HeaderValue;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const PUSH: &[u8] = br#"{"ref":"refs/heads/main","repository":{"full_name":"Acme/Infra"}}"#;

fn hooks() -> (Hooks, Hinted) {
    let hinted = Hinted::default();
    let named = [("acme/infra".to_owned(), hinted.clone())];
    (
        Hooks::new(Secret::new("It's a Secret to Everybody"), named),
        hinted,
    )
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = <Hmac<Sha256>>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let mut text = "sha256=".to_owned();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn headers(event: &str, id: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-github-event", event),
        ("x-github-delivery", id),
        ("x-hub-signature-256", signature),
    ] {
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn signed(hooks: &Hooks, event: &str, id: &str, body: &[u8]) -> (u16, &'static str) {
    let headers = headers(event, id, &signature("It's a Secret to Everybody", body));
    let (status, said) = hooks.take(&headers, body);
    (status.as_u16(), said)
}

async fn is_given(hint: &Hint) -> bool {
    let (to, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let carried = hint.clone().carry(Arc::clone(&to), stop.clone());
    let given = tokio::select! {
        () = carried => false,
        given = tokio::time::timeout(Duration::from_millis(10), to.notified()) => given.is_ok(),
    };
    stop.cancel();
    given
}

#[test]
fn the_signature_is_the_one_of_github_s_own_example() {
    // Source: "Testing the webhook payload validation" in GitHub's documentation.
    let documented = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let (hooks, _) = hooks();
    let read = read_signature(documented).unwrap();
    assert!(hooks.is_signed(&read, b"Hello, World!"));
    assert!(!hooks.is_signed(&read, b"Hello, World?"));
    let none = Hooks::new(Secret::new(""), []);
    let empty = read_signature(&signature("", b"x")).unwrap();
    assert!(
        !none.is_signed(&empty, b"x"),
        "an empty secret signs nothing"
    );
}

#[test]
fn signatures_that_are_none_are_none() {
    let long = format!("sha256={}", "a".repeat(66));
    let wide = format!("sha256={}", "é".repeat(32));
    let sha1 = format!("sha1={}", "a".repeat(64));
    let good = format!("sha256={}", "aF".repeat(32));
    for text in ["", "sha256=", "sha256=0", &long, &wide, &sha1] {
        assert_eq!(read_signature(text), None, "{text}");
    }
    assert_eq!(read_signature(&good), Some([0xaf; 32]));
}

#[tokio::test(start_paused = true)]
async fn an_event_hints_at_what_it_is_about_and_at_nothing_else() {
    let (hooks, hinted) = hooks();
    let (branch, pulls) = (&hinted.branch, &hinted.pulls);
    assert_eq!(signed(&hooks, "push", "1", PUSH), (202, "looking\n"));
    assert!(is_given(branch).await && is_given(pulls).await);
    let events = ["pull_request", "issue_comment", "check_run", "check_suite"];
    for event in events {
        let body = format!(r#"{{"action":"{event}","repository":{{"full_name":"acme/infra"}}}}"#);
        assert_eq!(signed(&hooks, event, event, body.as_bytes()).0, 202);
        assert!(is_given(pulls).await && !is_given(branch).await, "{event}");
    }
    let other = br#"{"repository":{"full_name":"acme/other"}}"#;
    let star = br#"{"repository":{"full_name":"acme/infra"}}"#;
    let events: [(&str, &str, &[u8]); 3] = [
        ("ping", "2", b"{}"),
        ("star", "3", star),
        ("push", "4", other),
    ];
    for (event, id, body) in events {
        assert_eq!(signed(&hooks, event, id, body).0, 202, "{event}");
    }
    assert!(!is_given(branch).await && !is_given(pulls).await);
}

#[tokio::test(start_paused = true)]
async fn a_form_is_what_a_webhook_sends_that_nobody_set_to_json() {
    let (hooks, hinted) = hooks();
    let form = |body: &[u8], signed: &[u8], id: &str| {
        let signature = signature("It's a Secret to Everybody", signed);
        let mut headers = headers("push", id, &signature);
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        headers.insert("content-type", HeaderValue::from_static(form));
        hooks.take(&headers, body)
    };
    let json = str::from_utf8(PUSH).unwrap();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", json)
        .finish();
    let body = body.as_bytes();
    // The signature is over the form, not over what is in it.
    assert_eq!(form(body, PUSH, "1").0, StatusCode::FORBIDDEN);
    assert_eq!(form(body, body, "2"), (StatusCode::ACCEPTED, "looking\n"));
    assert!(is_given(&hinted.branch).await && is_given(&hinted.pulls).await);
    assert_eq!(form(body, body, "3").1, "it was here before\n");
    let nonsense: [&[u8]; 5] = [
        b"",
        b"payload",
        b"payload=%7B",
        b"other=%7B%7D",
        b"\xff=\xfe",
    ];
    for (nth, body) in nonsense.into_iter().enumerate() {
        let (status, said) = form(body, body, &format!("n{nth}"));
        assert_eq!(status, StatusCode::BAD_REQUEST, "{nth}: {said}");
    }
    assert!(!is_given(&hinted.branch).await && !is_given(&hinted.pulls).await);
}

#[tokio::test(start_paused = true)]
async fn only_who_asks_for_checks_anew_gets_them_anew() {
    let (hooks, hinted) = hooks();
    let of = |event: &str, action: &str| {
        let body = format!(
            r#"{{"{event}":{{}},"action":"{action}","repository":{{"full_name":"acme/infra"}}}}"#
        );
        let id = format!("{event} {action}");
        assert_eq!(signed(&hooks, event, &id, body.as_bytes()).0, 202);
        hinted.checks.take()
    };
    assert!(of("check_run", "rerequested") && of("check_suite", "rerequested"));
    assert!(!of("check_run", "created") && !of("pull_request", "rerequested"));
}

#[tokio::test(start_paused = true)]
async fn what_was_here_or_is_not_signed_hints_at_nothing() {
    let (hooks, hinted) = hooks();
    assert_eq!(signed(&hooks, "push", "1", PUSH).0, 202);
    assert!(is_given(&hinted.branch).await && is_given(&hinted.pulls).await);
    let before = (200, "it was here before\n");
    assert_eq!(signed(&hooks, "push", "1", PUSH), before);
    // The id is not signed: with another it is the same all the same.
    assert_eq!(signed(&hooks, "push", "another", PUSH), before);

    let right = signature("It's a Secret to Everybody", b"{}");
    let upper = right.to_uppercase();
    let foreign = signature("wrong", PUSH);
    let wrong: [(&str, &[u8]); 5] = [
        (&foreign, PUSH),
        (&right, PUSH),
        (&upper, b"{}"),
        ("", PUSH),
        ("\u{fe}\u{ff}", PUSH),
    ];
    for (signature, body) in wrong {
        let (status, _) = hooks.take(&headers("push", "2", signature), body);
        assert_eq!(status, StatusCode::FORBIDDEN, "{signature}");
    }
    assert_eq!(hooks.take(&HeaderMap::new(), b"").0, StatusCode::FORBIDDEN);
    assert!(!is_given(&hinted.branch).await && !is_given(&hinted.pulls).await);
}

#[tokio::test(start_paused = true)]
async fn signed_nonsense_is_an_answer() {
    let (hooks, hinted) = hooks();
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 9] = [
        br#"{"action":7}"#,
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        br#"{"repository":7}"#,
        br#"{"repository":{"full_name":null}}"#,
        br#"{"repository":{}}"#,
        deep.as_bytes(),
    ];
    for (nth, body) in bodies.into_iter().enumerate() {
        let (status, said) = signed(&hooks, "push", &format!("n{nth}"), body);
        assert_eq!(status, 400, "{nth}: {said}");
    }
    assert_eq!(signed(&hooks, "push", "none", b"{}").0, 202);
    let long = "x".repeat(LONGEST_ID + 1);
    assert_eq!(signed(&hooks, "push", &long, PUSH).0, 400);
    assert_eq!(signed(&hooks, "push", "", PUSH).0, 400);
    assert!(!is_given(&hinted.branch).await && !is_given(&hinted.pulls).await);
}
