//! What a kind of resource is, as a row of data: no room needs a `match` over kinds.

use super::digest::DigestKey;
use super::id::KindName;
use super::observation::Identity;
use super::path::{FieldPath, PathPattern};
use super::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How items of a list are matched between two sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListRule {
    /// Position matters.
    Ordered,
    /// Order means nothing, items are compared as a multiset.
    Set,
    /// Items are maps, matched by these fields.
    Keyed(Vec<String>),
}

/// What a change of an immutable field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnImmutable {
    /// Delete and create again, as one step of the plan that everybody sees.
    Replace,
    /// Never by itself: the step waits and says so.
    Refuse,
}

/// What proves that a live object is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The mark that the object itself carries.
    Mark,
    /// The ledger's record of the id the live side made: the object has no place for a mark. Its
    /// provider answers `Live::owner` from `Asked::owned`, and writes only to that very id while its
    /// fields are as planned. With the ledger lost, such an object is adopted, never pruned.
    Record,
}

/// The first wave that begins only when all before it has ended: what lets policy in.
pub const LAST_WAVE: i32 = 20;

/// Chooses by the text of one field, e.g. a wave by a Kubernetes object's `kind`.
#[derive(Clone, Debug)]
pub struct Select<T> {
    /// The field looked at.
    pub field: PathPattern,
    /// What its texts mean.
    pub rows: BTreeMap<String, T>,
    /// What everything else means.
    pub otherwise: T,
}

impl<T: Clone> Select<T> {
    /// Means the same whatever the resource says.
    pub fn always(value: T) -> Self {
        Self {
            field: PathPattern::known(""),
            rows: BTreeMap::new(),
            otherwise: value,
        }
    }

    /// Returns what this resource's fields choose.
    pub fn of(&self, desired: &Value) -> T {
        let keys: Vec<&str> = self.field.parts().iter().map(String::as_str).collect();
        desired
            .at(&keys)
            .and_then(Value::as_str)
            .and_then(|text| self.rows.get(text))
            .unwrap_or(&self.otherwise)
            .clone()
    }
}

/// Where the environment's labels go on a resource. What the resource itself declares there wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labels {
    /// A map from label to value, e.g. `/metadata/labels`.
    Map(PathPattern),
    /// A list of texts, each `label:value`, e.g. `/tags`.
    Tags(PathPattern),
}

/// One field by which the contents of a container are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inside {
    /// The identity field of what is inside, e.g. `/metadata/namespace`.
    pub identity: PathPattern,
    /// The field of the container that says the same, e.g. `/metadata/name`.
    pub of: PathPattern,
}

/// One thing an expression can read of a resource: `${resources.<id>.<name>}`.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name, with dots where it is nested: `connection.uri`.
    pub name: String,
    /// True where the value is sealed.
    pub sensitive: bool,
    /// The fields whose change may change it; it stays known through every other update.
    /// Creation and replacement always make it unknown.
    pub follows: Vec<PathPattern>,
    /// One sentence for `explain`.
    pub summary: String,
}

