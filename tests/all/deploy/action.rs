//! The GitHub Action: held to the schema its like are published under, and its steps run as a runner runs them.

use super::deploy;
use crate::peers::process::installed;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The action as it stands in the repository.
pub(crate) struct Action(Value);

/// What became of its steps.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    /// The first step that failed.
    pub(crate) failed: Option<String>,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) summary: String,
    /// What steps that failed said on stderr.
    pub(crate) said: String,
}

impl Ran {
    pub(crate) fn output(&self, name: &str) -> &str {
        &self.outputs[name]
    }
}

impl Action {
    /// The expression that tells whether a pull request comes from a fork.
    pub(crate) const FROM_FORK: &'static str = "github.event.pull_request && github.event.pull_request.head.repo.full_name != github.repository";
    /// The condition under which a comment is written.
    pub(crate) const COMMENTS: &'static str = "always() && inputs.comment == 'true' && github.event.pull_request && github.event.pull_request.head.repo.full_name == github.repository";

    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(deploy("github-action/action.yml")).unwrap();
        Self(serde_yaml::from_str(&text).unwrap())
    }

    fn steps(&self) -> &Vec<Value> {
        self.0["runs"]["steps"].as_array().unwrap()
    }

    /// Runs the steps in a folder, each in bash as GitHub does (docs, "jobs.<job_id>.steps[*].shell"), with the
    /// values of expressions, of which the rest is what the action itself says. Only these variables are set.
    pub(crate) fn run(&self, folder: &Path, given: &[(&str, &str)], more: &[(&str, &str)]) -> Ran {
        let runner = tempfile::tempdir().unwrap();
        let at = |name: &str| runner.path().join(name);
        let mut values: BTreeMap<String, String> = BTreeMap::from([
            (Self::FROM_FORK.to_owned(), "false".to_owned()),
            (Self::COMMENTS.to_owned(), "true".to_owned()),
        ]);
        for (name, input) in self.0["inputs"].as_object().unwrap() {
            let default = input["default"].as_str().unwrap().to_owned();
            values.insert(format!("inputs.{name}"), default);
        }
        values.extend(
            given
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let mut ran = Ran::default();
        for step in self.steps() {
            let goes = match step["if"].as_str() {
                Some(condition) => values[condition] == "true",
                None => ran.failed.is_none(),
            };
            if !goes {
                continue;
            }
            std::fs::write(at("script"), step["run"].as_str().unwrap()).unwrap();
            std::fs::write(at("output"), "").unwrap();
            let mut command = Command::new("bash");
            command
                .args(["--noprofile", "--norc", "-eo", "pipefail"])
                .arg(at("script"))
                .current_dir(folder)
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap())
                .env("GITHUB_ACTION_PATH", deploy("github-action"))
                .env("GITHUB_OUTPUT", at("output"))
                .env("GITHUB_STEP_SUMMARY", at("summary"))
                .env("RUNNER_TEMP", runner.path())
                .envs(more.iter().copied());
            for (name, value) in step["env"].as_object().unwrap() {
                let value = value.as_str().unwrap();
                let expression = value
                    .strip_prefix("${{ ")
                    .and_then(|rest| rest.strip_suffix(" }}"));
                command.env(name, &values[expression.unwrap()]);
            }
            let output = command.output().unwrap();
            if !output.status.success() {
                ran.said += &String::from_utf8_lossy(&output.stderr);
                ran.failed
                    .get_or_insert(step["name"].as_str().unwrap().to_owned());
            }
            for line in std::fs::read_to_string(at("output")).unwrap().lines() {
                let (name, value) = line.split_once('=').unwrap();
                if let Some(id) = step["id"].as_str() {
                    values.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
                }
                ran.outputs.insert(name.to_owned(), value.to_owned());
            }
        }
        ran.summary = std::fs::read_to_string(at("summary")).unwrap_or_default();
        ran
    }
}

#[test]
fn it_is_as_its_schema_says() {
    let check = |file: &Path| {
        Command::new(installed("ci").join("bin/check-jsonschema"))
            .args(["--builtin-schema", "vendor.github-actions"])
            .arg(file)
            .output()
            .unwrap()
    };
    let file = deploy("github-action/action.yml");
    let said = check(&file);
    assert!(said.status.success(), "{said:?}");
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("action.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&wrong, text.replace("shell: bash", "shel: bash")).unwrap();
    assert!(!check(&wrong).status.success(), "the check can fail");
}

#[test]
fn nothing_from_outside_becomes_part_of_a_script() {
    for step in Action::read().steps() {
        let script = step["run"].as_str().unwrap();
        assert!(!script.contains("${{"), "{step}");
        assert!(
            step["uses"].is_null(),
            "what it used would have to be pinned: {step}"
        );
    }
}
