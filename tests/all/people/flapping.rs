//! What drifts again and again: people are told a few times, and then that it goes on.

use super::scene::Scene;
use crate::daemon::{environment, files};
use reconciled::ledger::Episode;

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

#[test]
fn a_crowd_that_flaps_is_told_a_few_times_and_then_once_for_all() {
    let names: Vec<String> = (0..20).map(|nth| format!("f{nth}")).collect();
    let all: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "x\n")).collect();
    let reconcile = "  reconcile: { interval: 1s, onDrift: report }\n";
    let shop = environment("shop", reconcile, &files(&all));
    let scene = Scene::new(&[("shop.yaml", &shop)]);
    let mut daemon = scene.started();
    for nth in 1..=6 {
        let write = |text: &str| {
            for name in &names {
                scene.world.write_live(name, text);
            }
        };
        // A look may come in between: a few are then told by themselves.
        let crowds = |open: bool| {
            let all = scene.world.episodes().into_iter();
            let (open_now, over) = all
                .filter(|one| one.condition.starts_with("drift"))
                .partition::<Vec<_>, _>(|one| one.ended_at.is_none());
            let is_crowd = |one: &&Episode| one.condition == "drift/many";
            let count = |those: &[Episode]| those.iter().filter(is_crowd).count();
            let fits = match open {
                true => count(&open_now) == 1 && count(&over) == nth - 1,
                false => open_now.is_empty() && count(&over) == nth,
            };
            fits.then_some(())
        };
        write(&format!("by hand {nth}\n"));
        daemon.until(format!("crowd {nth} is found"), |_| crowds(true));
        write("x\n");
        daemon.until(format!("crowd {nth} is over"), |_| crowds(false));
    }
    let told = daemon.until("the last crowd that is told is over", |_| {
        let told = scene.said("infra");
        let over = told.iter().filter(|one| one.contains("over now")).count();
        (over >= 3 && told.iter().any(|one| one.contains("again and again"))).then_some(told)
    });
    let with = |part: &str| told.iter().filter(|one| one.contains(part)).count();
    assert_eq!(with("resources changed outside of Git"), 3, "{told:#?}");
    assert_eq!(with("again and again"), 1, "{told:#?}");
    scene.assert_accepted();
}
