//! What drifts again and again: people are told a few times, and then that it goes on.

use super::scene::Scene;
use crate::daemon::{environment, files};

fn shop(page: &str) -> String {
    let reconcile = "  reconcile: { interval: 1s, onDrift: report }\n";
    environment("shop", reconcile, &files(&[("page", page)]))
}

#[test]
fn what_flaps_is_told_a_few_times_and_then_once_for_all() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    for nth in 1..=7 {
        scene.world.write_live("page", &format!("by hand {nth}\n"));
        let drifts = |open: bool| {
            let all = scene.world.episodes().into_iter();
            let mut all = all
                .filter(|one| one.condition == "drift")
                .collect::<Vec<_>>();
            all.sort_by_key(|one| one.id.0);
            (all.len() == nth && all.last()?.ended_at.is_none() == open).then_some(())
        };
        daemon.until(format!("drift {nth} is found"), |_| drifts(true));
        scene.world.write_live("page", "hello\n");
        daemon.until(format!("drift {nth} is over"), |_| drifts(false));
    }
    // What comes after all of them.
    let commit = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &commit);
    let told = daemon.until("the run is told", |_| {
        let told = scene.said("infra");
        // The first made the page.
        let runs = told.iter().filter(|one| one.contains("1 changed"));
        (runs.count() == 2).then_some(told)
    });
    let flaps = told
        .iter()
        .filter(|one| one.contains("drifts again and again"));
    assert_eq!(flaps.count(), 1, "{told:#?}");
    let each = told
        .iter()
        .filter(|one| one.contains("as Git has it") || one.contains("changed outside"));
    assert_eq!(each.count(), 3, "{told:#?}");
    scene.assert_accepted();
}
