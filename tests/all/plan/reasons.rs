//! Why something failed, which may be long: the last words of a container stand at its end.

use super::result::{Ended, borrow, result};
use super::screen::everything;
use reconciled::deliver::render::{About, Page, Screen, run_markdown, run_slack, run_terminal};
use reconciled::model::Outcome;

#[test]
fn the_end_of_a_long_reason_is_cut_nowhere() {
    let scene = everything();
    let Ended {
        plan,
        route,
        mut outcomes,
    } = result(&scene);
    for outcome in outcomes.values_mut() {
        if let Outcome::Failed { message, .. } = outcome {
            *message = format!("{}its last words", "said ".repeat(250));
        }
    }
    let ended = borrow(&scene, &plan, &route, &outcomes);
    let page = Page {
        marker: "<!-- reconciled:result -->",
        revision: &plan.revision,
        at: scene.now,
    };
    for shown in [
        run_terminal(&ended, Screen::default()),
        run_markdown(&[ended], &[], &page),
        run_slack(&ended, &About::default()).blocks.to_string(),
    ] {
        assert!(shown.contains("its last words"), "{shown}");
    }
}
