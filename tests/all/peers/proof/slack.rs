//! Slack keeps messages, edits and threads, and refuses unknown tokens; too many or malformed blocks are found.

use serde_json::{Value, json};

use crate::peers::slack::{Slack, TOKEN, refused};

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}})
}

#[test]
fn a_message_is_posted_edited_and_answered_in_its_thread() {
    let slack = Slack::start();
    let call = |method: &str, token: &str, body: &Value| {
        let api = slack.api_url();
        let path = format!("{}/{method}", &api[slack.server.url().len()..]);
        slack.server.send("POST", &path, Some(token), Some(body)).1
    };
    let message = json!({"channel": "#infra", "text": "Running", "blocks": [section("Running")]});
    let posted = call("chat.postMessage", TOKEN, &message);
    let (channel, root) = (&posted["channel"], &posted["ts"]);
    let reply = json!({"channel": channel, "thread_ts": root, "text": "Step 1"});
    assert_eq!(call("chat.postMessage", TOKEN, &reply)["ok"], true);
    let edit = json!({"channel": channel, "ts": root, "text": "Done", "blocks": [section("Done")]});
    assert_eq!(call("chat.update", TOKEN, &edit)["ok"], true);

    let messages = slack.messages("infra");
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0]["text"], "Done");
    assert_eq!(messages[0]["blocks"][0]["text"]["text"], "Done");
    let replies = slack.replies("infra", root.as_str().unwrap());
    assert_eq!(replies.len(), 1, "{replies:?}");
    slack.assert_messages_accepted();

    assert_eq!(
        call("chat.postMessage", "xoxb-nobody", &message)["error"],
        "invalid_auth"
    );
    let by_name = json!({"channel": "infra", "ts": root, "text": "Done"});
    assert_eq!(
        call("chat.update", TOKEN, &by_name)["error"],
        "channel_not_found"
    );
}

#[test]
fn an_incoming_webhook_posts() {
    let slack = Slack::start();
    let path = slack.webhook_url().replace(slack.server.url(), "");
    let (status, answer) =
        slack
            .server
            .send("POST", &path, None, Some(&json!({"text": "Drift found"})));
    assert_eq!((status, answer), (200, json!("ok")));
    assert_eq!(
        slack.messages("general").last().unwrap()["text"],
        "Drift found"
    );
}

#[test]
fn blocks_that_slack_would_refuse_are_found() {
    let fine = json!({"text": "fine", "blocks": [section("fine"), {"type": "divider"}]});
    assert_eq!(refused(&[fine]), Vec::<String>::new());
    let header = json!({"type": "header", "text": {"type": "plain_text", "text": "x".repeat(151)}});
    let wrong = [
        json!({"text": "long", "blocks": [section(&"x".repeat(3001))]}),
        json!({"text": "header", "blocks": [header]}),
        json!({"text": "many", "blocks": vec![section("x"); 51]}),
        json!({"text": "all", "blocks": vec![section(&"x".repeat(2_900)); 5]}),
        json!({"text": "parsed", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}]}),
        json!({"text": "unknown", "blocks": [{"type": "sectoin"}]}),
        json!({"text": "empty", "blocks": [section("")]}),
        json!({"blocks": [section("no text beside the blocks")]}),
    ];
    for message in wrong {
        let found = refused(std::slice::from_ref(&message));
        assert!(!found.is_empty(), "{message} passed");
    }
}
