//! That a write would change nothing, told once and known again without asking: a quiet cluster is asked
//! no second time, not even by the next process.
//!
//! ```text
//! keyed digest of (what is declared, what has a say of what is live, the schema, what is yielded)
//! ```
//!
//! A verdict comes from a dry-run that gave what is live, or from the answer to the write itself: the
//! server merged what was sent into what was there and answers the result, so the same write again is a
//! merge with its own result. It holds while nothing that goes into that merge moves:
//!
//! - what is declared, our marks included, with its version of the kind;
//! - what of it `lifecycle.ignore` leaves alone;
//! - what is live, by [`essence`]: every field but the status, and every owner;
//! - the kind's schema with its defaults, by the digest that the server publishes of it: it moves with a
//!   definition of a custom kind and with a server of another version;
//! - what else the server consults, webhooks and policies, nobody tells us of. So each verdict is asked
//!   for anew after some hours, each at its own time.
//!
//! The digest is keyed, since it is over secrets and is kept in the ledger.

use super::essence::essence;
use crate::model::{DigestKey, PathPattern, Secret, Verdict};
use crate::provider::kubernetes::reference::Reference;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A verdict is asked for anew this long after it was, at the earliest; at the latest after twice that.
const LASTS: Duration = Duration::from_secs(6 * 3600);
/// More objects than this are forgotten all at once; forgetting costs a dry-run in the hours to come.
const MOST: usize = 200_000;
/// Moves when it is made of something else, so that verdicts of older programs are void.
const FORMAT: &str = "1";

/// Fields left to other owners, as the server writes them, with their owners.
pub(crate) type Yielded = Vec<(String, String)>;

/// What a verdict is about.
#[derive(Clone, Copy)]
pub(crate) struct Matter<'a> {
    /// The object as it is sent, marks included.
    pub(crate) sent: &'a Json,
    /// The object as it is live, or as the server answered it after the write.
    pub(crate) live: &'a Json,
    /// The digest of its kind's schema.
    pub(crate) schema: &'a str,
    /// What of it is not looked at: without the rule, a field added by hand is one to take off.
    pub(crate) ignore: &'a [PathPattern],
}

/// Makes verdicts and knows them again.
#[derive(Debug)]
pub(crate) struct Verdicts {
    key: DigestKey,
    /// When an object's is to be asked for anew.
    due: Mutex<HashMap<Reference, Instant>>,
}

impl Verdicts {
    /// Remembers nothing yet.
    pub(crate) fn new(key: DigestKey) -> Self {
        Self {
            key,
            due: Mutex::default(),
        }
    }

    /// Makes the verdict that a write would change nothing of this.
    pub(crate) fn make(&self, matter: Matter<'_>, yielded: &Yielded) -> Verdict {
        let yielded = if yielded.is_empty() {
            String::new()
        } else {
            serde_json::to_string(yielded).unwrap_or_default()
        };
        let digest = self.digest(matter, &yielded);
        Verdict(format!("{digest} {yielded}").trim_end().to_owned())
    }

    /// Returns what is yielded where a verdict is about exactly this; `None` where it is not, or is due.
    pub(crate) fn holds(
        &self,
        verdict: &Verdict,
        reference: &Reference,
        matter: Matter<'_>,
    ) -> Option<Yielded> {
        let (digest, yielded) = verdict.0.split_once(' ').unwrap_or((&verdict.0, ""));
        if self.digest(matter, yielded) != digest || self.is_due(reference) {
            return None;
        }
        if yielded.is_empty() {
            return Some(Vec::new());
        }
        serde_json::from_str(yielded).ok()
    }

    /// Takes note that the server was asked just now.
    pub(crate) fn asked(&self, reference: &Reference) {
        self.put_off(reference, Instant::now() + LASTS + some(LASTS));
    }

