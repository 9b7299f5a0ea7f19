//! One message for a drift episode, edited when it ends.

use super::run::link;
use super::{Draft, clip, code, literal, ours, text};
use crate::deliver::notify::Message;
use crate::deliver::render::clean;
use crate::deliver::render::lines;
use crate::deliver::render::run::{Difference, Episode, EpisodeEnd};
use crate::deliver::render::words::{at, lasted, many};
use serde_json::Value as Json;
use std::time::Duration;

/// The most fields that are shown.
const MOST_FIELDS: usize = 20;
/// The longest line of a block: a block of some lines fits one section.
const LONGEST_BLOCK_LINE: usize = 160;

/// Shows a drift episode: what differs, who did it and when, what is done about it, how it ended.
pub fn episode_slack(episode: &Episode<'_>) -> Message {
    let mut draft = Draft::new(&title(episode));
    let mut lines = Vec::new();
    for difference in episode.differences.iter().take(MOST_FIELDS) {
        lines.push(shown(difference));
    }
    let more = episode.differences.len().saturating_sub(MOST_FIELDS);
    if more > 0 {
        lines.push(format!("… and {}", many(more, "more field")));
    }
    if episode.differences.is_empty() {
        lines.push("It is gone from the live side.".to_owned());
    }
    draft.lines(&lines);
    let by: Vec<String> = episode.by.iter().map(|by| text(by)).collect();
    let who = if by.is_empty() {
        "The live side does not tell who did it.".to_owned()
    } else {
        format!("By {}.", by.join(", "))
    };
    let asked = episode.asked.filter(|_| episode.ended.is_none());
    let hint = episode.hint.filter(|_| episode.ended.is_none()).map(ours);
    let lines = [who, course(episode)].into_iter().chain(hint);
    draft.lines(&lines.chain(asked.map(link)).collect::<Vec<_>>());
    let mut parts = vec![
        format!(
            "{} ({})",
            code(&episode.address.to_string()),
            text(episode.kind)
        ),
        format!("against {}", episode.links.at(episode.revision)),
    ];
    parts.extend(episode.links.others());
    parts.push(format!("found {}", at(episode.found_at)));
    draft.finish(&parts.join(" · "))
}

/// Shows what is done about an episode from now on, so long after it was found.
pub fn course_slack(episode: &Episode<'_>, after: Duration) -> Message {
    let mut draft = Draft::plain(&sentence(episode.course));
    draft.lines(&episode.asked.map(link).into_iter().collect::<Vec<_>>());
    draft.finish(&format!("after {}", lasted(after)))
}

/// Shows a field in a line, or line by line where its sides have several.
fn shown(difference: &Difference) -> String {
    let path = code(&difference.path);
    let was = match &difference.was {
        Json::Null => String::new(),
        was => format!("; {} was applied last", side(was)),
    };
    if difference.lines.is_empty() {
        let (declared, live) = (side(&difference.declared), side(&difference.live));
        return format!("• {path}: Git has {declared}, live was {live}{was}");
    }
    let lines = difference.lines.iter();
    let lines: Vec<String> = lines
        .map(|line| clip(&literal(&clean::line(line)), LONGEST_BLOCK_LINE))
        .collect();
    let lines = lines.join("\n");
    format!("• {path}, `-` as it was live, `+` as Git has it{was}:\n```\n{lines}\n```")
}

fn side(value: &Json) -> String {
    match value {
        Json::Null => "nothing".to_owned(),
        value => code(&lines::brief(value)),
    }
}

fn title(episode: &Episode<'_>) -> String {
    let resource = &episode.address.resource;
    match episode.ended {
        None => format!(
            "🔶 {}: {resource} was changed outside of Git",
            episode.environment
        ),
        Some((end, _)) => format!("✅ {}: {resource} {}", episode.environment, how(end)),
    }
}

fn how(end: EpisodeEnd<'_>) -> String {
    match end {
        EpisodeEnd::Corrected => "is as Git has it again".to_owned(),
        EpisodeEnd::Overwritten(None) => "was overwritten by a run".to_owned(),
        EpisodeEnd::Overwritten(Some(by)) => {
            format!("was overwritten by the run of {}", by.short())
        }
        EpisodeEnd::TakenOver => "is as it was changed: Git has it now".to_owned(),
        EpisodeEnd::Gone => "is as Git has it again, without us".to_owned(),
        EpisodeEnd::Released => "is no longer declared".to_owned(),
    }
}

/// Returns a fragment as a sentence.
fn sentence(fragment: &str) -> String {
    let mut rest = fragment.chars();
    let first = rest.next().map(char::to_uppercase);
    let first: String = first.into_iter().flatten().collect();
    format!("{first}{}.", rest.as_str())
}

fn course(episode: &Episode<'_>) -> String {
    match episode.ended {
        None => sentence(&text(episode.course)),
        Some((end, when)) => {
            let stood = Duration::try_from(when.duration_since(episode.found_at));
            let after = lasted(stood.unwrap_or_default());
            format!("Ended {}, after {after}: it {}.", at(when), how(end))
        }
    }
}
