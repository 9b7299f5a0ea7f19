//! What a branch that anybody may push could ask about a secret: nothing. Its plan says the same
//! whatever the secret is, until it is merged.

use super::recorder::{REPOSITORY, Recorder};
use super::{World, environment};
use serde_json::json;

const SECRET: &str = "Sup3r-Secret!";

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

#[test]
fn a_plan_answers_no_question_about_a_secret_before_the_merge() {
    let (world, recorder) = (World::new(), Recorder::start());
    world.variable("K", SECRET);
    world.variable("GITHUB", "github-token");
    world.settings(|settings| {
        settings["repositories"][0]["github"] = REPOSITORY.into();
        settings["github"] = json!({ "token": { "env": "GITHUB" }, "apiUrl": recorder.url });
    });
    let commit = world.commit(&[("shop.yaml", &spec("YES"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    // A right guess and a wrong one, each as a value and as a mistake.
    for (nth, ask) in [
        "secrets.k.startsWith('Sup3') ? 'YES' : 'NO'",
        "secrets.k.startsWith('Nope') ? 'YES' : 'NO'",
        "['YES'].filter(c, secrets.k.startsWith('Sup3'))[0]",
        "['YES'].filter(c, secrets.k.startsWith('Nope'))[0]",
    ]
    .iter()
    .enumerate()
    {
        world.git(&["checkout", "--quiet", "-B", "change", "main"]);
        let text = spec(&format!("${{{ask}}}"));
        let head = world.commit(&[("shop.yaml", &text)]);
        world.git(&["update-ref", "refs/pull/1/head", &head]);
        world.git(&["checkout", "--quiet", "main"]);
        recorder.open_pull(&head);
        let plan = daemon.until(format!("plan {nth} is a comment"), |_| {
            let sent = recorder.sent();
            let mut comments = sent
                .into_iter()
                .filter(|sent| sent.contains("comments") && sent.contains(&head[..7]));
            comments.next()
        });
        let line = "content = (sensitive) -> (sensitive) (known after apply)";
        assert!(plan.contains(line), "{ask}: {plan}");
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
