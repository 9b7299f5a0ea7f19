//! The state of one DigitalOcean account, and what its API answers to one request. Field names, statuses and envelopes
//! are those of DigitalOcean's own OpenAPI; the tests put a checker that reads it in front.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What the API answers.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
}

/// A request as the account sees it.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a [String],
    pub(crate) query: &'a BTreeMap<String, String>,
    pub(crate) body: &'a Value,
}

/// One account: database clusters, domains with their records, tags.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) clusters: Vec<Value>,
    pub(crate) domains: BTreeMap<String, Vec<Value>>,
    pub(crate) tags: BTreeSet<String>,
    /// How often a cluster that is being made or changed is looked at before it is online.
    pub(crate) looks_until_online: u32,
    /// How often each cluster has been looked at since its last change.
    looks: BTreeMap<String, u32>,
    /// Every write that was carried out: `POST databases shop`.
    pub(crate) writes: Vec<String>,
    next: u32,
}

pub(super) fn answer(status: u16, body: Value) -> Answer {
    Answer {
        status,
        body: Some(body),
    }
}

pub(super) fn nothing(status: u16) -> Answer {
    Answer { status, body: None }
}

pub(crate) fn refusal(status: u16, id: &str, message: &str) -> Answer {
    answer(status, json!({ "id": id, "message": message }))
}

pub(super) fn not_found() -> Answer {
    refusal(
        404,
        "not_found",
        "The resource you requested could not be found.",
    )
}

impl Account {
    /// Answers one request.
    pub(crate) fn handle(&mut self, asked: &Asked<'_>) -> Answer {
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        match (asked.method, path.as_slice()) {
            ("GET", ["v2", "databases"]) => self.list_clusters(asked.query),
            ("POST", ["v2", "databases"]) => self.create_cluster(asked.body),
            ("GET", ["v2", "databases", id]) => self.get_cluster(id),
            ("DELETE", ["v2", "databases", id]) => self.delete_cluster(id),
            ("PUT", ["v2", "databases", id, "resize"]) => self.resize(id, asked.body),
            ("PUT", ["v2", "databases", id, "upgrade"]) => self.upgrade(id, asked.body),
            ("GET", ["v2", "domains", domain, "records"]) => self.list_records(domain, asked.query),
            ("POST", ["v2", "domains", domain, "records"]) => {
                self.create_record(domain, asked.body)
            }
            ("PUT", ["v2", "domains", domain, "records", id]) => {
                self.update_record(domain, id, asked.body)
            }
            ("DELETE", ["v2", "domains", domain, "records", id]) => self.delete_record(domain, id),
            ("POST", ["v2", "tags"]) => self.create_tag(asked.body),
            (method @ ("POST" | "DELETE"), ["v2", "tags", tag, "resources"]) => {
                self.tag(method == "POST", tag, asked.body)
            }
            _ => not_found(),
        }
    }

    /// Returns a cluster as somebody in the control panel would change it.
    pub(crate) fn cluster(&mut self, name: &str) -> Option<&mut Value> {
        self.clusters
            .iter_mut()
            .find(|cluster| cluster["name"] == name)
    }

    pub(super) fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// One more look at every cluster: those that are under way come nearer to being online.
    fn look(&mut self) {
        for cluster in &mut self.clusters {
            let looks = self.looks.entry(cluster["id"].to_string()).or_default();
            *looks += 1;
            if *looks > self.looks_until_online {
                cluster["status"] = "online".into();
            }
        }
    }

    fn list_clusters(&mut self, query: &BTreeMap<String, String>) -> Answer {
        self.look();
        let tagged = |cluster: &&Value| {
            query.get("tag_name").is_none_or(|tag| {
                cluster["tags"]
                    .as_array()
                    .is_some_and(|tags| tags.contains(&json!(tag)))
            })
        };
        answer(
            200,
            json!({ "databases": self.clusters.iter().filter(tagged).collect::<Vec<_>>() }),
        )
    }

    fn get_cluster(&mut self, id: &str) -> Answer {
        self.look();
        match self.clusters.iter().find(|cluster| cluster["id"] == id) {
            Some(cluster) => answer(200, json!({ "database": cluster })),
            None => not_found(),
        }
    }

