//! Comments on pull requests.

use super::result::{Ended, borrow, result};
use super::scene::{Scene, address};
use super::screen::everything;
use insta::assert_snapshot;
use proptest::prelude::*;
use reconciled::deliver::render::{
    Broken, Merging, Page, plan_markdown, run_markdown, validation_markdown,
};
use reconciled::deliver::{Authority, route};
use reconciled::model::{
    Diagnostic, EnvironmentName, Location, Outcome, RepoPath, Revision, Severity,
};
use serde_json::json;

fn page<'a>(revision: &'a Revision) -> Page<'a> {
    Page {
        marker: "<!-- reconciled:plan -->",
        revision,
        at: "2026-11-21T07:50:00Z".parse().unwrap(),
    }
}

pub(super) fn comment(scene: &Scene) -> String {
    let plan = scene.plan();
    plan_markdown(
        std::slice::from_ref(&plan),
        &[],
        &Merging::default(),
        &page(&plan.revision),
    )
}

#[test]
fn the_plan_of_a_pull_request() {
    assert_snapshot!(comment(&everything()), @r#"
    <!-- reconciled:plan -->
    ### 🔴 Plan: 1 to create, 1 to update, 1 to replace, 1 to delete, 1 drifted, deletes held back, 1 could not be looked at in prod

    **Deletes held back:** 1 delete, more than the 0 that deletionBudget allows (0 at most, 20 % of the 5 owned)&#58; prod/old. Take out fewer at once, or let these pass with &#96;reconcile&#58; { deletionBudget&#58; { count&#58; 1, percent&#58; 20 } }&#96;

    **Deletes**

    - `-` `prod/old` – no longer declared

    **Replaces: deletes and makes again**

    - `-/+` `prod/db` – engine cannot change in place

    **Waiting**

    - `prod/far` – its live state is unknown&#58; no answer within 30s

    <details open><summary>What it does: 1 to create, 1 to update, 1 to replace, 1 to delete</summary>

    ```diff
    ! update api  (test/object)
    !     image = "api:1" -> "api:2"

    ! replace db  (test/database)
    #     engine cannot change in place
    !     engine = "mysql" -> "pg"  # cannot change in place

    + create new  (test/plain)
    +     labels:
    +       team: "web"
    +     name = "new"
    +     size = "s"

    - delete old  (test/plain)
    #     no longer declared
    ```

    </details>

    <details open><summary>Not from this pull request: 1 resource differs from Git already</summary>

    ```diff
    ! update web  (test/object)
    #     by kubectl-edit (kim) at 2026-11-21 07:00 UTC
    !     replicas = 9 -> 3
    ```

    </details>

    <sub>Planned against live state 2026-11-21 07:50 UTC for `3f2c1d4e5a`; plan `2dfc6fcaf4fe`.</sub>
    "#);
}

#[test]
fn a_plan_that_could_not_be_made_does_not_hide_the_others() {
    let plan = Scene::new().settled("test/plain", "same", json!({})).plan();
    let broken = Broken {
        environment: "staging",
        message: "read secrets: no variable TOKEN",
        hint: Some("Set it."),
    };
    assert_snapshot!(plan_markdown(std::slice::from_ref(&plan), &[broken], &Merging::default(), &page(&plan.revision)), @r"
    <!-- reconciled:plan -->
    ### 🔴 Plan: 1 plan could not be made, no changes in prod

    **staging**: failed to read secrets&#58; no variable TOKEN. Set it.

    #### prod – no changes

    <sub>Planned against live state 2026-11-21 07:50 UTC for `3f2c1d4e5a`.</sub>
    ");
}

#[test]
fn the_result_after_a_merge() {
    let scene = everything();
    let Ended {
        plan,
        route,
        outcomes,
    } = result(&scene);
    assert_snapshot!(run_markdown(&[borrow(&scene, &plan, &route, &outcomes)], &[], &page(&plan.revision)), @r#"
    <!-- reconciled:plan -->
    ### 🔴 Failed in prod: 1 done, 1 failed, 1 skipped, 2 held back, 1 drifted

    **Failed; it is tried again by itself**

    - `prod/api` apply to api&#58; &#60;image&#62; &#96;api&#58;2&#96; &#64;team is &#42;not&#42; there (invalid). Look at the image's name.

    **Skipped**

    - `prod/db` – prod/api did not succeed

    **Held back**

    - `prod/old` – 1 delete, more than the 0 that deletionBudget allows (0 at most, 20 % of the 5 owned)&#58; prod/old. Take out fewer at once, or let these pass with &#96;reconcile&#58; { deletionBudget&#58; { count&#58; 1, percent&#58; 20 } }&#96;

    **Not from this merge: changed by hand**

    - `prod/web` – onDrift&#58; report only tells

    **Waiting**

    - `prod/far` – its live state is unknown&#58; no answer within 30s

    <details open><summary>1 step</summary>

    ```diff
    + create new  (test/plain): created
    +     labels:
    +       team: "web"
    +     name = "new"
    +     size = "s"
    ```

    </details>

    <sub>Ended 2026-11-21 07:50 UTC for `3f2c1d4e5a`, after 1m 15s.</sub>
    "#);
}

#[test]
fn a_fork_gets_validation_only() {
    let mistake = Diagnostic {
        location: Location {
            file: RepoPath::new("prod.yaml").unwrap(),
            line: 3,
            column: 5,
            length: 1,
        },
        severity: Severity::Error,
        code: "unknown-key",
        message: "no key `x` is known here @all".into(),
        hint: Some("Did you mean `y`?".into()),
        source_line: "    x: 1".into(),
        related: None,
    };
    let revision = Revision::new("3f2c1d4e5a6b");
    let names = [EnvironmentName::new("prod").unwrap()];
    assert_snapshot!(validation_markdown(&names, &[mistake], true, &page(&revision)), @r"
    <!-- reconciled:plan -->
    ### 🔴 1 error in the specs

    Touches `prod`.

    It comes from a fork, so nothing live was read and there is no plan: a maintainer can bring the branch into this repository to see one.

    **To be put right**

    - `prod.yaml:3:5` no key &#96;x&#96; is known here &#64;all (unknown-key). Did you mean &#96;y&#96;?

    <sub>Checked 2026-11-21 07:50 UTC for `3f2c1d4e5a`.</sub>
    ");
    assert_snapshot!(validation_markdown(&names, &[], false, &page(&revision)), @r"
    <!-- reconciled:plan -->
    ### 🟢 The specs are valid

    Touches `prod`.

    <sub>Checked 2026-11-21 07:50 UTC for `3f2c1d4e5a`.</sub>
    ");
}

/// Fences and folds of a comment that are opened are closed, in order.
fn is_whole(comment: &str) -> bool {
    let mut fence: Option<&str> = None;
    let mut folds = 0;
    for line in comment.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if ticks.len() > 2 && line == format!("{ticks}diff") => fence = Some(ticks),
            None => {
                folds += line.matches("<details").count() as i32
                    - line.matches("</details>").count() as i32;
            }
        }
    }
    fence.is_none() && folds == 0
}

#[test]
fn a_huge_plan_stays_a_comment_and_names_its_deletes() {
    let mut scene = Scene::new();
    for nth in 0..300 {
        let text = format!("{nth} ```` {}\n", "x".repeat(200)).repeat(20);
        scene = scene
            .wants(
                "test/plain",
                &format!("new-{nth}"),
                json!({"content": text}),
            )
            .absent(&format!("new-{nth}"));
        scene = scene.leftover("test/plain", &format!("old-{nth}"), json!({}));
    }
    let comment = comment(&scene);
    assert!(
        comment.chars().count() <= 60_000,
        "{}",
        comment.chars().count()
    );
    assert!(is_whole(&comment));
    for nth in 0..300 {
        assert!(
            comment.contains(&address(&format!("old-{nth}")).to_string()),
            "{nth}"
        );
    }
    assert!(comment.contains("too long to be shown here") && comment.ends_with("</sub>\n"));
}

/// Backticks, mentions, markup and marks that turn a line around, 100 kB of each and in lines of all lengths.
fn hostile() -> String {
    let pieces = [
        "````",
        "```diff\n",
        "@everyone ",
        "</details><img src=x>",
        "\u{202e}\u{2066}",
        "\n",
        "<!-- reconciled:plan -->\n",
    ];
    let all = pieces
        .iter()
        .map(|piece| piece.repeat(100_000 / piece.len()));
    all.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_comment_on_one_change_fifty_or_five_thousand_is_whole_whatever_stands_in_values() {
    let hostile = hostile();
    for count in [1, 50, 5_000] {
        let mut scene = Scene::new();
        for nth in 0..count {
            let id = format!("new-{nth}");
            // A few that are huge among many that are not.
            let text = match nth % 1_000 {
                0 => hostile.as_str(),
                _ => "````\n@everyone </details>\n",
            };
            let wanted = json!({ "content": text, "list": [text, { "key": "x".repeat(100) }] });
            scene = scene.wants("test/plain", &id, wanted).absent(&id);
        }
        let plan = scene.plan();
        let plans = std::slice::from_ref(&plan);
        let route = route(&plan, &scene.reconcile, Authority::Person);
        let done = plan.steps.iter();
        let done = done.map(|step| (step.address.clone(), Outcome::DONE));
        let outcomes = done.collect();
        let page = page(&plan.revision);
        let result = borrow(&scene, &plan, &route, &outcomes);
        for (comment, verdict) in [
            (
                plan_markdown(plans, &[], &Merging::default(), &page),
                format!("{count} to create in prod"),
            ),
            (
                run_markdown(&[result], &[], &page),
                format!("Applied in prod: {count} done"),
            ),
        ] {
            let length = comment.chars().count();
            assert!(length <= 60_000, "{count}: {length}");
            assert!(is_whole(&comment), "{count}: {comment}");
            assert!(comment.ends_with("</sub>\n"), "{count}");
            let title = comment.lines().nth(1).unwrap();
            assert!(title.ends_with(&verdict), "{title}");
        }
    }
}

#[test]
fn no_delete_goes_without_being_named() {
    let mut scene = Scene::new();
    for nth in 0..1_500 {
        scene = scene.leftover("test/plain", &format!("old-{nth:0>4}"), json!({}));
        let id = format!("new-{nth}");
        scene = scene.wants("test/plain", &id, json!({})).absent(&id);
    }
    let comment = comment(&scene);
    assert!(comment.chars().count() <= 60_000 && is_whole(&comment));
    let name = |nth: usize| format!("`prod/old-{nth:0>4}`");
    assert!(
        (0..1_500).all(|nth| comment.contains(&name(nth))),
        "{comment}"
    );
    assert!(!comment.contains("too many to name here"), "{comment}");
    assert!(
        comment.contains("- no longer declared: `prod/old-0000`, "),
        "{comment}"
    );
    assert!(comment.contains("shows all.\n"), "{comment}");
}

proptest! {
    /// Whatever stands in values, keys and reasons: nothing of it is markup outside of a fence.
    #[test]
    fn nothing_from_outside_is_markup(text in "[`@<>#*_~|\\[\\]!&a-z\n -]{0,40}") {
        let scene = Scene::new()
            .wants("test/plain", "api", json!({"a": text, "b": {text.clone(): [text]}}))
            .absent("api")
            .wants("test/plain", "far", json!({}))
            .unknown("far", &text);
        let comment = comment(&scene);
        prop_assert!(is_whole(&comment), "{comment}");
        let mut inside: Option<String> = None;
        for line in comment.lines().skip(1) {
            let ticks = line.len() - line.trim_start_matches('`').len();
            match &inside {
                Some(fence) if line == fence => inside = None,
                Some(_) => {}
                None if ticks > 2 => inside = Some("`".repeat(ticks)),
                None => {
                    prop_assert!(!line.contains('@'), "{line}");
                    let ours = ["<details>", "<details open>", "<summary>", "</summary>", "</details>", "<sub>", "</sub>"];
                    let rest = ours.iter().fold(line.to_owned(), |line, tag| line.replace(tag, ""));
                    prop_assert!(!rest.contains('<'), "{line}");
                }
            }
        }
    }
}
