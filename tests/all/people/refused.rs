//! Slack refuses, or somebody else answers in its place: no message is lost, none is sent twice, and people
//! see that they are not told.

use super::scene::Scene;
use crate::daemon::{environment, files};
use serde_json::Value;

const KEPT: &str = "Messages cannot be delivered, keeping them until they can";
const REFUSED: &str = "Messages are refused, keeping them until they are not";

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page)]))
}

fn to(channel: &str, page: &str) -> String {
    let notify = format!("  notify: {{ slack: \"{channel}\" }}\n");
    environment("shop", &notify, &files(&[("page", page)]))
}

fn posts(scene: &Scene) -> usize {
    let requests = scene.slack.server.requests().into_iter();
    let taken = requests.filter(|one| one.path.ends_with("chat.postMessage"));
    taken.filter(|one| one.status == Some(200)).count()
}

#[test]
fn a_proxy_that_answers_for_slack_loses_no_message() {
    let page = "<html><body>Sign in to go on</body></html>";
    for (status, access) in [(403, "token"), (200, "token"), (200, "webhook")] {
        let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
        let (path, channel) = match access {
            "webhook" => ("/services/", "general"),
            _ => ("chat.postMessage", "infra"),
        };
        if access == "webhook" {
            scene.world.variable("HOOK", scene.slack.webhook_url());
            scene.world.settings(|settings| {
                settings["slack"] = serde_json::json!({ "webhook": { "env": "HOOK" } });
            });
        }
        scene.slack.server.intercept("POST", path, status, page, 2);
        let first = scene.world.git(&["rev-parse", "main"]);
        let mut daemon = scene.world.start();
        daemon.run_of("shop", &first);
        let kept = daemon.logged(KEPT, |_| true);
        assert_eq!(kept["code"], "slack-foreign", "{kept}");
        daemon.logged("Messages can be delivered again", |_| true);
        daemon.looked_again("shop");
        let said = scene.said(channel);
        assert_eq!(said.len(), 1, "{status} {access}: {said:#?}");
        assert_eq!(daemon.lines(KEPT).len(), 1);
    }
}

#[test]
fn a_channel_that_is_not_there_is_said_once_and_its_messages_go_where_the_settings_say() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene
        .world
        .settings(|settings| settings["slack"]["channel"] = "#nowhere".into());
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let refused = daemon.logged(REFUSED, |_| true);
    assert_eq!(refused["code"], "slack-refused", "{refused}");
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &second);
    daemon.looked_again("shop");
    assert_eq!(daemon.lines(REFUSED).len(), 1);

    let (status, ready) = daemon.page("/readyz");
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let why = ready["conditions"]["slack"].to_string();
    assert_eq!(status, 200, "{ready}");
    assert!(why.contains("channel_not_found"), "{ready}");
    let said = scene.world.command(&["status"]);
    assert!(said.stdout.contains("slack for "), "{said:?}");
    assert!(said.stdout.contains("channel_not_found"), "{said:?}");
    assert_eq!(said.code, Some(2), "{said:?}");

    scene
        .world
        .settings(|settings| settings["slack"]["channel"] = "#infra".into());
    daemon.until("both runs are told, in order", |_| {
        let said = scene.said("infra");
        let told = said.len() == 2 && said[0].contains(&first[..8]);
        (told && said[1].contains(&second[..8])).then_some(())
    });
    daemon.until("nothing is in the way any more", |_| {
        let said = scene.world.command(&["status"]);
        (said.code == Some(0)).then_some(())
    });
    assert!(daemon.page("/readyz").1.contains(r#""conditions":{}"#));
    scene.assert_accepted();
}

#[test]
fn one_channel_that_refuses_holds_up_no_other_and_git_can_put_it_right() {
    let other = environment("other", "", &files(&[("x", "x\n")]));
    let scene = Scene::new(&[("shop.yaml", &to("#nowhere", "hello\n"))]);
    let mut daemon = scene.world.start();
    daemon.logged(REFUSED, |line| line["way"] == "#nowhere");
    scene.world.commit(&[("other.yaml", &other)]);
    daemon.until("the other environment is told of", |_| {
        (scene.said("infra").len() == 1).then_some(())
    });
    let (_, ready) = daemon.page("/readyz");
    assert!(ready.contains("slack #nowhere"), "{ready}");

    scene
        .world
        .commit(&[("shop.yaml", &to("#random", "hello\n"))]);
    daemon.until("what was kept arrives", |_| {
        (scene.said("random").len() == 1).then_some(())
    });
    daemon.until("nothing is in the way any more", |_| {
        let said = scene.world.command(&["status"]);
        (said.code == Some(0)).then_some(())
    });
    assert_eq!(daemon.lines(REFUSED).len(), 1);
    assert_eq!(posts(&scene), 3, "one refused, two taken");
    scene.assert_accepted();
}
