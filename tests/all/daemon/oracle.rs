//! What a branch that anybody may push could ask about a secret: nothing. Its plan says the same
//! whatever the secret is, until it is merged.

use super::recorder::{REPOSITORY, Recorder};
use super::{Daemon, World, environment};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

const SECRET: &str = "Sup3r-Secret!";

/// How a plan shows what it does not tell.
const HIDDEN: &str = "content = (sensitive) -> (sensitive) (known after apply)";

fn spec(public: &str) -> String {
    let file = |id: &str, content: &str| {
        format!(
            "    {id}: {{ kind: host/file, spec: {{ path: /{id}, content: \"{content}\" }} }}\n"
        )
    };
    let secrets = "  secrets: { k: { env: K } }\n  notify: { slack: \"#infra\" }\n";
    let resources = file("private", "${secrets.k}") + &file("public", public);
    environment("shop", secrets, &resources)
}

/// A world whose daemon has the secret, and a GitHub that notes what it is sent.
fn world() -> (World, Recorder) {
    let (world, recorder) = (World::new(), Recorder::start());
    world.variable("K", SECRET);
    world.variable("GITHUB", "github-token");
    world.settings(|settings| {
        settings["repositories"][0]["github"] = REPOSITORY.into();
        settings["github"] = json!({ "token": { "env": "GITHUB" }, "apiUrl": recorder.url });
    });
    (world, recorder)
}

/// Opens a pull request with this spec, and returns the comment that the daemon writes on it.
pub(super) fn planned(
    world: &World,
    recorder: &Recorder,
    daemon: &mut Daemon<'_>,
    text: &str,
) -> String {
    world.git(&["checkout", "--quiet", "-B", "change", "main"]);
    let head = world.commit(&[("shop.yaml", text)]);
    world.git(&["update-ref", "refs/pull/1/head", &head]);
    world.git(&["checkout", "--quiet", "main"]);
    recorder.open_pull(&head);
    daemon.until(format!("{head} has a comment"), |_| {
        let sent = recorder.sent();
        let mut comments = sent
            .into_iter()
            .filter(|sent| sent.contains("comments") && sent.contains(&head[..7]));
        comments.next()
    })
}

#[test]
fn a_plan_answers_no_question_about_a_secret_before_the_merge() {
    let (world, recorder) = world();
    let commit = world.commit(&[("shop.yaml", &spec("YES"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    // A right guess and a wrong one, each as a value and as a mistake.
    for ask in [
        "secrets.k.startsWith('Sup3') ? 'YES' : 'NO'",
        "secrets.k.startsWith('Nope') ? 'YES' : 'NO'",
        "['YES'].filter(c, secrets.k.startsWith('Sup3'))[0]",
        "['YES'].filter(c, secrets.k.startsWith('Nope'))[0]",
    ] {
        let text = spec(&format!("${{{ask}}}"));
        let plan = planned(&world, &recorder, &mut daemon, &text);
        assert!(plan.contains(HIDDEN), "{ask}: {plan}");
        assert!(!plan.contains("shop/private"), "{ask}: {plan}");
    }
    // Merged, it is computed.
    world.git(&["merge", "--quiet", "change"]);
    let commit = world.commit(&[(
        "shop.yaml",
        &spec("${secrets.k.startsWith('Sup3') ? 'RIGHT' : 'NO'}"),
    )]);
    daemon.run_of("shop", &commit);
    assert_eq!(world.live("public").unwrap(), "RIGHT");
    assert_eq!(world.live("private").unwrap(), SECRET);
    assert!(daemon.terminate().0.success());
}

#[test]
fn a_plan_does_not_tell_whether_the_whole_secret_was_guessed() {
    let (world, recorder) = world();
    let commit = world.commit(&[("shop.yaml", &spec("YES"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    for guess in [SECRET, "Nop3-Secret!"] {
        // In the place of the secret, under another name, and computed from no secret at all.
        let written = spec("YES").replace("${secrets.k}", guess);
        let renamed = written.replace("    private: {", "    other: {");
        let computed = spec("YES").replace("${secrets.k}", &format!("${{'{guess}' + ''}}"));
        for text in [written, renamed, computed] {
            let plan = planned(&world, &recorder, &mut daemon, &text);
            assert!(plan.contains(HIDDEN), "{guess}: {plan}");
        }
    }
    // What the merged spec says is no guess.
    let more = spec("NO");
    let plan = planned(&world, &recorder, &mut daemon, &more);
    assert!(!plan.contains("(sensitive)"), "{plan}");
}

#[test]
fn a_secret_gets_into_no_place_where_a_plan_shows_it() {
    let (world, recorder) = world();
    let commit = world.commit(&[("shop.yaml", &spec("YES"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    let spec = spec("YES");
    let leaks = [
        "    o: { kind: host/file, spec: { path: \"/pub/${secrets.k}\", content: x } }\n",
        "    o: { kind: host/file, spec: { path: /o, content: x, owner: \"${secrets.k}\" } }\n",
        "    o: { kind: host/file, spec: { path: /o, content: x, mode: \"${secrets.k}\" } }\n",
    ];
    for leak in leaks {
        let text = format!("{spec}{leak}");
        planned(&world, &recorder, &mut daemon, &text);
        // Nor once it is merged.
        let merged = world.commit(&[("shop.yaml", &text)]);
        daemon.until(format!("{merged} was taken in"), |daemon| {
            let read = daemon.lines("Repository read").into_iter();
            let mut read = read.map(|line| line["revision"].to_string());
            read.any(|revision| revision.contains(&merged[..10]))
                .then_some(())
        });
        daemon.looked_again("shop");
        let said = recorder.sent().concat() + &daemon.log();
        let said = said + &world.command(&["status"]).stdout + &world.command(&["plan"]).stdout;
        assert!(!said.contains(SECRET), "{leak}: {said}");
    }
}

#[test]
fn a_plan_does_not_tell_what_a_private_file_of_nobody_holds() {
    let (world, recorder) = world();
    let commit = world.commit(&[("shop.yaml", &spec("YES"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    for (name, text) in [("key", "S3CRET\n"), ("env", "TOKEN=S3CRET\n")] {
        world.write_live(name, text);
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(world.host().join(name), owner_only).unwrap();
    }
    // A right guess, a wrong one, and one at the name of a variable.
    for (name, guess) in [("TOKEN", "S3CRET"), ("TOKEN", "OTHER"), ("NAME", "S3CRET")] {
        let text = format!(
            "{}    a: {{ kind: host/file, spec: {{ path: /key, content: \"{guess}\\n\", mode: \"0600\" }} }}
    b: {{ kind: host/env-file, spec: {{ path: /env, values: {{ {name}: {guess} }} }} }}\n",
            spec("YES")
        );
        let plan = planned(&world, &recorder, &mut daemon, &text);
        assert!(plan.contains(HIDDEN), "{guess}: {plan}");
        let hidden = format!("values.{name} = (sensitive) -> (sensitive) (known after apply)");
        assert!(plan.contains(&hidden), "{name} {guess}: {plan}");
        assert!(!plan.contains("other"), "{name} {guess}: {plan}");
    }
}
