//! That messages were dropped because more waited than are kept: nobody takes silence for peace.

use super::Draft;
use crate::deliver::notify::Message;
use crate::deliver::render::words::many;

/// Says how many messages to a channel were dropped.
pub fn dropped_slack(count: usize) -> Message {
    let were = if count == 1 { "was" } else { "were" };
    let said = many(count, "message");
    let mut draft = Draft::new(&format!(
        "🔶 reconciled: {said} to this channel {were} dropped"
    ));
    draft.lines(&[
        "More waited than are kept while Slack could not be reached or kept up with; the mildest went first."
            .to_owned(),
    ]);
    draft.finish("`reconciled status` and `reconciled history list` tell how everything stands")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_many() {
        let one = dropped_slack(1);
        assert_eq!(
            one.text,
            "🔶 reconciled: 1 message to this channel was dropped"
        );
        let many = dropped_slack(12);
        assert_eq!(
            many.text,
            "🔶 reconciled: 12 messages to this channel were dropped"
        );
    }
}
