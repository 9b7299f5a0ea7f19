//! The DNS records of an account: listed in pages, made, changed and deleted.

use super::account::{Account, Answer, answer, not_found, nothing, refusal};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

impl Account {
    pub(super) fn list_records(
        &mut self,
        domain: &str,
        query: &BTreeMap<String, String>,
    ) -> Answer {
        let Some(records) = self.domains.get(domain) else {
            return not_found();
        };
        let number = |name: &str, otherwise: usize| {
            query
                .get(name)
                .and_then(|text| text.parse().ok())
                .unwrap_or(otherwise)
        };
        let (per_page, page) = (
            number("per_page", 20).clamp(1, 200),
            number("page", 1).max(1),
        );
        let chosen: Vec<&Value> = records
            .iter()
            .filter(|record| query.get("type").is_none_or(|kind| record["type"] == *kind))
            .collect();
        let shown: Vec<&Value> = chosen
            .iter()
            .skip((page - 1) * per_page)
            .take(per_page)
            .copied()
            .collect();
        let address = |page: usize| {
            format!(
                "https://api.digitalocean.com/v2/domains/{domain}/records?page={page}&per_page={per_page}"
            )
        };
        let mut pages = Map::new();
        if page * per_page < chosen.len() {
            pages.insert("next".to_owned(), address(page + 1).into());
            pages.insert(
                "last".to_owned(),
                address(chosen.len().div_ceil(per_page)).into(),
            );
        }
        if page > 1 {
            pages.insert("first".to_owned(), address(1).into());
            pages.insert("prev".to_owned(), address(page - 1).into());
        }
        let links = if pages.is_empty() {
            json!({})
        } else {
            json!({ "pages": pages })
        };
        answer(
            200,
            json!({ "domain_records": shown, "links": links, "meta": { "total": chosen.len() } }),
        )
    }

    pub(super) fn create_record(&mut self, domain: &str, body: &Value) -> Answer {
        if !self.domains.contains_key(domain) {
            return not_found();
        }
        let record = match record(domain, &json!({}), body) {
            Ok(record) => record,
            Err(refused) => return refused,
        };
        Answer {
            status: 201,
            ..self.put_record(domain, "POST", record)
        }
    }

    pub(super) fn update_record(&mut self, domain: &str, id: &str, body: &Value) -> Answer {
        let known = self
            .domains
            .get(domain)
            .and_then(|records| records.iter().find(|record| has_id(record, id)));
        let Some(known) = known else {
            return not_found();
        };
        match record(domain, known, body) {
            Ok(record) => self.put_record(domain, "PUT", record),
            Err(refused) => refused,
        }
    }

    /// Adds a record as somebody in the control panel would.
    pub(crate) fn put_record(&mut self, domain: &str, method: &str, mut record: Value) -> Answer {
        if record["id"].is_null() {
            record["id"] = (3_352_000 + self.number()).into();
        }
        let records = self.domains.entry(domain.to_owned()).or_default();
        records.retain(|known| known["id"] != record["id"]);
        records.push(record.clone());
        self.writes.push(format!(
            "{method} records {} {}",
            record["type"].as_str().unwrap_or_default(),
            record["name"].as_str().unwrap_or_default()
        ));
        answer(200, json!({ "domain_record": record }))
    }

    pub(super) fn delete_record(&mut self, domain: &str, id: &str) -> Answer {
        let Some(records) = self.domains.get_mut(domain) else {
            return not_found();
        };
        let before = records.len();
        records.retain(|record| !has_id(record, id));
        if records.len() == before {
            return not_found();
        }
        self.writes.push(format!("DELETE records {id}"));
        nothing(204)
    }
}

fn has_id(record: &Value, id: &str) -> bool {
    record["id"]
        .as_u64()
        .is_some_and(|known| id.parse() == Ok(known))
}

/// Returns the record that a body makes of another; host names lose their dot, as DigitalOcean shows them.
fn record(domain: &str, known: &Value, body: &Value) -> Result<Value, Answer> {
    let refused = |message: &str| refusal(422, "unprocessable_entity", message);
    let mut record = json!({ "id": null, "ttl": 1800, "priority": null, "port": null, "weight": null, "flags": null, "tag": null });
    for (field, value) in known
        .as_object()
        .into_iter()
        .chain(body.as_object())
        .flatten()
    {
        record[field] = value.clone();
    }
    let (Some(kind), Some(data)) = (body["type"].as_str(), record["data"].as_str()) else {
        return Err(refused("Type and data can't be blank"));
    };
    if matches!(kind, "CNAME" | "MX" | "NS" | "SRV")
        && body["data"].is_string()
        && known.is_object()
    {
        let bare = data.strip_suffix('.');
        let kept = known["data"].as_str() == Some(data);
        match bare {
            Some(bare) if bare == domain => record["data"] = "@".into(),
            Some(bare) => record["data"] = bare.into(),
            None if kept => {}
            None => return Err(refused("Data needs to end with a dot (.)")),
        }
    }
    Ok(record)
}
