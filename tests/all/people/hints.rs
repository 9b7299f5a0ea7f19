//! Hints and silence: what makes us look now, and how little is asked while nothing happens.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, files};
use crate::peers::checked::Request;
use crate::peers::wait::outside;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;

const SECRET: &str = "a secret of webhooks";

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page)]))
}

/// Delivers an event as GitHub does. Returns the status.
fn deliver(daemon: &mut Daemon<'_>, event: &str, id: &str, body: &str, secret: &str) -> u16 {
    let served = daemon.logged("Pages are served", |_| true);
    let url = format!(
        "http://{}/webhooks/github",
        served["address"].as_str().unwrap()
    );
    let mut mac = <Hmac<sha2::Sha256>>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (event, id, body) = (event.to_owned(), id.to_owned(), body.to_owned());
    outside(move || {
        let request = reqwest::blocking::Client::new().post(url).body(body);
        let request = request.header("x-github-event", event);
        let request = request.header("x-github-delivery", id);
        let signature = format!("sha256={digits}");
        let answer = request.header("x-hub-signature-256", signature).send();
        answer.unwrap().status().as_u16()
    })
}

#[test]
fn a_webhook_makes_it_instant_and_only_a_signed_one() {
    let hourly = "  reconcile: { interval: 1h, onDrift: report }\n";
    let shop = |page: &str| environment("shop", hourly, &files(&[("page", page)]));
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene.world.variable("HOOK", SECRET);
    scene.world.settings(|settings| {
        settings["repositories"][0]["interval"] = "1h".into();
        settings["github"]["webhookSecret"] = json!({ "env": "HOOK" });
    });
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let payload =
        |nth: u32| json!({ "nth": nth, "repository": { "full_name": "acme/infra" } }).to_string();
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    assert_eq!(deliver(&mut daemon, "push", "a", &payload(1), "wrong"), 403);
    let long = "x".repeat(1024 * 1024 + 1);
    assert_eq!(deliver(&mut daemon, "push", "b", &long, SECRET), 413);
    let whole = "x".repeat(1024 * 1024);
    assert_eq!(deliver(&mut daemon, "push", "c", &whole, SECRET), 400);
    assert_eq!(deliver(&mut daemon, "push", "d", &payload(1), SECRET), 202);
    daemon.run_of("shop", &second);
    assert_eq!(deliver(&mut daemon, "push", "d", &payload(1), SECRET), 200);

    let number = scene.open("greet", None, &[("shop.yaml", &shop("goodbye\n"))]);
    assert_eq!(
        deliver(&mut daemon, "pull_request", "e", &payload(2), SECRET),
        202
    );
    scene.comment_with(&mut daemon, number, "goodbye");
    // Live state moves, and nobody looks for an hour.
    scene.world.write_live("page", "hacked\n");
    scene.github.comment(number, "/reconciled plan");
    assert_eq!(
        deliver(&mut daemon, "issue_comment", "f", &payload(3), SECRET),
        202
    );
    scene.comment_with(&mut daemon, number, "hacked");
    scene.assert_accepted();
}

#[test]
fn a_quiet_repository_costs_one_request_a_look_and_that_one_nothing() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    scene.comment_with(&mut daemon, number, "welcome");
    // An open pull request about which nothing is said any more. The default interval is a minute: 60 requests
    // an hour, of the hundred that a quiet repository may cost; 304 is not even counted by GitHub.
    let is_quiet = |one: &Request| {
        one.path.ends_with("/pulls")
            && one.status == Some(304)
            && one.headers.contains_key("if-none-match")
    };
    daemon.until("five looks in a row ask for the list only", |_| {
        let requests = scene.github.server.requests();
        let last = requests.len().checked_sub(5)?;
        requests[last..].iter().all(is_quiet).then_some(())
    });
    scene.assert_accepted();
}

#[test]
fn a_limit_is_obeyed_and_holds_up_no_run() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let headers = json!({
        "x-ratelimit-remaining": "0", "x-ratelimit-reset": (now + 1800).to_string(),
    });
    scene
        .github
        .server
        .fail("GET", "infra/pulls", 403, &headers, 1);
    daemon.logged("Pull requests cannot be listed", |line| {
        line["code"] == "forge-limited"
    });
    let before = scene.github.server.requests().len();
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &second);
    assert_eq!(scene.world.live("page").unwrap(), "welcome\n");
    daemon.looked_again("shop");
    assert_eq!(
        scene.github.server.requests().len(),
        before,
        "nothing is sent until then"
    );
}

#[test]
fn a_plan_follows_live_state_when_a_run_finds_that_it_moved() {
    let more = "  reconcile: { interval: 1s, onDrift: report }\n";
    let text = |page: &str| environment("shop", more, &files(&[("page", page), ("other", "o")]));
    let scene = Scene::new(&[("shop.yaml", &text("hello\n"))]);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let number = scene.open("greet", None, &[("shop.yaml", &text("welcome\n"))]);
    let (id, _) = scene.comment_with(&mut daemon, number, "welcome");
    scene.world.write_live("other", "hacked");
    let (same, _) = scene.comment_with(&mut daemon, number, "Not from this pull request");
    assert_eq!(same, id);
    scene.assert_accepted();
}
