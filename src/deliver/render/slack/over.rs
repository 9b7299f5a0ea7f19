//! The message on a run that failed, once what it failed works.

use super::{LONGEST_HEADER, LONGEST_TEXT, clip, mrkdwn};
use crate::deliver::notify::Message;
use crate::deliver::render::words::{at, lasted};
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;

/// Shows that what a message says failed is over; `None` where it is no such message.
pub fn over_slack(message: &Message, since: Timestamp, ended: Timestamp) -> Option<Message> {
    let over = |text: &str, longest| {
        let rest = text.strip_prefix("❌ ")?;
        let end = ", over now";
        let rest = clip(rest, longest - end.chars().count() - 2);
        Some(format!("✅ {rest}{end}"))
    };
    let mut blocks = message.blocks.as_array()?.clone();
    let title = blocks.first_mut()?.pointer_mut("/text/text")?;
    *title = over(title.as_str()?, LONGEST_HEADER)?.into();
    let stood = Duration::try_from(ended.duration_since(since));
    let after = lasted(stood.unwrap_or_default());
    let words = format!("over {}, after {after}", at(ended));
    blocks.push(json!({ "type": "context", "elements": [mrkdwn(&words)] }));
    Some(Message {
        text: over(&message.text, LONGEST_TEXT)?,
        blocks: blocks.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::render::notice_slack;

    #[test]
    fn only_what_failed_is_over() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let lines = ["✗ api: no such image".to_owned()];
        let message = |title: &str| notice_slack(title, &lines, at(0), None);
        let over = over_slack(&message("❌ shop: 1 failed"), at(0), at(60)).unwrap();
        assert_eq!(over.text, "✅ shop: 1 failed, over now");
        let said = over.blocks.to_string();
        assert!(
            said.contains("no such image") && said.contains("after 1m"),
            "{said}"
        );
        assert!(said.contains("✅ shop: 1 failed, over now"), "{said}");
        assert_eq!(over_slack(&over, at(0), at(60)), None);
        let long = format!("❌ {}", "x".repeat(400));
        let over = over_slack(&message(&long), at(0), at(60)).unwrap();
        assert!(over.text.chars().count() <= LONGEST_TEXT && over.text.ends_with(", over now"));
    }
}
