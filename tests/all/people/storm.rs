//! Much that goes wrong at once is one message, and pushes nothing else out.

use super::scene::Scene;
use crate::daemon::{environment, files};

#[test]
fn what_was_changed_everywhere_at_once_is_one_message_from_its_beginning_to_its_end() {
    for on_drift in ["correct", "report"] {
        let names: Vec<String> = (0..60).map(|nth| format!("f{nth}")).collect();
        let all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x\n")).collect();
        let more = format!("  reconcile: {{ interval: 1s, onDrift: {on_drift} }}\n");
        let shop = environment("shop", &more, &files(&all));
        let scene = Scene::new(&[("shop.yaml", &shop)]);
        let first = scene.world.git(&["rev-parse", "main"]);
        let mut daemon = scene.world.start();
        daemon.run_of("shop", &first);
        daemon.until("the first run is told", |_| {
            (scene.said("infra").len() == 1).then_some(())
        });
        daemon.terminate();
        std::fs::remove_file(scene.world.host().join("f7")).unwrap();
        for name in names.iter().filter(|name| *name != "f7") {
            scene.world.write_live(name, "by hand\n");
        }
        let mut daemon = scene.world.start();
        if on_drift == "report" {
            let said = daemon.until("it is told", |_| {
                let mut said = scene.said("infra").into_iter();
                said.find(|one| one.starts_with("🔶 shop: 60 resources changed outside of Git"))
            });
            assert!(said.contains("f7: is gone from the live side"), "{said}");
            daemon.looked_again("shop");
            for name in &names {
                scene.world.write_live(name, "x\n");
            }
        }
        daemon.until("its end is told", |_| {
            let mut said = scene.said("infra").into_iter();
            said.find(|one| {
                one.starts_with("✅ shop: 60 resources changed outside of Git, over now")
            })
        });
        daemon.looked_again("shop");
        let said = scene.said("infra");
        assert_eq!(said.len(), 2, "{on_drift}: {said:#?}");
        scene.assert_accepted();
    }
}
