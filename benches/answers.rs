//! What it costs to be answered: JSON, which every kind has, beside protobuf, which the built-in kinds have too.
//!
//! Both ways the same writes are sent: the server takes an apply as YAML or JSON only. Answers are read to
//! their end and not looked into: this is what the server and the wire take. Source: "Kubernetes API Concepts".

use super::report::{heading, line, ms, ratio};
use super::{client, limits, parsed};
use crate::peers::kubernetes::Cluster;
use futures::AsyncReadExt as _;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http::Request;
use kube::Client;
use kube::api::DynamicObject;
use std::time::{Duration, Instant};

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Time and bytes of some requests.
#[derive(Clone, Copy)]
struct Answered {
    time: Duration,
    bytes: usize,
}

/// What the same requests took, answered either way.
pub(crate) struct Answers {
    writes: [Answered; 2],
    list: [Answered; 2],
}

impl Answers {
    /// Applies these applications once for each way, and lists them.
    pub(crate) async fn measured(cluster: &Cluster, apps: usize) -> Self {
        let client = client(cluster).await;
        let mut answers = Vec::new();
        for accepted in [JSON, PROTOBUF] {
            let namespace = cluster.namespace("answers");
            super::cost::settle(cluster);
            let objects: Vec<_> = (0..apps).flat_map(|nth| parsed(nth, &namespace)).collect();
            let requests = objects
                .iter()
                .map(|object| apply(object, accepted))
                .collect();
            let writes = answered(&client, requests).await;
            let list = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
            let list = Request::get(list).header("accept", accepted);
            let list = answered(&client, vec![list.body(Vec::new()).unwrap()]).await;
            answers.push((writes, list));
        }
        Self {
            writes: [answers[0].0, answers[1].0],
            list: [answers[0].1, answers[1].1],
        }
    }

    /// Prints them beside each other.
    pub(crate) fn print(&self) {
        heading("cluster: answers as JSON, and as protobuf");
        for (what, [json, protobuf]) in [("writes", self.writes), ("a list", self.list)] {
            let both = |json: String, protobuf: String| format!("{json}, {protobuf}");
            line(what, &both(ms(json.time), ms(protobuf.time)), "");
            let size = |one: Answered| format!("{} KiB", one.bytes / 1024);
            line("  read", &both(size(json), size(protobuf)), "");
            let times = format!("{:.2} x", ratio(protobuf.time, json.time));
            line("  protobuf to JSON", &times, "");
        }
    }
}

/// The request of the floor, as kube would make it, for an answer of this kind.
fn apply(object: &DynamicObject, accepted: &str) -> Request<Vec<u8>> {
    let types = object.types.as_ref().unwrap();
    let root = match types.api_version.as_str() {
        "v1" => "/api/v1".to_owned(),
        grouped => format!("/apis/{grouped}"),
    };
    let plural = match types.kind.as_str() {
        "Ingress" => "ingresses".to_owned(),
        kind => format!("{}s", kind.to_lowercase()),
    };
    let metadata = &object.metadata;
    let (namespace, name) = (
        metadata.namespace.as_ref().unwrap(),
        metadata.name.as_ref().unwrap(),
    );
    let path = format!(
        "{root}/namespaces/{namespace}/{plural}/{name}?fieldManager=floor&fieldValidation=Strict"
    );
    Request::patch(path)
        .header("content-type", "application/apply-patch+yaml")
        .header("accept", accepted)
        .body(serde_json::to_vec(object).unwrap())
        .unwrap()
}

/// Sends requests with as many under way at once as the engine has.
async fn answered(client: &Client, requests: Vec<Request<Vec<u8>>>) -> Answered {
    let begun = Instant::now();
    let send = |request| async move {
        let answer = client.request_stream(request).await?;
        let mut bytes = Vec::new();
        std::pin::pin!(answer)
            .read_to_end(&mut bytes)
            .await
            .unwrap();
        Ok::<_, kube::Error>(bytes.len())
    };
    let sent = stream::iter(requests.into_iter().map(send)).buffer_unordered(limits().concurrency);
    let sizes: Vec<usize> = sent.try_collect().await.unwrap();
    Answered {
        time: begun.elapsed(),
        bytes: sizes.iter().sum(),
    }
}
