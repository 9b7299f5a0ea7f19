//! A way to a server that breaks: passes on what the server sends up to so many bytes a connection, then ends the
//! connection, or lets it hang.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// A way that is whole until it is told otherwise; it ends with the process.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// Where it begins, `127.0.0.1:1234`.
    pub(crate) address: String,
    passes: Arc<AtomicU64>,
    hangs: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
}

impl Cut {
    /// Leads to a server on this machine.
    pub(crate) fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let cut = Self {
            address: listener.local_addr().unwrap().to_string(),
            passes: Arc::new(AtomicU64::new(u64::MAX)),
            hangs: Arc::default(),
            most: Arc::default(),
        };
        let (way, server) = (cut.clone(), server.to_owned());
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, way, server) = (client.unwrap(), way.clone(), server.clone());
                thread::spawn(move || way.pass(client, &TcpStream::connect(server).unwrap()));
            }
        });
        cut
    }

    /// From now on each connection breaks after so many bytes of the server's.
    pub(crate) fn after(&self, bytes: u64, hangs: bool) {
        self.hangs.store(hangs, Ordering::SeqCst);
        self.passes.store(bytes, Ordering::SeqCst);
    }

    /// From now on it is whole.
    pub(crate) fn mend(&self) {
        self.passes.store(u64::MAX, Ordering::SeqCst);
    }

    /// The most bytes that a server sent on one connection so far.
    pub(crate) fn most(&self) -> u64 {
        self.most.load(Ordering::SeqCst)
    }

    fn pass(&self, mut client: TcpStream, mut server: &TcpStream) {
        let (mut asks, mut takes) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let asking = thread::spawn(move || {
            let _broken = std::io::copy(&mut asks, &mut takes);
            let _gone = takes.shutdown(Shutdown::Write);
        });
        let (mut sent, mut buffer) = (0, [0; 512]);
        while let Ok(read @ 1..) = server.read(&mut buffer) {
            let left = self.passes.load(Ordering::SeqCst).saturating_sub(sent);
            let passed = read.min(usize::try_from(left).unwrap_or(usize::MAX));
            if client.write_all(&buffer[..passed]).is_err() {
                break;
            }
            sent += passed as u64;
            self.most.fetch_max(sent, Ordering::SeqCst);
            if passed < read {
                if self.hangs.load(Ordering::SeqCst) {
                    // Until the other side gives up.
                    let _ended = asking.join();
                }
                break;
            }
        }
        let _gone = client.shutdown(Shutdown::Both);
        let _gone = server.shutdown(Shutdown::Both);
    }
}
