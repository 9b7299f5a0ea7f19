//! Servers that misbehave: each way ends in time, has a name, and gets no token it should not have.

use super::open;
use reconciled::model::Secret;
use reconciled::source::{Credentials, SourceError, Target};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// A server that gives every request this answer (nothing: it never answers), and passes on what it was sent.
fn server(answer: &str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, heard) = channel();
    let answer = answer.to_owned();
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let reader = BufReader::new(stream.try_clone().unwrap());
            let head: Vec<String> = reader
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            if sender.send(head.join("\n")).is_err() {
                return;
            }
            if answer.is_empty() {
                held.push(stream);
            } else {
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    (address, heard)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    )
}

fn target(address: &str) -> Target {
    let mut target = Target::new("shop", format!("http://{address}/repo.git"), "main");
    target.credentials = Credentials::Token {
        username: "robot".to_owned(),
        token: Secret::new("canary"),
    };
    target.limits.deadline = Duration::from_secs(2);
    target
}

async fn failed(said: &str) -> SourceError {
    let (address, _heard) = server(said);
    open(target(&address)).repository.fetch().await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_no_repository_have_names() {
    let page = answer("200 OK", "Content-Type: text/html\r\n", "<html>");
    let said = failed(&page).await;
    assert!(
        matches!(said, SourceError::MissingRepository { .. }),
        "{said:?}"
    );
    let said = failed(&answer("500 Internal Server Error", "", "")).await;
    assert!(matches!(said, SourceError::Unreachable { .. }), "{said:?}");
    let greeting = "Content-Type: application/x-git-upload-pack-advertisement\r\n";
    let said = failed(&answer("200 OK", greeting, "0000<html>")).await;
    assert!(matches!(said, SourceError::Unreachable { .. }), "{said:?}");
    let old = "001e# service=git-upload-pack\n0000003f1234567890123456789012345678901234567890 refs/heads/main\n0000";
    let said = failed(&answer("200 OK", greeting, old)).await;
    assert!(said.to_string().contains("version 2"), "{said}");
    let said = failed(&answer("200 OK", greeting, "000eERR sorry\n")).await;
    assert_eq!(
        said.to_string(),
        "reach repository shop: the server said: sorry"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_host_gets_no_token() {
    let (thief, stolen) = server(&answer("200 OK", "", ""));
    let said = failed(&answer(
        "302 Found",
        &format!("Location: http://{thief}/x?canary\r\n"),
        "",
    ))
    .await;
    assert!(
        matches!(said, SourceError::MissingRepository { .. }),
        "{said:?}"
    );
    assert!(!said.to_string().contains("canary"), "{said}");
    assert!(stolen.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_given_up_in_time() {
    let said = failed("").await;
    assert!(
        matches!(said, SourceError::Timeout { seconds: 2, .. }),
        "{said:?}"
    );
    let (address, _heard) = server("");
    let mut daemon = target("");
    daemon.url = format!("git://{address}/repo.git");
    let said = open(daemon).repository.fetch().await.unwrap_err();
    assert!(matches!(said, SourceError::Timeout { .. }), "{said:?}");
    let mut ssh = target("");
    ssh.url = format!("ssh://{address}/repo.git");
    ssh.credentials = Credentials::Key {
        key: None,
        known_hosts: "/nowhere".into(),
    };
    let said = open(ssh).repository.fetch().await.unwrap_err();
    assert!(matches!(said, SourceError::Timeout { .. }), "{said:?}");
}

/// A server that says nothing, and tells when a connection begins and when the other side ended it.
fn silent() -> (String, Receiver<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, heard) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        sender.send("begun").unwrap();
        let _broken = std::io::copy(&mut stream, &mut std::io::sink());
        sender.send("ended").unwrap();
    });
    (address, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_nobody_waits_for_ends_at_once() {
    for scheme in ["http", "git", "ssh"] {
        let (address, heard) = silent();
        let mut target = target(&address);
        target.url = format!("{scheme}://{address}/repo.git");
        target.limits.deadline = Duration::from_secs(600);
        if scheme == "ssh" {
            target.credentials = Credentials::Key {
                key: None,
                known_hosts: "/nowhere".into(),
            };
        }
        let repository = open(target).repository;
        let waiting = tokio::spawn(async move { repository.fetch().await.map(drop) });
        let next = || tokio::task::block_in_place(|| heard.recv_timeout(Duration::from_secs(120)));
        assert_eq!(next(), Ok("begun"), "{scheme}");
        waiting.abort();
        assert_eq!(next(), Ok("ended"), "{scheme}");
    }
}
