//! Health by a rule of the spec, in the place of what is known of a kind. An object that is being deleted,
//! and one whose controller has not seen the change yet, are not asked: what they say is of before.

use super::is_seen;
use crate::model::{Health, HealthRule, Value};
use crate::provider::kubernetes::dry_run;
use crate::provider::kubernetes::seal::Sealer;
use crate::provider::kubernetes::target::Target;
use serde_json::Value as Json;

/// Tells by the first rule that fits whether an object works; where none does, what was told stands.
pub(in crate::provider::kubernetes) fn ruled(
    (rules, target): (&[HealthRule], &Target),
    live: &Json,
    sealer: &Sealer<'_>,
    told: Health,
) -> Health {
    if rules.is_empty() || live["metadata"]["deletionTimestamp"].is_string() {
        return told;
    }
    let mut object = live.clone();
    dry_run::with_type(&mut object, target);
    let fits = |said: &Option<String>, key: &str| {
        said.as_deref()
            .is_none_or(|said| object[key].as_str() == Some(said))
    };
    let mut rules = rules.iter();
    let rule = rules.find(|rule| fits(&rule.api_version, "apiVersion") && fits(&rule.kind, "kind"));
    let Some(rule) = rule else { return told };
    let observes = object["status"]["observedGeneration"].is_number();
    if observes && !is_seen(&object) {
        return Health::Progressing(super::UNSEEN.to_owned());
    }
    rule.judge.judged(&sealer.seal(Value::from_json(object)))
}