/// A kind of resource, as the plan, the spec's checks and `explain` need to know it.
#[derive(Clone, Debug)]
pub struct Kind {
    /// `provider/name`.
    pub name: KindName,
    /// One sentence for `explain` and the schema.
    pub summary: String,
    /// The fields that say which live object is meant. Two resources with equal identity on equal
    /// connections are one object. Never a secret. Read through [`Kind::identity_of`].
    pub identity: Vec<PathPattern>,
    /// Those of them of which only what stands before the last slash counts: `apps/v1` and
    /// `apps/v2` are versions of one object's group `apps`, and `v1` is of the group without a name.
    pub versioned: Vec<PathPattern>,
    /// Fields that also belong to the identity of some: `data` of an MX record, of which one name has
    /// several. A secret stands there as its keyed digest, because identities are shown.
    pub identity_also: Select<Vec<PathPattern>>,
    /// What proves that a live object is ours.
    pub proof: Proof,
    /// Fields that cannot change once created.
    pub immutable: Vec<PathPattern>,
    /// What a change of one of them means.
    pub on_immutable: OnImmutable,
    /// Fields only the live side sets; never compared.
    pub read_only: Vec<PathPattern>,
    /// Fields the live side never answers; compared with what was applied last, by digest.
    pub write_only: Vec<PathPattern>,
    /// Fields whose live and desired values are sealed. Used through [`Kind::sealed`].
    pub secret: Select<Vec<PathPattern>>,
    /// Where the environment's `metadata.labels` go; `None` where the kind has no such place.
    pub labels: Option<Labels>,
    /// Fields never compared.
    pub ignored: Vec<PathPattern>,
    /// Lists that are not plainly ordered.
    pub lists: Vec<(PathPattern, ListRule)>,
    /// Where it stands among the steps of one connection: lower is applied first, deleted last. Below 0 is
    /// what others need, so the next begins when it is ready; from [`LAST_WAVE`] on, and where something is
    /// deleted, when all before is ready: what failed keeps it back; else when what comes before is written.
    pub wave: Select<i32>,
    /// True where deleting or replacing loses data: protected unless said otherwise.
    pub stateful: Select<bool>,
    /// The field that has it go by itself when it has done its work, where it is set: then it is not missed.
    pub passing: Select<Option<PathPattern>>,
    /// What goes with it when it is deleted, e.g. all that is in a namespace: an object of this
    /// provider each of whose identity fields named here is what the container's field beside it says.
    /// Empty where nothing is inside.
    pub contents: Select<Vec<Inside>>,
    /// What expressions can read.
    pub outputs: Vec<Output>,
    /// JSON Schema (2020-12) of `spec`; `None` where only the live side knows (custom resources).
    pub schema: Option<serde_json::Value>,
    /// JSON Schema of what a connection says beside `provider`, the same in every kind of a provider;
    /// `None` where nothing is known of it. `x-shown` marks settings that are no secrets, `x-secret` those that are.
    pub connection: Option<Arc<serde_json::Value>>,
    /// How long after apply it may take to become ready.
    pub deadline: Duration,
    /// The field of its identity that is the path of one file: nothing else can stand there, or below
    /// it. `None` where it is no file.
    pub file: Option<PathPattern>,
    /// Whether rules of a spec may tell that its objects work; the others say so themselves.
    pub is_ruled: bool,
    /// Where its provider keeps what an adoption overwrites, in words that follow "the original is
    /// kept"; `None` where it cannot be kept.
    pub originals: Option<&'static str>,
}

impl Kind {
    /// Returns a kind with nothing special about it: ordered lists, no immutable fields, five
    /// minutes to become ready.
    pub fn plain(name: &str, summary: &str) -> Self {
        Self {
            name: KindName::new(name),
            summary: summary.to_owned(),
            identity: Vec::new(),
            versioned: Vec::new(),
            identity_also: Select::always(Vec::new()),
            proof: Proof::Mark,
            immutable: Vec::new(),
            on_immutable: OnImmutable::Replace,
            read_only: Vec::new(),
            write_only: Vec::new(),
            secret: Select::always(Vec::new()),
            labels: None,
            ignored: Vec::new(),
            lists: Vec::new(),
            wave: Select::always(0),
            stateful: Select::always(false),
            passing: Select::always(None),
            contents: Select::always(Vec::new()),
            outputs: Vec::new(),
            schema: None,
            connection: None,
            deadline: Duration::from_secs(300),
            file: None,
            is_ruled: false,
            originals: None,
        }
    }

    /// Tells whether it goes by itself when it has done its work.
    pub fn is_passing(&self, desired: &Value) -> bool {
        let Some(field) = self.passing.of(desired) else {
            return false;
        };
        let keys: Vec<&str> = field.parts().iter().map(String::as_str).collect();
        !matches!(desired.at(&keys), None | Some(Value::Null))
    }

    /// Returns which live object this resource means: its identity fields by their pointers, a field
    /// that is left out as the empty text. `None` where one of them hangs on a hole or is a secret.
    pub fn identity_of(&self, desired: &Value) -> Option<Identity> {
        self.identity_with(desired, None)
    }

    /// Like [`Kind::identity_of`], with the key under which a secret of `identity_also` is digested.
    pub fn identity_with(&self, desired: &Value, key: Option<&DigestKey>) -> Option<Identity> {
        let one = |pattern: &PathPattern| {
            let keys: Vec<&str> = pattern.parts().iter().map(String::as_str).collect();
            let text = match desired.at(&keys) {
                Some(Value::Hole(_)) => return None,
                Some(Value::String(text)) => text.clone(),
                Some(Value::Secret(_)) if self.identity.contains(pattern) => return None,
                Some(Value::Secret(secret)) => key?.digest(secret).as_str().to_owned(),
                Some(scalar @ (Value::Bool(_) | Value::Number(_))) => {
                    scalar.masked_json().to_string()
                }
                Some(Value::Null | Value::List(_) | Value::Map(_)) | None => String::new(),
            };
            let text = match text.rsplit_once('/') {
                Some((group, _)) if self.versioned.contains(pattern) => group.to_owned(),
                None if self.versioned.contains(pattern) => String::new(),
                _ => text,
            };
            Some((pattern.to_string(), text))
        };
        let also = self.identity_also.of(desired);
        let fields = self.identity.iter().chain(&also);
        fields.map(one).collect::<Option<_>>().map(Identity)
    }

