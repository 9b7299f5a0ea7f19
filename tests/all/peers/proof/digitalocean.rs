//! DigitalOcean's description refuses a request it does not allow, and finds an answer it does not describe.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::peers::digitalocean::in_front_of;

/// A server that answers every request with one text, and its address.
fn answering(status: &str, body: &Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let body = body.to_string();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // One read holds all of the small requests of these tests.
            let _length = stream.read(&mut [0; 65_536]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

fn database() -> Value {
    json!({"name": "db", "engine": "pg", "version": "17", "num_nodes": 1, "size": "db-s-1vcpu-1gb", "region": "nyc3"})
}

#[test]
fn a_request_that_is_described_goes_through_and_others_are_refused() {
    let mut answer = database();
    answer["id"] = json!("9cc10173-e9ea-4176-9dbc-a4cee4c4ff30");
    let judge = in_front_of(&answering("201 Created", &json!({"database": answer})));
    let create = |body: &Value| {
        judge
            .send("POST", "/v2/databases", Some("token"), Some(body))
            .0
    };
    assert_eq!(create(&database()), 201);
    judge.assert_contract_kept();

    let mut wrong = database();
    wrong["engine"] = json!("postgres");
    wrong["nodes"] = json!(1);
    assert_eq!(create(&wrong), 418);
    assert_eq!(
        judge
            .send("GET", "/v2/databases?tags=a", Some("token"), None)
            .0,
        418
    );
    assert_eq!(
        judge.send("GET", "/v2/database", Some("token"), None).0,
        418
    );
    let faults = judge.faults();
    let expected = [
        "POST /v2/databases: body/engine: must be equal to one of the allowed values",
        "POST /v2/databases: body/nodes: unknown",
        "GET /v2/databases: query tags: unknown",
        "GET /v2/database: GET /v2/database: no such operation",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn an_answer_that_is_not_described_is_found() {
    let record = json!({"id": "one", "type": "A", "name": "www", "data": "192.0.2.1"});
    let judge = in_front_of(&answering("200 OK", &json!({"domain_records": [record]})));
    let (status, _) = judge.send(
        "GET",
        "/v2/domains/example.com/records",
        Some("token"),
        None,
    );
    assert_eq!(status, 200);
    let faults = judge.faults();
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("answer/domain_records/0/id: must be integer")),
        "{faults:?}"
    );
}
