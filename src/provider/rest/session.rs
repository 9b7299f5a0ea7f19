//! One API through one connection: sends requests at the account's pace and reads lists to their end.

use super::entry::{Api, Entry};
use super::failure::{Failure, Scrub};
use super::lookup::Lookup;
use super::paging::MOST_PAGES;
use crate::model::{Class, Connection, Digest, DigestKey, Identity, Secret, Value};
use crate::net::http::{Method, Url, header};
use crate::net::{Client, Limiter, Limiters, Request};
use serde_json::Value as Json;
use std::sync::Arc;

/// One API through one connection.
pub(super) struct Session {
    pub(super) api: Arc<Api>,
    pub(super) entry: Arc<Entry>,
    client: Client,
    limiter: Limiter,
    credential: Secret,
    scrub: Scrub,
    /// What a secret in an identity is digested under.
    pub(super) key: DigestKey,
}

impl Session {
    /// Opens the door; `sent` is what the requests will hold, so that its secrets can be taken out of
    /// what the API says.
    pub(super) fn new(
        (api, entry): (Arc<Api>, Arc<Entry>),
        (client, limiters, key): (&Client, &Limiters, &DigestKey),
        connection: &Connection,
        sent: Option<&Value>,
    ) -> Result<Self, Failure> {
        let credential = api.auth.credential(connection)?;
        let account = Digest::of(credential.expose());
        let name = format!("{}:{}", api.api, account.short());
        let limiter = limiters.get(&name, api.pace.per_second, api.pace.burst);
        let scrub = Scrub::of(&credential, sent);
        Ok(Self {
            api,
            entry,
            client: client.clone(),
            limiter,
            credential,
            scrub,
            key: key.clone(),
        })
    }

    /// Sends one request and returns the answer's JSON, `null` where it has no body.
    pub(super) async fn call(
        &self,
        method: Method,
        segments: &[String],
        query: Option<&str>,
        body: Option<&Json>,
    ) -> Result<Json, Failure> {
        let url = self.url(segments, query)?;
        let request = Request::new(method, url)
            .header(header::ACCEPT, "application/json")
            .limiter(&self.limiter);
        let request = self.api.auth.sign(request, &self.credential);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = self
            .client
            .send(request)
            .await
            .map_err(|error| Failure::of_silence(&error))?;
        if !answer.status.is_success() {
            return Err(Failure::of_answer(&self.api, &answer, &self.scrub));
        }
        if answer.body.is_empty() {
            return Ok(Json::Null);
        }
        answer
            .json()
            .ok_or_else(|| Failure::of_shape(&self.api, "it is not JSON"))
    }

    /// Reads every object where the identity says they are listed.
    ///
    /// A list that is cut short, says another length than it has, or is not there is a failure and
    /// never a shorter list.
    pub(super) async fn list(&self, identity: &Identity) -> Result<Vec<Json>, Failure> {
        let Lookup::List {
            path,
            items,
            paging,
            missing,
        } = &self.entry.lookup;
        let segments = self.filled(path, identity, None)?;
        let mut query = paging.first();
        let mut objects = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self
                .call(Method::GET, &segments, query.as_deref(), None)
                .await
                .map_err(|failure| match missing {
                    Some(text) if failure.is_not_found() => no_parent(text, identity),
                    _ => failure,
                })?;
            let page = answer.get(items).and_then(Json::as_array);
            let page = page
                .ok_or_else(|| Failure::of_shape(&self.api, &format!("it has no list {items}")))?;
            objects.extend(page.iter().cloned());
            let next = paging
                .next(&answer)
                .map_err(|what| Failure::of_shape(&self.api, &what))?;
            match next {
                None => {
                    return match paging.shortfall(&answer, objects.len()) {
                        None => Ok(objects),
                        Some(what) => Err(Failure::of_shape(&self.api, &what)),
                    };
                }
                Some(next) if query.as_ref() == Some(&next) => break,
                Some(next) => query = Some(next),
            }
        }
        Err(Failure::of_shape(
            &self.api,
            "its pages do not come to an end",
        ))
    }

    /// Fills a path from the identity and the live id.
    pub(super) fn filled(
        &self,
        path: &super::pointer::ApiPath,
        identity: &Identity,
        id: Option<&str>,
    ) -> Result<Vec<String>, Failure> {
        let fill = |gap: &str| match gap {
            "id" => id.map(str::to_owned),
            field => identity.get(&format!("/{field}")).map(str::to_owned),
        };
        path.filled(&fill).map_err(|gap| {
            Failure::new(
                "no-identity",
                Class::User,
                format!("its {gap} is empty, and nothing is asked without it"),
            )
        })
    }

    fn url(&self, segments: &[String], query: Option<&str>) -> Result<Url, Failure> {
        let wrong = |what: &str| {
            Failure::new(
                "base-url",
                Class::User,
                format!("the address of {} {what}", self.api.title),
            )
        };
        let mut url = Url::parse(&self.api.base_url).map_err(|_| wrong("cannot be read"))?;
        url.path_segments_mut()
            .map_err(|()| wrong("takes no path"))?
            .pop_if_empty()
            .extend(segments);
        url.set_query(query);
        Ok(url)
    }
}

/// Says what it means that the list itself is not there.
fn no_parent(text: &str, identity: &Identity) -> Failure {
    let reason = identity
        .0
        .iter()
        .fold(text.to_owned(), |text, (pointer, value)| {
            text.replace(&format!("{{{}}}", pointer.trim_start_matches('/')), value)
        });
    let hint = "Create it first, or check its spelling and the connection's account.".to_owned();
    Failure {
        hint: Some(hint),
        ..Failure::new("no-parent", Class::User, reason)
    }
}
