//! Many runs at once are one message: nobody reads two thousand, and Slack takes one a second.

use super::chat::ChatLetter;
use super::outbox::Letter as _;
use crate::deliver::render::{mentioning, notice_slack};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How many runs may wait and be told one by one.
const FEW: usize = 8;

/// How long a channel is left alone after a digest.
const DIGESTS: Duration = Duration::from_secs(60);

/// How many runs a digest names; of the others it keeps only how many they are, however long it waits.
const NAMED: usize = 20;

/// How many runs a digest tells of without their titles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Unnamed {
    good: usize,
    bad: usize,
}

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
            digest.gravity = digest.gravity.max(letter.gravity);
            digest.unnamed.good += letter.unnamed.good;
            digest.unnamed.bad += letter.unnamed.bad;
            for called in &letter.calls {
                if !digest.calls.contains(called) {
                    digest.calls.push(called.clone());
                }
            }
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
        unnamed: Unnamed::default(),
        ..letter.clone()
    }
}

/// Renders a digest: what went well is many, what did not is named first.
fn told(mut digest: ChatLetter) -> ChatLetter {
    let runs = std::mem::take(&mut digest.runs);
    let (mut bad, mut good): (Vec<_>, Vec<_>) =
        runs.into_iter().partition(|title| !title.starts_with('✅'));
    let (all_bad, all_good) = (
        bad.len() + digest.unnamed.bad,
        good.len() + digest.unnamed.good,
    );
    bad.truncate(NAMED);
    good.truncate(NAMED - bad.len());
    digest.unnamed = Unnamed {
        good: all_good - good.len(),
        bad: all_bad - bad.len(),
    };
    bad.append(&mut good);
    digest.runs = bad;
    let all = all_bad + all_good;
    let title = match all_bad {
        0 => format!("✅ {all} runs changed something"),
        bad => format!("❌ {all} runs, {bad} of them not as they should"),
    };
    let mut lines = digest.runs.clone();
    let more = all - lines.len();
    if more > 0 {
        lines.push(format!("… and {more} more: reconciled history"));
    }
    let message = notice_slack(&title, &lines, digest.since, None);
    digest.message = mentioning(message, &digest.calls);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::notify::Message;
    use crate::model::{Gravity, Mention};
    use serde_json::json;

    fn letter(nth: usize, channel: &str, title: &str) -> ChatLetter {
        let message = Message {
            text: title.to_owned(),
            blocks: json!([]),
        };
        ChatLetter {
            channel: Some(channel.to_owned()),
            runs: vec![title.to_owned()],
            ..ChatLetter::new(format!("run/e{nth}/1"), message)
        }
    }

    fn called() -> Mention {
        Mention::new("U012ABCDEF").unwrap()
    }

    #[test]
    fn a_storm_of_runs_is_one_message_that_names_what_failed_first() {
        let mut waiting = VecDeque::new();
        for nth in 0..2000 {
            let title = match nth {
                1500 => "❌ e1500: 1 failed".to_owned(),
                nth => format!("✅ e{nth}: 1 changed"),
            };
            let mut letter = letter(nth, "#infra", &title);
            letter.calls.extend((nth >= 1500).then(called));
            if nth == 1500 {
                letter.gravity = Gravity::Failure;
            }
            waiting.push_back(letter);
            gather(&mut waiting);
            assert!(waiting.len() <= FEW + 1, "{}", waiting.len());
        }
        assert_eq!(waiting[1].gravity, Gravity::Failure, "milder ones go first");
        assert!(
            waiting[1].calls == [called()]
                && waiting[1]
                    .message
                    .blocks
                    .to_string()
                    .contains("<@U012ABCDEF>")
        );
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
        let count = |one: &ChatLetter| one.runs.len() + one.unnamed.good + one.unnamed.bad;
        let told: usize = waiting.iter().map(count).sum();
        assert_eq!(told, 2001, "none is lost");
        assert_eq!((rest(digest), rest(&waiting[0])), (DIGESTS, Duration::ZERO));
    }
    #[test]
    fn a_digest_stays_small_however_much_it_tells_of() {
        let mut waiting = VecDeque::new();
        for nth in 0..2000 {
            let sign = if nth % 2 == 0 { "❌" } else { "✅" };
            let title = format!("{sign} e{nth}: 1 step");
            waiting.push_back(letter(nth, "#infra", &title));
            gather(&mut waiting);
            let most = waiting.iter().map(|one| one.runs.len()).max();
            assert!(most <= Some(NAMED), "{most:?}");
        }
        waiting.extend((2000..2010).map(|nth| letter(nth, "#infra", "✅ late")));
        gather(&mut waiting);
        let digest = waiting.iter().find(|one| one.runs.len() > 1).unwrap();
        assert_eq!(
            digest.message.text.lines().next().unwrap(),
            "❌ 2009 runs, 999 of them not as they should"
        );
        let said = digest.message.blocks.to_string();
        assert!(said.contains("e2: 1 step") && said.contains("and 1989 more"));
        let kept = serde_json::to_string(&waiting).unwrap();
        assert!(kept.len() < 8192, "{}", kept.len());
    }
}