    /// One that an earlier process made may be as old as they get, so it is due at any time from now.
    fn is_due(&self, reference: &Reference) -> bool {
        let known = {
            let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            due.get(reference).copied()
        };
        let now = Instant::now();
        known.map_or_else(
            || {
                self.put_off(reference, now + some(2 * LASTS));
                false
            },
            |at| at <= now,
        )
    }

    fn put_off(&self, reference: &Reference, at: Instant) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.len() >= MOST {
            due.clear();
        }
        due.insert(reference.clone(), at);
    }

    fn digest(&self, matter: Matter<'_>, yielded: &str) -> String {
        let mut sent = matter.sent.clone();
        sent.sort_all_objects();
        let (sent, live, schema) = (sent.to_string(), essence(matter.live), matter.schema);
        let mut whole = format!("{FORMAT}\n{schema}\n{yielded}\n{sent}\n{live}");
        for rule in matter.ignore {
            whole.push('\n');
            whole.push_str(&rule.to_string());
        }
        let whole = Secret::new(whole);
        self.key.digest(&whole).as_str().to_owned()
    }
}

/// Some of a time, so that not all objects are asked about at once.
fn some(whole: Duration) -> Duration {
    whole.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdicts() -> Verdicts {
        Verdicts::new(DigestKey::new([7; 32]))
    }

    fn reference() -> Reference {
        Reference::of_live("", "ConfigMap", &json!({ "metadata": { "name": "a" } }))
    }

    #[tokio::test(start_paused = true)]
    async fn it_holds_for_exactly_what_it_is_about_and_for_some_hours() {
        let (sent, live) = (
            json!({ "a": 1, "b": 2 }),
            json!({ "a": 1, "b": 2, "status": {} }),
        );
        let matter = Matter {
            sent: &sent,
            live: &live,
            schema: "s",
            ignore: &[],
        };
        let verdicts = verdicts();
        let yielded = vec![(".spec.replicas".to_owned(), "keda".to_owned())];
        let verdict = verdicts.make(matter, &yielded);
        verdicts.asked(&reference());
        let holds = |matter| verdicts.holds(&verdict, &reference(), matter);
        assert_eq!(holds(matter), Some(yielded));
        let reordered = json!({ "b": 2, "a": 1 });
        let same = Matter {
            sent: &reordered,
            live: &reordered,
            ..matter
        };
        assert!(holds(same).is_some());
        let other = json!({ "a": 1 });
        let (sent, live) = (
            Matter {
                sent: &other,
                ..matter
            },
            Matter {
                live: &other,
                ..matter
            },
        );
        let schema = Matter {
            schema: "t",
            ..matter
        };
        let rules = [PathPattern::known("/metadata/labels/team")];
        let ignore = Matter {
            ignore: &rules,
            ..matter
        };
        assert_eq!(
            [sent, live, schema, ignore].map(holds),
            [None, None, None, None]
        );
        // What is yielded is covered as well.
        let forged = Verdict(verdict.0.replace("replicas", "paused"));
        assert_eq!(verdicts.holds(&forged, &reference(), matter), None);
        tokio::time::advance(LASTS).await;
        assert!(holds(matter).is_some());
        tokio::time::advance(LASTS).await;
        assert_eq!(holds(matter), None);
    }

    #[tokio::test(start_paused = true)]
    async fn another_process_knows_it_again_and_asks_within_hours() {
        let sent = json!({ "data": { "token": "c2VjcmV0" } });
        let matter = Matter {
            sent: &sent,
            live: &sent,
            schema: "",
            ignore: &[],
        };
        let verdict = verdicts().make(matter, &Vec::new());
        let later = verdicts();
        assert_eq!(
            later.holds(&verdict, &reference(), matter),
            Some(Vec::new())
        );
        tokio::time::advance(2 * LASTS).await;
        assert_eq!(later.holds(&verdict, &reference(), matter), None);
        let other = Verdicts::new(DigestKey::new([8; 32]));
        assert_eq!(other.holds(&verdict, &reference(), matter), None);
    }
}
