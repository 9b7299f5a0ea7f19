//! Many who open connections to the daemon's pages and never ask: it goes on with its work.

use super::{World, environment, files};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;

fn shop(greeting: &str) -> String {
    environment("shop", "", &files(&[("page", greeting)]))
}

/// How many file handles a running daemon may have, and the most it could.
fn handles(world: &World) -> [String; 2] {
    let lock = world.folder().join("state/ledger.db.lock");
    let process = std::fs::read_to_string(lock).unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.trim())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let mut words = line.unwrap().split_whitespace().skip(3);
    [(); 2].map(|()| words.next().unwrap().to_owned())
}

#[test]
fn a_daemon_takes_the_file_handles_it_may_have() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let few = ["sh", "-c", "ulimit -S -n 200 && exec \"$@\"", "sh"];
    let mut daemon = world.start_by(&few, &[]);
    daemon.run_of("shop", &commit);
    let [may, most] = handles(&world);
    assert_eq!(may, most);
}

#[test]
fn who_opens_many_connections_and_never_asks_keeps_nothing_from_being_done() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let few = ["sh", "-c", "ulimit -n 300 && exec \"$@\"", "sh"];
    let mut daemon = world.start_by(&few, &[]);
    daemon.run_of("shop", &commit);
    let address = daemon.lines("Pages are served")[0]["address"].clone();
    let mut open = Vec::new();
    // As many as the daemon's queue takes, and more than it has handles.
    for _ in 0..400 {
        let mut slow = TcpStream::connect(address.as_str().unwrap()).unwrap();
        let half = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nX";
        slow.write_all(half).unwrap();
        open.push(slow);
    }
    let commit = world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &commit);
    assert_eq!(world.live("page").unwrap(), "welcome\n");
    drop(open);
    assert!(daemon.terminate().0.success());
}

/// Opens a connection from another address of this machine, and asks half a question.
async fn half_asked_from(peer: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{peer}:0").parse().unwrap()).unwrap();
    let mut slow = socket.connect(to).await.unwrap().into_std().unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nX").unwrap();
    slow
}

#[test]
fn a_supervisor_is_answered_while_somebody_holds_all_connections() {
    let world = World::new();
    world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    let address = daemon.logged("Pages are served", |_| true)["address"].clone();
    let address: SocketAddr = address.as_str().unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_io().build().unwrap();
    let began = Instant::now();
    let flood = (0..400).map(|_| runtime.block_on(half_asked_from("127.0.0.2", address)));
    let flood: Vec<_> = flood.collect();
    let mut probe = TcpStream::connect(address).unwrap();
    let question = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    probe.write_all(question).unwrap();
    let mut answer = String::new();
    probe.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // In turn, 128 of them for ten seconds each, it would be half a minute.
    assert!(began.elapsed() < Duration::from_secs(25));
    drop(flood);
    assert!(daemon.terminate().0.success());
}
