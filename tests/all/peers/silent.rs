//! A server that answers nothing, until it hangs up.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A cloud that hears every question and answers none, until it hangs up.
pub(crate) struct Silent {
    url: String,
    /// Those who wait; `None` once it hangs up on everybody.
    held: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Silent {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let held = Arc::new(Mutex::new(Some(Vec::new())));
        let holding = Arc::clone(&held);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                if let Some(held) = holding.lock().unwrap().as_mut() {
                    held.push(caller.unwrap());
                }
            }
        });
        Self { url, held }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How many wait for an answer.
    pub(crate) fn waiting(&self) -> usize {
        self.held.lock().unwrap().as_ref().map_or(0, Vec::len)
    }

    pub(crate) fn hang_up(&self) {
        *self.held.lock().unwrap() = None;
    }
}
