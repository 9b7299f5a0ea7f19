//! What sort a request is: those of one sort take a server about as long. Knows addresses of objects.

use super::Ask;

/// Names the verb and the kind, without the object, and whether it only asks: what is not stored takes less.
pub(super) fn sort(ask: &Ask<'_>) -> String {
    let (path, query) = ask.path.split_once('?').unwrap_or((ask.path, ""));
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let group = match parts.next() {
        // `/api/v1/…` and `/apis/GROUP/VERSION/…`
        Some("apis") => parts.next().unwrap_or_default(),
        _ => "",
    };
    let _version = parts.next();
    let kind = match (parts.next(), parts.nth(1)) {
        (Some("namespaces"), Some(kind)) => kind,
        (kind, _) => kind.unwrap_or_default(),
    };
    let dry = if query.contains("dryRun=") {
        " dry"
    } else {
        ""
    };
    format!("{}{dry} {kind}.{group}", ask.method)
}

#[cfg(test)]
mod tests {
    use super::super::get;
    use super::*;

    #[test]
    fn it_names_verb_and_kind_and_never_the_object() {
        for (path, expected) in [
            (
                "/api/v1/namespaces/shop/services/web?fieldManager=us",
                "GET services.",
            ),
            (
                "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All&force=true",
                "GET dry deployments.apps",
            ),
            ("/api/v1/namespaces/shop", "GET namespaces."),
            (
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/namespaces",
                "GET clusterroles.rbac.authorization.k8s.io",
            ),
            ("/version", "GET ."),
        ] {
            assert_eq!(sort(&get(path, "")), expected, "{path}");
        }
    }
}