    fn create_cluster(&mut self, body: &Value) -> Answer {
        let Some(name) = body["name"].as_str() else {
            return refusal(422, "unprocessable_entity", "name is required");
        };
        if self.cluster(name).is_some() {
            return refusal(422, "unprocessable_entity", "cluster name is not available");
        }
        let number = self.number();
        let host = format!("{name}-do-user-1-{number}.db.ondigitalocean.com");
        let password = format!("canary-password-{number}");
        let connection = |host: &str| {
            json!({
                "uri": format!("postgres://doadmin:{password}@{host}:25060/defaultdb?sslmode=require"),
                "database": "defaultdb", "host": host, "port": 25060, "user": "doadmin", "password": password, "ssl": true,
            })
        };
        let mut cluster = json!({
            "id": format!("9cc10173-e9ea-4176-9dbc-{number:012x}"),
            "status": "creating", "created_at": "2026-01-11T18:37:36Z", "version": "17",
            "private_network_uuid": "d455e75d-4858-4eec-8c95-da2f0a5f93a7",
            "db_names": ["defaultdb"], "storage_size_mib": 61440, "tags": null,
            "project_id": "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30",
            "users": [{ "name": "doadmin", "role": "primary", "password": password }],
            "maintenance_window": { "day": "saturday", "hour": "08:45:12", "pending": false },
        });
        cluster["connection"] = connection(&host);
        cluster["private_connection"] = connection(&format!("private-{host}"));
        for (field, value) in body.as_object().into_iter().flatten() {
            cluster[field] = value.clone();
        }
        self.tags.extend(
            body["tags"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned),
        );
        if self.looks_until_online == 0 {
            cluster["status"] = "online".into();
        }
        self.writes.push(format!("POST databases {name}"));
        self.clusters.push(cluster.clone());
        answer(201, json!({ "database": cluster }))
    }

    fn delete_cluster(&mut self, id: &str) -> Answer {
        let before = self.clusters.len();
        self.clusters.retain(|cluster| cluster["id"] != id);
        if self.clusters.len() == before {
            return not_found();
        }
        self.writes.push(format!("DELETE databases {id}"));
        nothing(204)
    }

    fn resize(&mut self, id: &str, body: &Value) -> Answer {
        if body["size"].is_null() || body["num_nodes"].is_null() {
            return refusal(
                422,
                "unprocessable_entity",
                "size and num_nodes are required",
            );
        }
        self.change(id, "resize", "resizing", |cluster| {
            for (field, value) in body.as_object().into_iter().flatten() {
                cluster[field] = value.clone();
            }
            202
        })
    }

    fn upgrade(&mut self, id: &str, body: &Value) -> Answer {
        self.change(id, "upgrade", "migrating", |cluster| {
            if body["version"].as_str() < cluster["version"].as_str() {
                return 422;
            }
            cluster["version"] = body["version"].clone();
            204
        })
    }

    fn change(
        &mut self,
        id: &str,
        what: &str,
        status: &str,
        write: impl FnOnce(&mut Value) -> u16,
    ) -> Answer {
        let Some(cluster) = self.clusters.iter_mut().find(|cluster| cluster["id"] == id) else {
            return not_found();
        };
        if cluster["status"] != "online" {
            return refusal(409, "conflict", "the cluster is not online");
        }
        let answered = write(cluster);
        if answered >= 400 {
            return refusal(
                answered,
                "unprocessable_entity",
                "the version cannot go down",
            );
        }
        if self.looks_until_online > 0 {
            cluster["status"] = status.into();
        }
        self.looks.insert(cluster["id"].to_string(), 0);
        self.writes.push(format!(
            "PUT {what} {}",
            cluster["name"].as_str().unwrap_or_default()
        ));
        nothing(answered)
    }

    fn create_tag(&mut self, body: &Value) -> Answer {
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        self.tags.insert(name.clone());
        answer(
            201,
            json!({ "tag": { "name": name, "resources": { "count": 0, "databases": { "count": 0 } } } }),
        )
    }

    fn tag(&mut self, put: bool, tag: &str, body: &Value) -> Answer {
        if !self.tags.contains(tag) {
            return not_found();
        }
        for resource in body["resources"].as_array().into_iter().flatten() {
            let Some(cluster) = self
                .clusters
                .iter_mut()
                .find(|cluster| cluster["id"] == resource["resource_id"])
            else {
                return not_found();
            };
            let mut tags: Vec<Value> = cluster["tags"].as_array().cloned().unwrap_or_default();
            tags.retain(|known| known != tag);
            if put {
                tags.push(tag.into());
            }
            cluster["tags"] = tags.into();
        }
        self.writes
            .push(format!("{} tag {tag}", if put { "put" } else { "take" }));
        nothing(204)
    }
}
