//! `kubernetes/manifests`: a folder or file of plain Kubernetes YAML. It is no kind of the live side:
//! the graph turns it into one `kubernetes/object` for each object.

use crate::model::{Kind, KindName};
use serde_json::json;

/// The kind's name.
pub const NAME: &str = "kubernetes/manifests";

/// The kind that its members are.
pub fn member_kind() -> KindName {
    KindName::new("kubernetes/object")
}

/// Returns the row of this kind, for `explain`, the schema and the spec's checks.
pub fn kind() -> Kind {
    Kind {
        schema: Some(json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["path"],
            "properties": {
                "path": {
                    "type": "string",
                    "description": "The folder or file, relative to this file. Every .yaml, .yml and .json file below it is read as it is: ${…} means nothing there.",
                },
                "namespace": {
                    "type": "string",
                    "description": "The namespace of objects that name none. Objects that belong to no namespace are left alone.",
                },
            },
        })),
        ..Kind::plain(
            NAME,
            "A folder of plain Kubernetes YAML, applied object by object.",
        )
    }
}
