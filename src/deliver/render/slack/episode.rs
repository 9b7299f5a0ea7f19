//! One message for a drift episode, edited when it ends.

use super::{Draft, code, text};
use crate::deliver::notify::Message;
use crate::deliver::render::run::{Episode, EpisodeEnd};
use crate::deliver::render::words::at;

/// The most fields that are shown.
const MOST_FIELDS: usize = 20;

/// Shows a drift episode: what differs, who did it and when, what is done about it, how it ended.
pub fn episode_slack(episode: &Episode<'_>) -> Message {
    let mut draft = Draft::new(&title(episode));
    let mut lines = Vec::new();
    for difference in episode.differences.iter().take(MOST_FIELDS) {
        lines.push(format!(
            "• {}: Git has {}, live was {}",
            code(&difference.path),
            code(&difference.declared),
            code(&difference.live)
        ));
    }
    let more = episode.differences.len().saturating_sub(MOST_FIELDS);
    if more > 0 {
        lines.push(format!("… and {more} more fields"));
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
    draft.lines(&[who, course(episode)]);
    draft.finish(&format!(
        "{} ({}) · against {} · found {}",
        code(&episode.address.to_string()),
        text(episode.kind),
        code(&episode.revision.short()),
        at(episode.found_at)
    ))
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

fn how(end: EpisodeEnd) -> &'static str {
    match end {
        EpisodeEnd::Corrected => "is as Git has it again",
        EpisodeEnd::Kept => "was taken over into Git",
        EpisodeEnd::Gone => "is as Git has it again, without us",
        EpisodeEnd::Released => "is no longer declared",
    }
}

fn course(episode: &Episode<'_>) -> String {
    match episode.ended {
        None => text(episode.course),
        Some((end, when)) => format!("Ended {}: it {}.", at(when), how(end)),
    }
}
