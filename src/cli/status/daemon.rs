//! What a daemon says of itself: whether it holds the ledger's lock, and what its own page `/readyz` tells. A daemon
//! whose ledger is gone, full or damaged can say so nowhere else.

use crate::config::Settings;
use crate::deliver::render::harmless_reason;
use crate::ledger::{Holder, Ledger};
use crate::net::http::{Client, HttpSettings, Method, Request, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long an answer may take: it asks the ledger to write, which waits five seconds for others.
const PATIENCE: Duration = Duration::from_secs(8);

/// The largest answer that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// What `/readyz` answers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct Told {
    ready: bool,
    /// What stands between it and being ready, by name.
    #[serde(default)]
    waiting: BTreeMap<String, String>,
    /// What else is in its way, by name.
    #[serde(default)]
    conditions: BTreeMap<String, String>,
}

impl Told {
    /// Tells whether it is this ledger that its daemon goes without.
    fn misses(&self, ledger: &Path) -> bool {
        let named = std::path::absolute(ledger).unwrap_or_else(|_| ledger.to_owned());
        let reason = self.waiting.get("ledger");
        reason.is_some_and(|reason| reason.contains(&named.display().to_string()))
    }
}

/// A daemon, as far as it can be seen from here.
pub(super) struct Daemon {
    pub(super) holder: Holder,
    pub(super) told: Option<Told>,
}

impl Daemon {
    /// Looks for the daemon of these settings.
    pub(super) async fn look(settings: &Settings) -> Self {
        let ledger = &settings.ledger.path;
        let holder = Ledger::holder(ledger);
        let told = match holder {
            Holder::Nobody if ledger.exists() => None,
            // Its lock may have gone with the ledger; another daemon may have the address.
            Holder::Nobody => ask(settings.web.listen)
                .await
                .filter(|told| told.misses(ledger)),
            Holder::Somebody | Holder::Process(_) => ask(settings.web.listen).await,
        };
        Self { holder, told }
    }

    /// Tells whether one runs.
    pub(super) fn runs(&self) -> bool {
        self.holder != Holder::Nobody || self.told.is_some()
    }

    /// Tells whether it runs and can do its work.
    pub(super) fn is_well(&self) -> bool {
        self.runs() && self.told.as_ref().is_none_or(|told| told.ready)
    }

    /// Tells whether it names more that is in its way than what is told beside it.
    pub(super) fn says_more(&self, known: &dyn Fn(&str) -> bool) -> bool {
        let told = self.told.iter();
        let mut names = told.flat_map(|told| told.conditions.keys());
        names.any(|name| !known(name))
    }

    /// Returns what programs are told of it.
    pub(super) fn json(&self) -> Value {
        let process = match self.holder {
            Holder::Process(process) => Some(process),
            Holder::Somebody | Holder::Nobody => None,
        };
        let ready = self.told.as_ref().map(|told| told.ready);
        let waiting = self.told.as_ref().map(|told| &told.waiting);
        json!({ "running": self.runs(), "process": process, "ready": ready, "waiting": waiting })
    }

    /// Returns what people are told of it; `known` are the names of what is told beside it.
    pub(super) fn text(&self, known: &dyn Fn(&str) -> bool) -> String {
        let mut text = match (self.holder, self.runs()) {
            (Holder::Process(process), _) => format!("daemon: running (process {process})"),
            (_, true) => "daemon: running".to_owned(),
            (_, false) => "daemon: NOT running, nothing is compared or put back".to_owned(),
        };
        let Some(told) = &self.told else {
            return text + "\n";
        };
        if !told.ready {
            text.push_str(", NOT ready");
        }
        text.push('\n');
        let more = told.conditions.iter().filter(|(name, _)| !known(name));
        for (name, reason) in told.waiting.iter().chain(more) {
            let _infallible = writeln!(text, "  {}", harmless_reason(&format!("{name}: {reason}")));
        }
        text
    }
}

/// Asks a daemon that may serve its pages there. `None` where nobody answers as one would.
async fn ask(listen: SocketAddr) -> Option<Told> {
    // Any port that was free: it stands in the daemon's log alone.
    if listen.port() == 0 {
        return None;
    }
    let address = SocketAddr::new(from_here(listen.ip()), listen.port());
    let url = Url::parse(&format!("http://{address}/readyz")).ok()?;
    let settings = HttpSettings {
        timeout: PATIENCE,
        direct: true,
        ..HttpSettings::default()
    };
    // Where nobody listens, a request would be sent again until its time is over.
    let listens = tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await;
    drop(listens.ok()?.ok()?);
    // "Not ready" is an answer, and no reason to ask again.
    let request = Request::new(Method::GET, url).idempotent(false);
    let request = request.answer_limit(LARGEST);
    let answer = Client::new(&settings).ok()?.send(request).await.ok()?;
    serde_json::from_slice(&answer.body).ok()
}

/// Returns where what is served everywhere is found on this machine.
fn from_here(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    }
}
