//! Many who open connections to the daemon's pages and never ask: it goes on with its work.

use super::{World, environment, files};
use std::io::Write as _;
use std::net::TcpStream;

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
