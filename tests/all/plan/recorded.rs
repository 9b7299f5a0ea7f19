//! What the record of a plan shows later: the same lines as the plan did then.

use super::scene::Scene;
use super::screen::everything;
use insta::assert_snapshot;
use reconciled::deliver::render::{Screen, plan_terminal, recorded_terminal};
use reconciled::ledger::RunIntent;
use serde_json::json;

fn recorded(scene: &Scene) -> String {
    let intent = RunIntent::of(&scene.plan(), ("cli", None), [], scene.now);
    // As it comes back from where it is kept.
    let kept = serde_json::from_str(&intent.plan_json).unwrap();
    recorded_terminal(&kept, Screen::default())
}

#[test]
fn long_texts_are_shown_by_the_lines_that_differ() {
    let text = |second: &str| {
        let lines: Vec<String> = (1..=20).map(|nth| format!("line {nth}\n")).collect();
        lines.concat().replace("line 12\n", second)
    };
    let scene = Scene::new()
        .wants(
            "test/plain",
            "page",
            json!({"content": text("new\nand newer\n"), "token": {"$secret": "canary"}, "host": {"$hole": "db"}}),
        )
        .ours("page", json!({"content": text("line 12\n"), "token": {"$secret": "other"}, "host": "old"}))
        .wants("test/plain", "new", json!({"content": "a\nb\n"}))
        .absent("new");
    assert_snapshot!(recorded(&scene), @r#"
       + new  create  (test/plain)
          + content:
              + |
              +   a
              +   b
          + name = "new"

       ! page  (test/plain)
          # it needs an output of db, of which nothing is known yet
          ~ content:
                line 9
                line 10
                line 11
              - line 12
              + new
              + and newer
                line 13
                line 14
                line 15
          ~ host  = "old" -> (known after apply)
          ~ token = (sensitive), changed

    0 resources as declared.
    "#);
}

#[test]
fn each_line_of_a_step_is_as_its_plan_had_it() {
    let (scene, mut seen) = (everything(), 0);
    let plan = plan_terminal(&scene.plan(), Screen::default());
    let shown = recorded(&scene);
    for line in shown.lines().filter(|line| line.starts_with(' ')) {
        assert!(
            plan.lines().any(|known| known == line),
            "{line:?} in {plan}"
        );
        seen += 1;
    }
    assert!(seen > 12, "{shown}");
    let outside: Vec<&str> = shown
        .lines()
        .filter(|line| !line.starts_with(' ') && !line.is_empty())
        .collect();
    assert!(
        outside
            .iter()
            .all(|line| line.contains("eld back: ") || line.ends_with(" as declared.")),
        "{shown}"
    );
}
