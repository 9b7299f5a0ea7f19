//! Registries that charts may be fetched from. Nothing in a repository adds to them: a branch could
//! make the daemon reach any address, with any account.

use super::describe::{boolean, object, text};
use super::element::Reading;
use super::secret;
use crate::model::SecretSource;
use crate::yaml::{Fields, Node, Place};
use serde_json::{Value, json};
use std::path::PathBuf;

/// One registry, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartRegistry {
    /// `host`, `host:port`, or one of them with a path that charts have to be below.
    pub address: String,
    /// Who pulls, and where the password lives; `None` asks without.
    pub account: Option<(String, SecretSource)>,
    /// Whether it is asked over http: for one on this machine.
    pub plain_http: bool,
    /// PEM certificates trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl ChartRegistry {
    /// Returns the files whose change matters.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let password = self.account.as_ref();
        let password = password.and_then(|(_, source)| secret::path(source));
        password.into_iter().chain(self.ca_file.clone())
    }
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Vec<ChartRegistry> {
    let Some(node) = node else {
        return Vec::new();
    };
    let items = reading.reader.list(node, |_, item| Some(item));
    let one = |item: &Node| {
        reading.element(Some(item), |reading, fields| {
            registry(reading, fields, &item.place)
        })
    };
    items.into_iter().filter_map(one).collect()
}

fn registry(
    reading: &mut Reading,
    fields: &mut Fields<'_>,
    place: &Place,
) -> Option<ChartRegistry> {
    let node = fields.require(&mut reading.reader, "address");
    let address = reading.text(node);
    let (username, password) = (fields.get("username"), fields.get("password"));
    let one_is_missing = username.is_some() != password.is_some();
    let account = reading.text(username).zip(secret::read(reading, password));
    let plain_http = fields.get("plainHttp");
    let plain_http = plain_http.and_then(|node| reading.reader.boolean(node));
    let ca_file = reading.path(fields.get("caFile"));
    if one_is_missing {
        let message = "`username` and `password` stand together, or not at all";
        reading.reader.report(place.error("missing-key", message));
    }
    let address = address?.to_lowercase();
    let address = address.trim_end_matches('/');
    let wrong = address.contains("://") || address.contains(['@', '?', '#']);
    if let (Some(node), true) = (node, wrong) {
        // It may hold credentials.
        reading.in_the_clear.push(address.to_owned());
        let error = node.place.error("bad-address", "it is no registry");
        let hint =
            "Write its host, and a path where only a part of it is meant: ghcr.io/our-charts.";
        reading.reader.report(error.with_hint(hint));
        return None;
    }
    Some(ChartRegistry {
        address: address.to_owned(),
        account,
        plain_http: plain_http.unwrap_or(false),
        ca_file,
    })
}

pub(super) fn schema() -> Value {
    let registry = object(
        "One registry, or a part of one",
        &["address"],
        vec![
            (
                "address",
                text(
                    "Its host, with a port or a path where charts have to be below one",
                    "ghcr.io/our-charts",
                ),
            ),
            (
                "username",
                text("Who pulls; left out, nobody by name", "robot"),
            ),
            (
                "password",
                secret::schema("The password or token that goes with the username"),
            ),
            (
                "plainHttp",
                boolean(
                    "Whether it is asked over http: for one on this machine",
                    false,
                ),
            ),
            (
                "caFile",
                text(
                    "PEM certificates to trust besides the system's",
                    "/etc/reconciled/registry.pem",
                ),
            ),
        ],
    );
    json!({
        "type": "array",
        "description": "Registries that charts (oci://…) may be fetched from. Never read from a repository: whoever may push a branch could have the daemon reach any address",
        "items": registry,
        "examples": [[{ "address": "ghcr.io/our-charts" }]],
    })
}

#[cfg(test)]
mod tests {
    use crate::config::Settings;
    use std::collections::BTreeMap;
    use std::path::Path;

    fn load(registry: &str) -> Result<Settings, Vec<crate::model::Diagnostic>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("reconciled.yaml");
        let text = format!("providers: {{ kubernetes: {{ registries: [{registry}] }} }}\n");
        std::fs::write(&file, text).unwrap();
        Settings::load(Some(&file), &BTreeMap::new())
    }

    #[test]
    fn a_registry_has_an_address_and_perhaps_an_account() {
        let registry = "{ address: GHCR.io/us/, username: u, password: { file: /p }, caFile: /c }";
        let settings = load(registry).unwrap();
        let [registry] = &settings.providers.kubernetes.registries[..] else {
            panic!("{settings:?}")
        };
        assert_eq!(registry.address, "ghcr.io/us");
        assert!(!registry.plain_http);
        let watched = settings.paths_to_watch();
        let is_watched = |path: &str| watched.iter().any(|one| one == Path::new(path));
        assert!(is_watched("/c") && is_watched("/p"), "{watched:?}");
    }

    #[test]
    fn what_is_no_registry_is_refused_and_no_password_is_shown() {
        for (wrong, code) in [
            ("{ plainHttp: true }", "missing-key"),
            ("{ address: a, username: u }", "missing-key"),
            ("{ address: a, password: { env: P } }", "missing-key"),
            ("{ address: 'https://a' }", "bad-address"),
            ("{ address: 'u:canary@a' }", "bad-address"),
            (
                "{ address: a, username: u, password: canary }",
                "secret-in-settings",
            ),
        ] {
            let said = load(wrong).unwrap_err();
            assert!(said.iter().any(|one| one.code == code), "{wrong}: {said:?}");
            assert!(!format!("{said:?}").contains("canary"), "{said:?}");
        }
    }
}
