//! One environment as a test describes it: what Git wants, what is live, what the ledger knows.

use reconciled::deliver::render::{Screen, plan_terminal};
use reconciled::model::{
    Address, Basis, Class, Connection, ConnectionName, DigestKey, EnvironmentName, FieldPath,
    Health, Hole, Identity, Inside, Kind, KindName, Kinds, Known as KnownSecrets, Lifecycle,
    ListRule, Live, Location, Mark, Marked, Observation, OnImmutable, Owned, Owner, PathPattern,
    Prediction, Reconcile, RepoPath, Revision, Secret, Select, Touch, Value, Wanted, Within,
};
use reconciled::plan::{self, Beside, Inputs, Plan};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A world of one environment, `prod`.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) wanted: Vec<Wanted>,
    pub(super) observed: BTreeMap<Address, Observation>,
    pub(super) owned: Vec<Owned>,
    pub(super) orphaned: Vec<Owned>,
    pub(super) elsewhere: BTreeSet<Address>,
    pub(super) beside: Vec<Beside>,
    pub(super) within: Within,
    pub(super) known: BTreeSet<Address>,
    pub(super) strays: BTreeMap<Address, Marked>,
    pub(super) reconcile: Reconcile,
    pub(super) connections: BTreeMap<ConnectionName, Arc<Connection>>,
    pub(super) now: jiff::Timestamp,
    pub(super) secrets: Arc<KnownSecrets>,
}

pub(super) fn key() -> DigestKey {
    DigestKey::new([7; 32])
}

pub(super) fn address(id: &str) -> Address {
    let text = if id.contains('/') {
        id.to_owned()
    } else {
        format!("prod/{id}")
    };
    text.parse().unwrap()
}

/// The kinds of this world: `test/plain`, `test/database`, `test/object`, `test/job`, and `test/thing`, of
/// which some hold others.
pub(super) fn kinds() -> Kinds {
    let pattern = PathPattern::known;
    let name = vec![pattern("/name")];
    let plain = Kind {
        identity: name.clone(),
        ..Kind::plain("test/plain", "plain")
    };
    let database = Kind {
        identity: name.clone(),
        immutable: vec![pattern("/engine"), pattern("/region")],
        read_only: vec![pattern("/status")],
        write_only: vec![pattern("/auth/password")],
        secret: Select::always(vec![pattern("/auth")]),
        stateful: Select::always(true),
        lists: vec![(pattern("/tags"), ListRule::Set)],
        ..Kind::plain("test/database", "a database")
    };
    let object = Kind {
        identity: name,
        immutable: vec![pattern("/selector")],
        on_immutable: OnImmutable::Refuse,
        ignored: vec![pattern("/metadata/generation")],
        lists: vec![
            (pattern("/containers"), ListRule::Keyed(vec!["name".into()])),
            (
                pattern("/containers/*/ports"),
                ListRule::Keyed(vec!["port".into(), "protocol".into()]),
            ),
            (
                pattern("/containers/*/env"),
                ListRule::Keyed(vec!["name".into()]),
            ),
        ],
        ..Kind::plain("test/object", "an object")
    };
    let inside = |identity, of| Inside {
        identity: pattern(identity),
        of: pattern(of),
    };
    let rows = [
        ("folder", vec![inside("/folder", "/name")]),
        (
            "definition",
            vec![inside("/group", "/of/group"), inside("/type", "/of/type")],
        ),
    ];
    let thing = Kind {
        identity: ["/group", "/type", "/folder", "/name"]
            .map(pattern)
            .to_vec(),
        immutable: vec![pattern("/of")],
        contents: Select {
            field: pattern("/type"),
            rows: rows.map(|(kind, fields)| (kind.to_owned(), fields)).into(),
            otherwise: Vec::new(),
        },
        ..Kind::plain("test/thing", "a thing in a folder, or the folder")
    };
    let job = Kind {
        identity: vec![pattern("/name")],
        passing: Select::always(Some(pattern("/ttl"))),
        ..Kind::plain("test/job", "a job that goes when it is done")
    };
    Kinds::new([plain, database, object, thing, job])
}

