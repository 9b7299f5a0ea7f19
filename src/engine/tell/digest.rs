//! Many runs at once are one message: nobody reads two thousand, and Slack takes one a second.

use super::chat::ChatLetter;
use super::outbox::Letter as _;
use crate::deliver::render::notice_slack;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How many runs may wait and be told one by one.
const FEW: usize = 8;

/// How long a channel is left alone after a digest.
const DIGESTS: Duration = Duration::from_secs(60);

/// How many runs a digest names.
const NAMED: usize = 20;

/// Tells how long a channel is left alone after a letter.
pub(super) fn rest(letter: &ChatLetter) -> Duration {
    if letter.runs.len() > 1 {
        DIGESTS
    } else {
        Duration::ZERO
    }
}

/// Makes one of the runs that wait for a channel, where they are more than a few.
pub(super) fn gather(waiting: &mut VecDeque<ChatLetter>) {
    let mut by_way: BTreeMap<String, usize> = BTreeMap::new();
    let mut firsts = BTreeSet::new();
    for letter in &*waiting {
        let may_be_under_way = firsts.insert(letter.way().to_owned());
        if !may_be_under_way && !letter.runs.is_empty() {
            *by_way.entry(letter.way().to_owned()).or_default() += 1;
        }
    }
    by_way.retain(|_, count| *count > FEW);
    for way in by_way.into_keys() {
        let mut nth = 0;
        let mut digest: Option<(usize, ChatLetter)> = None;
        let mut seen_first = false;
        waiting.retain(|letter| {
            if letter.way() != way
                || !std::mem::replace(&mut seen_first, true)
                || letter.runs.is_empty()
            {
                nth += 1;
                return true;
            }
            let (_, digest) = digest.get_or_insert_with(|| (nth, as_digest(letter)));
            digest.runs.extend(letter.runs.iter().cloned());
            false
        });
        if let Some((place, digest)) = digest {
            waiting.insert(place, told(digest));
        }
    }
}

/// Begins a digest with its name and place, without any run yet.
fn as_digest(letter: &ChatLetter) -> ChatLetter {
    let name = match letter.name.strip_prefix("runs/") {
        Some(_) => letter.name.clone(),
        None => format!("runs/{}", letter.name),
    };
    ChatLetter {
        name,
        environment: None,
        runs: Vec::new(),
        ..letter.clone()
    }
}

/// Renders a digest: what went well is many, what did not is named first.
fn told(mut digest: ChatLetter) -> ChatLetter {
    let is_bad = |title: &&String| !title.starts_with('✅');
    let bad = digest.runs.iter().filter(is_bad).count();
    let sign = if bad == 0 { "✅" } else { "❌" };
    let title = match bad {
        0 => format!("{sign} {} runs changed something", digest.runs.len()),
        bad => format!(
            "{sign} {} runs, {bad} of them not as they should",
            digest.runs.len()
        ),
    };
    let good = digest.runs.iter().filter(|title| !is_bad(title));
    let mut lines: Vec<String> = digest
        .runs
        .iter()
        .filter(is_bad)
        .chain(good)
        .cloned()
        .collect();
    if lines.len() > NAMED {
        let more = lines.len() - NAMED;
        lines.truncate(NAMED);
        lines.push(format!("… and {more} more: reconciled history"));
    }
    digest.message = notice_slack(&title, &lines, digest.since, None);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::notify::Message;
    use jiff::Timestamp;
    use serde_json::json;

    fn letter(nth: usize, channel: &str, title: &str) -> ChatLetter {
        let message = Message {
            text: title.to_owned(),
            blocks: json!([]),
        };
        ChatLetter {
            name: format!("run/e{nth}/1"),
            environment: None,
            channel: Some(channel.to_owned()),
            message,
            runs: vec![title.to_owned()],
            since: Timestamp::UNIX_EPOCH,
            threaded: false,
        }
    }

    #[test]
    fn a_storm_of_runs_is_one_message_that_names_what_failed_first() {
        let mut waiting = VecDeque::new();
        for nth in 0..2000 {
            let title = match nth {
                1500 => "❌ e1500: 1 failed".to_owned(),
                nth => format!("✅ e{nth}: 1 changed"),
            };
            waiting.push_back(letter(nth, "#infra", &title));
            gather(&mut waiting);
            assert!(waiting.len() <= FEW + 1, "{}", waiting.len());
        }
        waiting.push_back(letter(1, "#other", "✅ other: 1 changed"));
        gather(&mut waiting);
        let digest = waiting.iter().find(|one| one.runs.len() > 1).unwrap();
        let said = digest.message.blocks.to_string();
        assert!(
            digest.message.text.starts_with("❌ "),
            "{:?}",
            digest.message
        );
        let (failed, good) = (said.find("e1500: 1 failed"), said.find("e1: 1 changed"));
        assert!(failed.is_some() && failed < good, "{said}");
        let told: usize = waiting.iter().map(|one| one.runs.len()).sum();
        assert_eq!(told, 2001, "none is lost");
        assert_eq!((rest(digest), rest(&waiting[0])), (DIGESTS, Duration::ZERO));
    }
}
