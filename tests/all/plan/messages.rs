//! Slack messages.

use super::result::{Ended, borrow, result};
use super::scene::{Scene, address};
use super::screen::everything;
use insta::assert_snapshot;
use proptest::prelude::*;
use reconciled::deliver::notify::Message;
use reconciled::deliver::render::{
    About, Back, Difference, Episode, EpisodeEnd, Links, episode_slack, mentioning, notice_slack,
    run_slack,
};
use reconciled::deliver::{About as Purpose, Asked};
use reconciled::model::{EnvironmentName, Mention, Revision};
use serde_json::{Value, json};

/// What Slack refuses. Source: the Block Kit reference.
fn within_limits(message: &Message) -> Result<(), String> {
    let blocks = message.blocks.as_array().ok_or("no list of blocks")?;
    if blocks.is_empty() || blocks.len() > 50 {
        return Err(format!("{} blocks", blocks.len()));
    }
    if message.text.is_empty() || message.text.chars().count() > 4_000 {
        return Err("text".into());
    }
    let mut all = 0;
    for block in blocks {
        let (object, longest) = match block["type"].as_str() {
            Some("header") => (&block["text"], 150),
            Some("section") => (&block["text"], 3_000),
            Some("context") => (&block["elements"][0], 3_000),
            other => return Err(format!("{other:?}")),
        };
        // Else Slack looks for links, channels and emoji by itself.
        let is_left_alone = match object["type"].as_str() {
            Some("mrkdwn") => object["verbatim"] == true,
            _ => object["emoji"] == false,
        };
        if !is_left_alone {
            return Err(format!("text that Slack parses: {object}"));
        }
        let length = object["text"].as_str().ok_or("no text")?.chars().count();
        all += length;
        if length == 0 || length > longest {
            return Err(format!("{length} characters in {}", block["type"]));
        }
    }
    // No reference says it: `msg_blocks_too_long` from some 12,000 on, slackapi/bolt-js #2509 and #2867.
    if all > 10_000 {
        return Err(format!("{all} characters in all blocks"));
    }
    Ok(())
}

/// The words of a message, a block a line.
fn words(message: &Message) -> String {
    let text = |block: &Value| {
        let text = block["text"]["text"]
            .as_str()
            .or(block["elements"][0]["text"].as_str());
        text.unwrap_or_default().to_owned()
    };
    message
        .blocks
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn run(scene: &Scene) -> Message {
    let Ended {
        plan,
        route,
        outcomes,
    } = result(scene);
    run_slack(&borrow(scene, &plan, &route, &outcomes), &About::default())
}

fn episode(differences: &[Difference], by: &[String], ended: Option<EpisodeEnd<'_>>) -> Message {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    episode_slack(&Episode {
        environment: &EnvironmentName::new("prod").unwrap(),
        revision: &Revision::new("3f2c1d4e5a6b"),
        links: &Links::default(),
        address: &address("web"),
        kind: "test/object",
        differences,
        by,
        found_at: at("2026-11-21T07:50:00Z"),
        course: "only reported (onDrift: report)",
        hint: None,
        asked: None,
        ended: ended.map(|end| (end, at("2026-11-21T08:00:00Z"))),
    })
}