/// `{"$secret": "text"}` becomes a secret, `{"$hole": "id"}` a hole that reads `id`.
pub(super) fn value(json: Json) -> Value {
    match json {
        Json::Object(fields) if fields.contains_key("$secret") => {
            Value::Secret(Secret::new(fields["$secret"].as_str().unwrap()))
        }
        Json::Object(fields) if fields.contains_key("$hole") => {
            let id = fields["$hole"].as_str().unwrap();
            Value::from(Hole {
                template: format!("${{resources.{id}.uri}}"),
                needs: BTreeSet::from([id.to_owned()]),
                sensitive: fields.contains_key("sensitive"),
            })
        }
        Json::Object(fields) => {
            Value::Map(fields.into_iter().map(|(k, v)| (k, value(v))).collect())
        }
        Json::Array(items) => Value::List(items.into_iter().map(value).collect()),
        other => Value::from_json(other),
    }
}

pub(super) fn live(json: Json, owner: Option<Owner>) -> Live {
    Live {
        value: value(json).into(),
        outputs: reconciled::model::Map::new(),
        prediction: None,
        owner,
        mark: Mark("1".into()),
        external_id: None,
        health: Health::Ready,
        going_since: None,
        touched_by: Vec::new(),
        lists: Vec::new(),
        verdict: None,
        applied_by: None,
    }
}

pub(super) fn touch(path: Option<&str>, by: &str, at: &str) -> Touch {
    let keys = |path: &str| {
        path.split('.')
            .fold(FieldPath::default(), |path, key| path.key(key))
    };
    Touch {
        path: path.map(keys),
        by: by.into(),
        at: Some(at.parse().unwrap()),
    }
}

impl Scene {
    pub(super) fn new() -> Self {
        let connection = Connection {
            name: ConnectionName::new("main").unwrap(),
            provider: "test".into(),
            settings: Value::Null,
            location: None,
        };
        Self {
            wanted: Vec::new(),
            observed: BTreeMap::new(),
            owned: Vec::new(),
            orphaned: Vec::new(),
            elsewhere: BTreeSet::new(),
            beside: Vec::new(),
            within: Within::new(),
            known: BTreeSet::new(),
            strays: BTreeMap::new(),
            reconcile: Reconcile::default(),
            connections: BTreeMap::from([(connection.name.clone(), Arc::new(connection))]),
            now: "2026-11-21T07:50:00Z".parse().unwrap(),
            secrets: Arc::default(),
        }
    }

