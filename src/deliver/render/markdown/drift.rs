//! The pull request that keeps what was changed by hand: what it writes, what it cannot and why, who did it, and
//! what merging and closing do.

use super::paper::Paper;
use super::{Page, escape};
use crate::deliver::render::{lines, touched};
use crate::graph::keep::{Fate, Kept, KeptField};
use crate::model::{EnvironmentName, Step};

/// What was changed by hand in an environment.
#[derive(Clone, Copy, Debug)]
pub struct Drifting<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// What is written into its specs, and what is not.
    pub written: &'a Kept,
    /// The steps that would put it back.
    pub steps: &'a [Step],
}

/// Says what merging keeps and closing puts back.
pub fn drift_markdown(drifting: &Drifting<'_>, page: &Page<'_>) -> String {
    let name = escape::text(drifting.environment.as_str());
    let mut paper = Paper::default();
    paper.open(page.opening(&format!("🔶 {name} was changed by hand")));
    paper.open("**Merging this keeps what is live**: Git declares it from then on, and nothing is applied. **Closing it puts back what Git declares**, of all that is named here. Until then nothing of it is touched, and this request follows what is live.\n\n");
    let (mut written, mut left) = (Vec::new(), Vec::new());
    for field in &drifting.written.fields {
        match &field.fate {
            Fate::Written { file, note } => {
                let file = escape::code(file.as_str());
                let note = note.as_deref().map(escape::reason);
                let note = note.map_or_else(String::new, |note| format!(" – {note}"));
                written.push(format!("{}, in {file}{note}", what(field)));
            }
            Fate::Left(why) => left.push(format!("{} – {}", what(field), escape::reason(why))),
        }
    }
    paper.list(
        "Kept by merging: what Git declares → what is live",
        &written,
    );
    paper.list(
        "Cannot be kept this way; after merging it still differs",
        &left,
    );
    let by = drifting.steps.iter().filter_map(|step| {
        let by = touched(step);
        let resource = escape::code(&step.address.resource.to_string());
        (!by.is_empty()).then(|| format!("{resource}: {}", escape::text(&by.join(", "))))
    });
    paper.list("Changed by", &by.collect::<Vec<_>>());
    paper.finish(&page.freshness("Found"))
}

fn what(field: &KeptField) -> String {
    let resource = escape::code(&field.address.resource.to_string());
    let Some(change) = &field.change else {
        return resource;
    };
    let path = escape::code(&change.path.to_string());
    let inline = |value: &Option<_>| value.as_ref().map(lines::inline);
    let side = |value: Option<String>| match value {
        None => "nothing".to_owned(),
        Some(value) => escape::code(&value),
    };
    match (inline(&change.after), inline(&change.before)) {
        // What is masked or cut looks alike; the files say more where they may.
        (declared, live) if declared == live => format!("{resource} {path}: changed"),
        (declared, live) => format!("{resource} {path}: {} → {}", side(declared), side(live)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, FieldPath, Origin, RepoPath, Revision, Secret, Segment, Value};
    use jiff::Timestamp;

    fn field(path: &str, sides: [Value; 2], fate: Fate) -> KeptField {
        let [declared, live] = sides;
        KeptField {
            address: "shop/page".parse().unwrap(),
            change: Some(Change {
                path: FieldPath(vec![Segment::Key(path.to_owned())]),
                before: Some(live),
                after: Some(declared),
                origin: Origin::Drift,
                was: None,
                forces_replace: false,
            }),
            fate,
        }
    }

    #[test]
    fn it_says_what_merging_keeps_and_closing_puts_back_and_no_secret() {
        let texts = ["a`b\n", "@all"].map(|text| Value::String(text.to_owned()));
        let secrets = ["canary1", "canary2"].map(|text| Value::Secret(Secret::new(text)));
        let file = RepoPath::new("shop.yaml").unwrap();
        let note = Some("`${vars.x}` made it; it is written out now".to_owned());
        let written = Kept {
            fields: vec![
                field("content", texts, Fate::Written { file, note }),
                field("token", secrets, Fate::Left("it is sensitive".to_owned())),
            ],
            ..Kept::default()
        };
        let drifting = Drifting {
            environment: &EnvironmentName::new("shop").unwrap(),
            written: &written,
            steps: &[],
        };
        let page = Page {
            marker: "<!-- m -->",
            revision: &Revision::new("0123456789"),
            at: Timestamp::UNIX_EPOCH,
        };
        insta::assert_snapshot!(drift_markdown(&drifting, &page), @r#"
        <!-- m -->
        ### 🔶 shop was changed by hand

        **Merging this keeps what is live**: Git declares it from then on, and nothing is applied. **Closing it puts back what Git declares**, of all that is named here. Until then nothing of it is touched, and this request follows what is live.

        **Kept by merging: what Git declares → what is live**

        - `page` `content`: ``"a`b\n"`` → `"@all"`, in `shop.yaml` – &#96;&#36;{vars.x}&#96; made it; it is written out now

        **Cannot be kept this way; after merging it still differs**

        - `page` `token`: changed – it is sensitive

        <sub>Found 1970-01-01 00:00 UTC for `0123456789`.</sub>
        "#);
    }
}
