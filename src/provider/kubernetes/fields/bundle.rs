//! Certificates by which the server knows what it asks. Whoever serves it fills them in, with a controller
//! or with a Job that writes as people do: one that Git does not declare is theirs. Pure.

use super::place;
use crate::model::PathPattern;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

/// Where they stand, by group and kind.
const PLACES: [(&str, &str, &str); 4] = [
    (
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
        "/webhooks/*/clientConfig/caBundle",
    ),
    (
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
        "/webhooks/*/clientConfig/caBundle",
    ),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "/spec/conversion/webhook/clientConfig/caBundle",
    ),
    ("apiregistration.k8s.io", "APIService", "/spec/caBundle"),
];

/// Returns where such certificates stand in an object, if it is of a kind that has any.
pub(crate) fn pattern(object: &Json) -> Option<PathPattern> {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let mut places = PLACES.iter();
    let (.., place) = places.find(|(of, name, _)| (*of, *name) == (group, kind))?;
    Some(PathPattern::known(place))
}

/// Tells whether a field, as the server writes it, is such a certificate that is declared to be filled in:
/// empty, or without any certificate in it.
pub(crate) fn is_to_fill_in(object: &Json, field: &str) -> bool {
    let Some((known, at)) = pattern(object).zip(place::find(object, field)) else {
        return false;
    };
    let declared = place::get(object, &at).and_then(Json::as_str);
    known.is(&place::path(&at)) && !declared.is_some_and(is_certificate)
}

fn is_certificate(bundle: &str) -> bool {
    let text = STANDARD.decode(bundle).unwrap_or_default();
    String::from_utf8_lossy(&text).contains("-----BEGIN ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const REAL: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==";

    #[test]
    fn what_holds_no_certificate_is_to_be_filled_in() {
        let service = |bundle: &str| json!({ "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "spec": { "caBundle": bundle } });
        for placeholder in ["", "Cg==", "e30=", "???"] {
            let object = service(placeholder);
            assert!(is_to_fill_in(&object, ".spec.caBundle"), "{placeholder}");
        }
        assert!(!is_to_fill_in(&service(REAL), ".spec.caBundle"));
        assert!(!is_to_fill_in(&service(""), ".spec"));
        assert!(!is_to_fill_in(
            &json!({ "spec": { "caBundle": "" } }),
            ".spec.caBundle"
        ));
    }

    #[test]
    fn only_the_kinds_that_the_server_asks_by_have_one() {
        let of =
            |version: &str, kind: &str| pattern(&json!({ "apiVersion": version, "kind": kind }));
        for (group, kind, at) in PLACES {
            let version = format!("{group}/v1");
            assert_eq!(of(&version, kind), Some(PathPattern::known(at)), "{kind}");
        }
        // An issuer's is configuration, and a ConfigMap may call anything so.
        assert_eq!(of("cert-manager.io/v1", "Issuer"), None);
        assert_eq!(of("v1", "ConfigMap"), None);
    }
}