    /// These secrets are at hand.
    pub(super) fn keeps(mut self, secrets: &[&str]) -> Self {
        let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(*text)).collect();
        self.secrets = Arc::new(KnownSecrets::of(&secrets));
        self
    }

    /// Everything wanted so far is reached through a connection with these settings.
    pub(super) fn through(mut self, settings: Json) -> Self {
        let connection = Arc::new(Connection {
            settings: value(settings),
            ..Connection::clone(&self.connection())
        });
        for wanted in &mut self.wanted {
            wanted.connection = Arc::clone(&connection);
        }
        let name = connection.name.clone();
        self.connections.insert(name, connection);
        self
    }

    pub(super) fn connection(&self) -> Arc<Connection> {
        self.connections.values().next().unwrap().clone()
    }

    /// Git wants it; `name` is its identity, the id where it is left out.
    pub(super) fn wants(mut self, kind: &str, id: &str, mut desired: Json) -> Self {
        if desired.get("name").is_none() {
            desired["name"] = json!(id);
        }
        let kind = kinds().get(&KindName::new(kind)).unwrap().clone();
        let desired = value(desired);
        self.wanted.push(Wanted {
            basis: Basis::default(),
            veils: Vec::new(),
            address: address(id),
            identity: kind.identity_of(&desired),
            kind,
            connection: self.connection(),
            desired: desired.into(),
            after: BTreeSet::new(),
            is_read: true,
            lifecycle: Lifecycle::default(),
            location: Location {
                file: RepoPath::new("prod.yaml").unwrap(),
                line: 1,
                column: 1,
                length: 1,
            },
        });
        self
    }

    /// Changes what was wanted last.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Wanted)) -> Self {
        change(self.wanted.last_mut().unwrap());
        self
    }

    /// What was wanted last comes after these.
    pub(super) fn after(self, ids: &[&str]) -> Self {
        self.with(|wanted| wanted.after.extend(ids.iter().map(|id| address(id))))
    }

    pub(super) fn sees(mut self, id: &str, observation: Observation) -> Self {
        self.observed.insert(address(id), observation);
        self
    }

    pub(super) fn absent(self, id: &str) -> Self {
        self.sees(id, Observation::Absent { prediction: None })
    }

    pub(super) fn unknown(self, id: &str, reason: &str) -> Self {
        let unknown = Observation::Unknown {
            reason: reason.into(),
            code: "unreachable",
            class: Class::Transient,
        };
        self.sees(id, unknown)
    }

    /// It is there and carries its own mark.
    pub(super) fn ours(self, id: &str, mut json: Json) -> Self {
        if json.get("name").is_none() {
            json["name"] = json!(id);
        }
        let owner = Some(Owner::Resource(address(id)));
        self.sees(id, Observation::Present(Box::new(live(json, owner))))
    }

    pub(super) fn predicts(mut self, id: &str, prediction: Prediction) -> Self {
        match self.observed.get_mut(&address(id)) {
            Some(Observation::Present(live)) => live.prediction = Some(prediction),
            _ => {
                let absent = Observation::Absent {
                    prediction: Some(prediction),
                };
                self.observed.insert(address(id), absent);
            }
        }
        self
    }

    /// Changes what is live.
    pub(super) fn live(mut self, id: &str, change: impl FnOnce(&mut Live)) -> Self {
        match self.observed.get_mut(&address(id)) {
            Some(Observation::Present(live)) => change(live),
            _ => panic!("{id} is not there"),
        }
        self
    }

    /// The ledger owns it as it was applied.
    pub(super) fn applied(mut self, kind: &str, id: &str, mut json: Json) -> Self {
        if json.get("name").is_none() {
            json["name"] = json!(id);
        }
        let applied = value(json);
        let row = kinds().get(&KindName::new(kind)).unwrap().clone();
        self.known.insert(address(id));
        self.owned.push(Owned {
            address: address(id),
            kind: row.name.clone(),
            connection: self.connection().name.clone(),
            place: self.connection().leads_to(),
            through: None,
            identity: row.identity_of(&applied).unwrap(),
            external_id: None,
            applied: key().sealed_json(&row.sealed(applied)).into(),
            protected: false,
            done: false,
            unproven: false,
            leaving: false,
            verdict: None,
            after: std::collections::BTreeSet::new(),
        });
        self
    }

    /// Git, live and ledger agree on it.
    pub(super) fn settled(self, kind: &str, id: &str, json: Json) -> Self {
        self.wants(kind, id, json.clone())
            .ours(id, json.clone())
            .applied(kind, id, json)
    }

    /// It is owned, marked and no longer wanted.
    pub(super) fn leftover(self, kind: &str, id: &str, json: Json) -> Self {
        self.ours(id, json.clone()).applied(kind, id, json)
    }

    /// It carries its own mark, and neither Git nor the ledger knows it.
    pub(super) fn stray(mut self, kind: &str, id: &str) -> Self {
        let marked = Marked {
            kind: KindName::new(kind),
            connection: self.connection(),
            identity: Identity(vec![("/name".to_owned(), id.to_owned())]),
        };
        self.strays.insert(address(id), marked);
        self.ours(id, json!({}))
    }

    pub(super) fn plan(&self) -> Plan {
        let wanted = self.wanted.iter().map(|wanted| wanted.address.clone());
        plan::make(&Inputs {
            environment: &EnvironmentName::new("prod").unwrap(),
            revision: &Revision::new("3f2c1d4e5a6b7c8d9e0f"),
            wanted: &self.wanted,
            observed: &self.observed,
            owned: &self.owned,
            orphaned: &self.orphaned,
            declared: &wanted.chain(self.elsewhere.iter().cloned()).collect(),
            taken: &std::collections::BTreeMap::new(),
            spared: &std::collections::BTreeMap::new(),
            beside: &self.beside,
            within: &self.within,
            strays: &self.strays,
            known: &self.known,
            reconcile: &self.reconcile,
            kinds: &kinds(),
            connections: &self.connections,
            digest_key: &key(),
            secrets: &self.secrets,
            now: self.now,
        })
    }

    /// The plan on a screen, without its first and its last line: those are `screen`'s to test.
    pub(super) fn shown(&self) -> String {
        let text = plan_terminal(&self.plan(), Screen::default());
        let lines: Vec<&str> = text.lines().collect();
        lines[1..lines.len() - 1]
            .join("\n")
            .trim_matches('\n')
            .to_owned()
    }

    /// Action and reason of each step, a line each.
    pub(super) fn steps(&self) -> String {
        let plan = self.plan();
        let line = |step: &reconciled::model::Step| {
            let reason = step
                .reason
                .as_ref()
                .map_or_else(String::new, |reason| format!(": {reason}"));
            format!("{} {}{reason}", step.action.as_str(), step.address)
        };
        plan.steps.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
