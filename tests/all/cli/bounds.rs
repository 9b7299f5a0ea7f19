//! What is too large or too long is refused with its place, and with what to do.

use super::Place;

fn shop(path: &str) -> String {
    format!(
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: {{ name: shop }}\nspec:\n  connections: {{ here: {{ provider: host, root: @ }} }}\n  resources:\n    page: {{ kind: host/file, spec: {{ path: {path}, content: hello }} }}\n"
    )
}

#[test]
fn a_path_that_nothing_could_open_is_refused_before_it_is_made() {
    let place = Place::new();
    let (name, deep) = (format!("/{}", "a".repeat(256)), "/a".repeat(2048));
    for (path, why) in [
        (name, "more than 255 bytes"),
        (deep, "more than 4,095 bytes"),
    ] {
        place.write("shop.yaml", &shop(&path));
        for command in ["validate", "plan"] {
            let said = place.run(&[command, "shop.yaml"]);
            assert_eq!(said.code, Some(1), "{said:?}");
            assert!(said.stderr.contains("shop.yaml:7:"), "{said:?}");
            assert!(said.stderr.contains(why), "{said:?}");
        }
    }
    place.write("shop.yaml", &shop(&format!("/{}", "a".repeat(255))));
    assert_eq!(place.run(&["validate", "shop.yaml"]).code, Some(0));
}

#[test]
fn a_plan_of_a_file_that_is_too_large_says_that_it_is() {
    let place = Place::new();
    let long = format!("{}# {}\n", shop("/page"), "x".repeat(2_000_000));
    place.write("shop.yaml", &long);
    for command in ["validate", "plan"] {
        let said = place.run(&[command, "shop.yaml"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("file-too-large"), "{said:?}");
    }
}