#[test]
fn a_run_says_what_failed_first() {
    let message = run(&everything());
    within_limits(&message).unwrap();
    assert_snapshot!(words(&message), @r"
    ❌ prod: 1 failed, 1 changed

    ✗ `api`: apply to api: &lt;image&gt; ˋapi:2ˋ @team is ∗not∗ there
          Look at the image's name.

    `+` `new`: created

    – `db`: skipped: prod/api did not succeed

    ! `old`: 1 delete, more than the 0 that deletionBudget allows (0 at most, 20 % of the 5 owned): prod/old. Take out fewer at once, or let these pass with `reconcile: { deletionBudget: { count: 1, percent: 20 } }`
    ! `far`: its live state is unknown: no answer within 30s

    `prod` at `3f2c1d4e5a` · run 42 · new in Git · 2026-11-21 07:50 UTC
    ");
}

#[test]
fn what_holds_many_is_said_once() {
    let mut scene = Scene::new().settled("test/plain", "same", json!({}));
    for id in ["old", "older"] {
        scene = scene.leftover("test/plain", id, json!({}));
    }
    scene.reconcile.deletion_budget.count = 0;
    let said = words(&run(&scene));
    assert_eq!(said.matches("deletionBudget allows").count(), 1, "{said}");
    assert!(said.contains("! `old`, `older`: 2 deletes"), "{said}");
}

#[test]
fn a_drift_episode_opens_and_ends() {
    let step = everything().plan().step(&address("web")).unwrap().clone();
    let differences = Difference::of(&step);
    let open = episode(&differences, &["kubectl-edit (kim)".into()], None);
    within_limits(&open).unwrap();
    assert_snapshot!(words(&open), @r"
    🔶 prod: web was changed outside of Git

    • `replicas`: Git has `3`, live was `9`

    By kubectl-edit (kim).
    Only reported (onDrift: report).

    `prod/web` (test/object) · against `3f2c1d4e5a` · found 2026-11-21 07:50 UTC
    ");
    let ended = episode(&differences, &[], Some(EpisodeEnd::Corrected));
    assert_snapshot!(words(&ended), @r"
    ✅ prod: web is as Git has it again

    • `replicas`: Git has `3`, live was `9`

    The live side does not tell who did it.
    Ended 2026-11-21 08:00 UTC, after 10m: it is as Git has it again.

    `prod/web` (test/object) · against `3f2c1d4e5a` · found 2026-11-21 07:50 UTC
    ");
}

#[test]
fn a_text_of_lines_shows_those_that_differ() {
    let text = |line: &str| json!({ "content": format!("one\ntwo\n{line}\nfour\n") });
    let scene = Scene::new()
        .wants("test/plain", "page", text("<b>three</b>"))
        .ours("page", text("drei\nund `mehr`"))
        .applied("test/plain", "page", text("<b>three</b>"));
    let step = scene.plan().step(&address("page")).unwrap().clone();
    let message = episode(&Difference::of(&step), &[], None);
    within_limits(&message).unwrap();
    assert_snapshot!(words(&message), @r"
    🔶 prod: web was changed outside of Git

    • `content`, `-` as it was live, `+` as Git has it:
    ```
    - drei
    - und ˋmehrˋ
    + &lt;b&gt;three&lt;/b&gt;
    ```

    The live side does not tell who did it.
    Only reported (onDrift: report).

    `prod/web` (test/object) · against `3f2c1d4e5a` · found 2026-11-21 07:50 UTC
    ");
}

#[test]
fn a_run_of_thousands_is_one_message() {
    let mut scene = Scene::new();
    for nth in 0..2_000 {
        let id = format!("new-{nth}-{}", "x".repeat(40));
        scene = scene.wants("test/plain", &id, json!({})).absent(&id);
    }
    within_limits(&run(&scene)).unwrap();
}

#[test]
fn what_went_wrong_often_and_at_length_is_a_message_that_slack_takes() {
    let mut scene = Scene::new().settled("test/plain", "same", json!({}));
    for nth in 0..40 {
        let id = format!("far-{nth}");
        let why = format!("{nth} crashes: {}", "no & yes ".repeat(160));
        scene = scene
            .wants("test/plain", &id, json!({}))
            .unknown(&id, &why[..1_400]);
    }
    scene = scene.leftover("test/plain", "old", json!({}));
    scene.reconcile.deletion_budget.count = 0;
    let message = run(&scene);
    within_limits(&message).unwrap();
    let said = words(&message);
    assert!(
        said.contains("`far-1`: ") && said.contains("for which a message has no room"),
        "{said}"
    );
    let Ended {
        plan,
        mut route,
        outcomes,
    } = result(&scene);
    let url = "https://github.com/acme/infra/pull/7".to_owned();
    route.asked.push(Asked {
        about: Purpose::Approval,
        number: 7,
        url,
    });
    let of = Ended {
        plan,
        route,
        outcomes,
    };
    let message = run_slack(
        &borrow(&scene, &of.plan, &of.route, &of.outcomes),
        &About::default(),
    );
    let called: Vec<Mention> = (0..200)
        .map(|nth| Mention::new(&format!("U{nth:0>9}")).unwrap())
        .collect();
    let message = mentioning(message, &called);
    within_limits(&message).unwrap();
    let said = words(&message);
    // What is short stands whole beside what is long.
    assert!(
        said.contains("pull/7|pull request #7>") && said.contains("<@U000000007>"),
        "{said}"
    );
}

#[test]
fn slack_finds_nothing_of_its_own_in_what_somebody_wrote() {
    let why = "@here #general https://evil.example :fire: :+1: _now_ *all* by my_name";
    let back = Back {
        by: "kim_".to_owned(),
        why: why.to_owned(),
    };
    let about = About {
        back: Some(back),
        ..About::default()
    };
    let scene = Scene::new()
        .wants("test/plain", "far", json!({}))
        .unknown("far", why);
    let Ended {
        plan,
        route,
        outcomes,
    } = result(&scene);
    let message = run_slack(&borrow(&scene, &plan, &route, &outcomes), &about);
    // Links, channels and `@here` are Slack's finding, which `verbatim` forbids.
    within_limits(&message).unwrap();
    let shown = "@here #general https://evil.example ∶fire: ∶+1: ˍnowˍ ∗all∗ by my_name";
    let said = words(&message);
    assert!(said.contains("Rolled back by kimˍ: "), "{said}");
    assert_eq!(said.matches(shown).count(), 2, "{said}");
    let since = jiff::Timestamp::UNIX_EPOCH;
    let notice = notice_slack(why, &[why.to_owned()], since, None);
    within_limits(&notice).unwrap();
}

proptest! {
    #[test]
    fn nothing_from_outside_is_a_mention_or_a_link(text in "\\PC{0,500}|[<>&@!*_`~|:]{1,400}") {
        let (value, lines) = (json!(text.clone()), vec![text.clone(); 12]);
        let plain = Difference { path: text.clone(), declared: value.clone(), live: value, ..Difference::default() };
        let difference = if text.len() % 2 == 0 { plain } else { Difference { lines, ..plain } };
        let message = episode(&vec![difference; 30], &[text], None);
        prop_assert!(within_limits(&message).is_ok(), "{:?}", within_limits(&message));
        let sections = message.blocks.as_array().unwrap().iter().skip(1);
        for words in sections.map(|block| block["text"]["text"].as_str().unwrap_or_default()) {
            prop_assert!(!words.contains(['<', '>']), "{words}");
        }
        prop_assert!(!message.text.contains(['<', '>']));
    }
}
