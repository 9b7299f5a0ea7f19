//! Slack messages.

use super::result::{Ended, borrow, result};
use super::scene::{Scene, address};
use super::screen::everything;
use insta::assert_snapshot;
use proptest::prelude::*;
use reconciled::deliver::notify::Message;
use reconciled::deliver::render::{
    About, Difference, Episode, EpisodeEnd, episode_slack, run_slack,
};
use reconciled::model::{EnvironmentName, Revision};
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
    for block in blocks {
        let (text, longest) = match block["type"].as_str() {
            Some("header") => (&block["text"]["text"], 150),
            Some("section") => (&block["text"]["text"], 3_000),
            Some("context") => (&block["elements"][0]["text"], 3_000),
            other => return Err(format!("{other:?}")),
        };
        let length = text.as_str().ok_or("no text")?.chars().count();
        if length == 0 || length > longest {
            return Err(format!("{length} characters in {}", block["type"]));
        }
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

    ! `old`: 1 delete, more than the 0 that deletionBudget allows (0 at most, 20 % of the 5 owned): prod/old. Take out fewer at once, or let these pass with ˋreconcile: { deletionBudget: { count: 1, percent: 20 } }ˋ
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

proptest! {
    #[test]
    fn nothing_from_outside_is_a_mention_or_a_link(text in "\\PC{0,500}|[<>&@!*_`~|]{1,400}") {
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
