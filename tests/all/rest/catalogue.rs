//! The catalogue's schema: it is the one in `schemas/`, every entry passes it, and a mistake does not.

use reconciled::provider::Catalogue;
use serde_json::{Value, json};
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_schema_in_the_repository_is_current() {
    let file = root().join("schemas/catalogue.schema.json");
    let current = format!(
        "{}\n",
        serde_json::to_string_pretty(&Catalogue::schema()).unwrap()
    );
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&file, &current).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == current,
        "run the tests once with UPDATE_SCHEMAS=1 and commit {}",
        file.display()
    );
}

#[test]
fn every_entry_passes_the_schema_and_a_mistake_does_not() {
    let schema = jsonschema::validator_for(&Catalogue::schema()).unwrap();
    let mut entries = 0;
    for entry in std::fs::read_dir(root().join("src/provider/rest/catalogue")).unwrap() {
        let path = entry.unwrap().path();
        let entry: Value = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        if let Err(error) = schema.validate(&entry) {
            panic!("{}: {error}", path.display());
        }
        for mistake in [
            ("updates", json!([])),
            ("identity", json!("name")),
            ("auth", json!({ "by": "magic" })),
        ] {
            let mut wrong = entry.clone();
            wrong[mistake.0] = mistake.1;
            assert!(
                !schema.is_valid(&wrong),
                "{} with {}",
                path.display(),
                mistake.0
            );
        }
        entries += 1;
    }
    // One API and its kinds.
    assert_eq!(entries, 1 + Catalogue::built_in().rows().len());
}

#[test]
fn the_rows_schemas_are_schemas_and_describe_every_field() {
    for row in Catalogue::built_in().rows() {
        let schema = row.schema.unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{}", row.name);
        for (name, field) in schema["properties"].as_object().unwrap() {
            assert!(
                field["description"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.') || text.contains(". ")),
                "{} {name}",
                row.name
            );
        }
    }
}
