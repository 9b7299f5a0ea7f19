//! The environment's JSON Schema in `schemas/` is what the binary's kinds make of it.

use reconciled::model::Kinds;
use reconciled::provider::all_rows;
use std::path::Path;

#[test]
fn the_environment_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/environment.schema.json");
    let schema = reconciled::spec::schema(&Kinds::new(all_rows()));
    let current = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == current,
        "{} is not current: run this test with UPDATE_SCHEMAS=1, or cargo run -- schema",
        path.display()
    );
}
