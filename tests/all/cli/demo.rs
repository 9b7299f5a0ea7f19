//! `demo --exit`: the story is played, and each chapter shows what it is about.

use super::Place;

#[test]
fn the_demo_tells_its_story_and_ends() {
    let place = Place::new();
    let said = place.run(&["demo", "--exit"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let chapters = [
        (
            "A Git repository says what a host should look like",
            vec!["5 to create"],
        ),
        (
            "The daemon starts, and applies what was merged",
            vec!["✅ quickstart: 5 changed"],
        ),
        (
            "Somebody edits a file by hand",
            vec!["HACKED", "is as Git has it again"],
        ),
        (
            "A pull request shows what its merge would do",
            vec!["Plan: 1 to update", "Lovely to see you"],
        ),
        (
            "It is merged, and applied",
            vec!["Applied in quickstart: 1 done"],
        ),
        ("That was the main job", vec!["without --exit"]),
    ];
    let whole = format!("{}{}", said.stdout, said.stderr);
    let mut rest = whole.as_str();
    for (chapter, facts) in &chapters {
        let (_, after) = rest
            .split_once(&format!("■ {chapter}"))
            .unwrap_or_else(|| panic!("{chapter}: {whole}"));
        let text = after.split("■ ").next().unwrap();
        for fact in facts {
            assert!(text.contains(fact), "{fact:?} in {chapter:?}: {whole}");
        }
        rest = after;
    }
    assert!(!whole.contains("demo-session-key"), "{whole}");
}
