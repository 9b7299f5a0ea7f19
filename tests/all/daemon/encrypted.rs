//! Secrets that SOPS encrypted in the repository, by the real sops and age, through the whole program.

use super::{World, environment};
use crate::peers::process::installed;
use serde_json::json;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const CANARY: &str = "canary-of-sops";

/// Makes an age key in a file and tells its public half.
fn age_key(file: &Path) -> String {
    let keygen = installed("render").join("age-keygen");
    let made = Command::new(&keygen).arg("-o").arg(file).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let public = Command::new(&keygen).arg("-y").arg(file).output().unwrap();
    String::from_utf8(public.stdout).unwrap().trim().to_owned()
}

/// Encrypts a text as a file of this name would be.
fn encrypted(recipient: &str, name: &str, text: &str) -> String {
    let mut sops = Command::new(installed("render").join("sops"))
        .args(["encrypt", "--age", recipient, "--filename-override", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    sops.stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = sops.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(CANARY));
    text
}

/// A world whose settings name this key, with an environment that writes one secret to the host.
struct Scene {
    world: World,
    recipient: String,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let key = world.folder().join("keys.txt");
        let recipient = age_key(&key);
        let program = installed("render").join("sops");
        world.settings(|settings| {
            settings["sops"] = json!({ "program": program, "ageKey": { "file": key } });
        });
        Self { world, recipient }
    }

    fn shop(&self, source: &str) {
        let secrets = format!("  secrets: {{ token: {source} }}\n");
        let env = "    env: { kind: host/env-file, spec: { path: /shop.env, values: { TOKEN: \"${secrets.token}\" } } }\n";
        let text = environment("shop", &secrets, env);
        self.world.commit(&[("envs/shop.yaml", &text)]);
    }

    /// What planning says of this source.
    fn told(&self, source: &str) -> String {
        self.shop(source);
        let said = self.world.command(&["plan"]);
        format!("{}{}", said.stdout, said.stderr)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[test]
fn a_value_is_opened_where_it_is_used_and_stands_nowhere_else() {
    let scene = Scene::new();
    let yaml = format!("database:\n  passwords: [first, {CANARY}]\n");
    let dotenv = format!("TOKEN={CANARY}-env\n");
    let json = format!("{{ \"token\": \"{CANARY}-json\" }}");
    for (name, text) in [
        ("production.yaml", &yaml),
        ("production.env", &dotenv),
        ("production.json", &json),
    ] {
        let path = format!("secrets/{name}");
        scene
            .world
            .commit(&[(&path, &encrypted(&scene.recipient, name, text))]);
    }
    let mut daemon = scene.world.start();
    for (source, value) in [
        (
            "{ sops: ../secrets/production.yaml, key: database.passwords.1 }",
            CANARY.to_owned(),
        ),
        (
            "{ sops: ../secrets/production.env, key: TOKEN }",
            format!("{CANARY}-env"),
        ),
        (
            "{ sops: ../secrets/production.json, key: token }",
            format!("{CANARY}-json"),
        ),
    ] {
        scene.shop(source);
        daemon.until("it is written", |_| {
            let live = scene.world.live("shop.env")?;
            live.contains(&format!("{value}\n"))
                .then_some(())
                .or_else(|| live.contains(&format!("{value}\"")).then_some(()))
        });
    }
    // A new value in the file is a change like any other.
    let rotated = encrypted(
        &scene.recipient,
        "production.json",
        &json.replace("json", "rotated"),
    );
    scene.world.commit(&[("secrets/production.json", &rotated)]);
    daemon.until("it is rotated", |_| {
        scene
            .world
            .live("shop.env")?
            .contains("rotated")
            .then_some(())
    });
    let log = daemon.log();
    daemon.terminate();
    assert!(!log.contains(CANARY), "{log}");
    for entry in std::fs::read_dir(scene.world.folder().join("state")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !String::from_utf8_lossy(&bytes).contains(CANARY),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn what_cannot_be_opened_is_told_where_it_is_named_and_without_a_word_of_it() {
    let scene = Scene::new();
    let text = format!("a: {{ b: {CANARY} }}\n");
    let good = encrypted(&scene.recipient, "good.yaml", &text);
    let other = age_key(&scene.world.folder().join("other.txt"));
    let changed = good.replacen("a:", "z:", 1);
    scene.world.commit(&[
        ("secrets/good.yaml", &good),
        (
            "secrets/others.yaml",
            &encrypted(&other, "others.yaml", &text),
        ),
        ("secrets/plain.yaml", &text),
        ("secrets/changed.yaml", &changed),
        ("secrets/broken.yaml", "a: ["),
        ("secrets/good.bin", &good),
    ]);
    let source = |file: &str, key: &str| format!("{{ sops: ../secrets/{file}, key: {key} }}");
    for (source, expected) in [
        (source("good.yaml", "a.c"), "it has nothing there"),
        (source("good.yaml", "a"), "is no single value"),
        (
            source("others.yaml", "a.b"),
            "not encrypted for the age key of the settings",
        ),
        (source("plain.yaml", "a.b"), "it is not encrypted"),
        (source("changed.yaml", "z.b"), "failed to read a secret"),
        (source("broken.yaml", "a.b"), "failed to read a secret"),
        (source("good.bin", "a.b"), "its name tells no format"),
        (source("gone.yaml", "a.b"), "secrets/gone.yaml is not there"),
        (
            "{ sops: ../../outside.yaml, key: a }".to_owned(),
            "names nothing in the repository",
        ),
        (
            "{ sops: ../secrets/good.yaml }".to_owned(),
            "`key` is missing",
        ),
    ] {
        let said = scene.told(&source);
        assert!(said.contains(expected), "{source}: {said}");
        assert!(
            said.contains("envs/shop.yaml:") && !said.contains(CANARY),
            "{source}: {said}"
        );
    }
    let good = source("good.yaml", "a.b");
    scene
        .world
        .settings(|settings| settings["sops"]["program"] = json!("no-such-sops"));
    let said = scene.told(&good);
    assert!(
        said.contains("no-such-sops is not installed here"),
        "{said}"
    );
    scene
        .world
        .settings(|settings| settings["sops"] = json!({}));
    let said = scene.told(&good);
    assert!(
        said.contains("the settings name no age key") && said.contains("ageKey"),
        "{said}"
    );
}