    /// Returns an identity field that holds a secret, or will. Identities are shown and recorded
    /// everywhere, so such a resource can be neither asked for nor planned.
    pub fn secret_identity(&self, desired: &Value) -> Option<&PathPattern> {
        let is_secret = |pattern: &&PathPattern| {
            let keys: Vec<&str> = pattern.parts().iter().map(String::as_str).collect();
            match desired.at(&keys) {
                Some(Value::Secret(_)) => true,
                Some(Value::Hole(hole)) => hole.sensitive,
                _ => false,
            }
        };
        self.identity.iter().find(is_secret)
    }

    /// Seals what this kind holds secret, in desired and live state alike.
    #[must_use]
    pub fn sealed(&self, value: Value) -> Value {
        let secret = self.secret.of(&value);
        secret
            .iter()
            .fold(value, |value, pattern| value.sealed_at(pattern.parts()))
    }

    /// Returns how the list at this place is matched.
    pub fn list_rule(&self, path: &FieldPath) -> Option<&ListRule> {
        self.lists
            .iter()
            .find(|(pattern, _)| pattern.is(path))
            .map(|(_, rule)| rule)
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::Digest;
    use super::super::kinds::Kinds;
    use super::super::secret::Secret;
    use super::*;
    use serde_json::json;

    fn object() -> Kind {
        Kind {
            identity: ["/apiVersion", "/metadata/name"]
                .map(PathPattern::known)
                .to_vec(),
            versioned: vec![PathPattern::known("/apiVersion")],
            secret: Select {
                field: PathPattern::known("/kind"),
                rows: [("Secret".to_owned(), vec![PathPattern::known("/data")])].into(),
                otherwise: vec![PathPattern::known("/users/*/password")],
            },
            ..Kind::plain("kubernetes/object", "one object")
        }
    }

    #[test]
    fn another_version_of_its_group_is_the_same_object() {
        let of = |version: &str| {
            let desired = json!({ "apiVersion": version, "metadata": { "name": "api" } });
            object().identity_of(&Value::from_json(desired)).unwrap()
        };
        assert_eq!(of("apps/v1"), of("apps/v1beta1"));
        assert_ne!(of("apps/v1"), of("batch/v1"));
        assert_eq!(of("v1").get("/apiVersion"), Some(""));
        assert_eq!(of("v1").get("/metadata/name"), Some("api"));
    }

    #[test]
    fn some_objects_need_a_further_field_to_be_told_apart() {
        let record = Kind {
            identity: vec![PathPattern::known("/name")],
            identity_also: Select {
                field: PathPattern::known("/type"),
                rows: [("MX".to_owned(), vec![PathPattern::known("/data")])].into(),
                otherwise: Vec::new(),
            },
            ..Kind::plain("digitalocean/domain-record", "one record")
        };
        let of = |kind: &str, data: &str| {
            let desired = json!({ "name": "@", "type": kind, "data": data });
            record.identity_of(&Value::from_json(desired)).unwrap()
        };
        assert_ne!(of("MX", "mx1.example.com."), of("MX", "mx2.example.com."));
        assert_eq!(of("A", "192.0.2.1"), of("A", "192.0.2.2"));
        let secret = |name: Value, data: &str| {
            let fields = [
                ("name", name),
                ("type", Value::from("MX")),
                ("data", Value::Secret(Secret::new(data))),
            ];
            let desired = Value::Map(fields.map(|(k, v)| (k.to_owned(), v)).into());
            let keyed = Kinds::default().keyed(&DigestKey::new([7; 32]));
            (
                keyed.identity(&record, &desired),
                record.identity_of(&desired),
            )
        };
        let (with_key, without) = secret(Value::from("@"), "canary");
        assert_ne!(with_key, secret(Value::from("@"), "other").0);
        assert_eq!(without, None);
        // No digest that could be guessed at.
        let told = with_key.unwrap().to_string();
        assert!(!told.contains(Digest::of("canary").as_str()), "{told}");
        let name = Value::Secret(Secret::new("canary"));
        assert_eq!(secret(name, "x").0, None);
    }

    #[test]
    fn what_is_sealed_hangs_on_what_the_object_is() {
        let sealed = |json| object().sealed(Value::from_json(json)).masked_json();
        assert_eq!(
            sealed(json!({ "kind": "Secret", "data": { "a": "canary" } })),
            json!({ "kind": "Secret", "data": { "a": "(sensitive)" } })
        );
        let plain = json!({ "kind": "ConfigMap", "data": { "a": "b" } });
        assert_eq!(sealed(plain.clone()), plain);
        assert_eq!(
            sealed(json!({ "users": [{ "name": "x", "password": "canary" }] })),
            json!({ "users": [{ "name": "x", "password": "(sensitive)" }] })
        );
    }
}
