//! What the expressions of all environments of one repository may cost together: a file of many
//! environments must not do what one of them may not.

use crate::spec::expression::Fuel;
use std::sync::atomic::{AtomicU64, Ordering};

/// Enough for ten environments that cost as much as one may, or for thousands of usual ones.
const MOST_OF_REPOSITORY: u64 = 50_000_000;

/// What is left for the environments of one state of one repository.
#[derive(Debug)]
pub struct Allowance(AtomicU64);

impl Default for Allowance {
    fn default() -> Self {
        Self(AtomicU64::new(MOST_OF_REPOSITORY))
    }
}

impl Allowance {
    pub(super) fn fuel(&self) -> Fuel {
        Fuel::at_most(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn spend(&self, fuel: &Fuel) {
        let less = |left: u64| Some(left.saturating_sub(fuel.used()));
        let _never_fails = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::built_within;
    use super::super::{Diagnostic, Graph};
    use super::*;
    use crate::spec::tests::environment;
    use std::fmt::Write as _;

    /// Resources with an expression each that costs a good part of what one may.
    fn costly(count: usize) -> String {
        let ten = "[1,2,3,4,5,6,7,8,9,10]";
        let costly = format!("${{string({ten}.map(a,{ten}.map(b,{ten}.map(c,c))).size())}}");
        (0..count).fold(String::new(), |mut text, nth| {
            writeln!(
                text,
                "    f{nth}: {{ kind: host/file, spec: {{ path: /{nth}, content: \"{costly}\" }} }}"
            )
            .unwrap();
            text
        })
    }

    fn built(resources: &str, allowance: &Allowance) -> Result<Graph, Vec<Diagnostic>> {
        let head = "  vars: { region: nyc3 }\n  connections: { host: { provider: host } }\n";
        let text = environment(&format!("{head}  resources:\n{resources}"));
        built_within(&[("e.yaml", &text)], allowance)
    }

    #[test]
    fn many_costly_expressions_are_one_mistake_with_its_place() {
        let wrong = built(&costly(400), &Allowance::default()).unwrap_err();
        assert_eq!(wrong.len(), 1, "{wrong:#?}");
        assert_eq!(wrong[0].code, "environment-too-costly");
        assert!(wrong[0].location.line > 10, "{wrong:#?}");
        assert!(wrong[0].message.contains("of the environment"));
    }

    #[test]
    fn environments_of_one_repository_share_what_they_may_cost() {
        let few = costly(10);
        let measured = Allowance::default();
        built(&few, &measured).unwrap();
        let one = MOST_OF_REPOSITORY - measured.0.load(Ordering::Relaxed);
        let allowance = Allowance(AtomicU64::new(one + one / 2));
        built(&few, &allowance).unwrap();
        let wrong = built(&few, &allowance).unwrap_err();
        assert_eq!(wrong.len(), 1, "{wrong:#?}");
        assert!(wrong[0].message.contains("repository"), "{wrong:#?}");
    }

    #[test]
    fn thousands_of_usual_resources_are_far_from_it() {
        let mut text = String::new();
        for nth in 0..5000 {
            writeln!(
                text,
                "    f{nth}: {{ kind: host/file, spec: {{ path: \"/${{vars.region}}/{nth}\", content: \"${{vars.region.upperAscii() + '-{nth}'}} ${{metadata.name}}\" }} }}"
            )
            .unwrap();
        }
        let allowance = Allowance::default();
        built(&text, &allowance).unwrap();
        let used = MOST_OF_REPOSITORY - allowance.0.load(Ordering::Relaxed);
        assert!(used < MOST_OF_REPOSITORY / 100, "{used}");
    }
}
