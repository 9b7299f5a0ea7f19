//! The story on this machine's files.

use super::repository::DemoRepository;
use super::screen::Screen;
use super::stage::Stage;
use crate::cli::{chosen, starter};
use crate::deliver::render::{Screen as Paper, plan_terminal};
use crate::model::EnvironmentName;
use anyhow::Context as _;
use std::path::Path;

const BRANCH: &str = "friendlier-greeting";

/// Plays the story in a folder.
pub(super) async fn play(folder: &Path, screen: Screen, exit: bool) -> anyhow::Result<()> {
    let environment = EnvironmentName::new("quickstart")?;
    let mut stage = Stage::build(folder, &files(folder)?, screen.clone())?;
    let page = folder.join("host/srv/shop/index.html");

    screen.chapter("A Git repository says what a host should look like");
    screen.say(&format!(
        "  {}\n",
        stage.repository.path.join(starter::ENVIRONMENT).display()
    ));
    plan(&stage).await?;

    screen.chapter("The daemon starts, and applies what was merged");
    stage.start().await?;
    stage
        .run_of(&environment, &stage.repository.head()?)
        .await?;
    stage.said(&environment).await?;
    cat(&screen, &page)?;

    screen.chapter("Somebody edits a file by hand");
    let seen = stage.last_episode().await?;
    let declared = read(&page)?;
    std::fs::write(&page, declared.replace("<h1>", "<h1>HACKED: "))
        .context("edit a file by hand")?;
    screen.say(&format!(
        "  $ sed -i 's/<h1>/<h1>HACKED: /' {}",
        page.display()
    ));
    stage.ended_episode(&environment, seen).await?;
    anyhow::ensure!(
        read(&page)? == declared,
        "see the file put back; it is still as it was edited"
    );
    cat(&screen, &page)?;

    screen.chapter("A pull request shows what its merge would do");
    change(&stage.repository)?;
    stage.pull_request(BRANCH).await?;

    screen.chapter("It is merged, and applied");
    stage.merge(BRANCH, &environment).await?;
    cat(&screen, &page)?;

    screen.chapter("That was the main job");
    if exit {
        screen
            .say("  Run it without --exit to keep the daemon up, and to edit and watch yourself.");
    } else {
        go_on(&stage, &page);
        screen.say("\nThe daemon stays up: edit and watch. Ctrl-C ends it.");
        crate::cli::stopped().await;
    }
    stage.end().await
}

/// The quick-start example, with its root below the demo's folder.
fn files(folder: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
    let (root, key) = (folder.join("host"), folder.join("session-key"));
    std::fs::create_dir_all(&root).context("make the host's folder")?;
    std::fs::write(&key, "demo-session-key\n").context("write the demo's secret")?;
    let adjust = |(name, text): (&'static str, &str)| {
        let text = starter::set(text, "root", &root.display().to_string());
        let text = starter::set(
            &text,
            "session_key",
            &format!("{{ file: \"{}\" }}", key.display()),
        );
        (name, starter::set(&text, "interval", "1s"))
    };
    Ok(starter::FILES.map(adjust).to_vec())
}

/// Shows the plan as `reconciled plan` does, before anything is there.
async fn plan(stage: &Stage) -> anyhow::Result<()> {
    let plans = chosen::plans_of(&stage.settings, &stage.repository.path).await?;
    for plan in plans {
        stage.screen.show(&plan_terminal(
            &plan,
            Paper {
                colour: stage.screen.color(),
                width: 100,
            },
        ));
    }
    Ok(())
}

fn change(repository: &DemoRepository) -> anyhow::Result<()> {
    let text = repository.read(starter::ENVIRONMENT)?;
    repository.branch(BRANCH)?;
    repository.write(
        starter::ENVIRONMENT,
        &starter::set(&text, "greeting", "Lovely to see you"),
    )?;
    repository.commit("Greet more warmly")?;
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

fn cat(screen: &Screen, path: &Path) -> anyhow::Result<()> {
    screen.say(&format!("  $ cat {}", path.display()));
    screen.show(&read(path)?);
    Ok(())
}

fn go_on(stage: &Stage, page: &Path) {
    let settings = stage.folder.join("reconciled.yaml");
    let program = std::env::current_exe();
    let program = program.map_or_else(
        |_| "reconciled".to_owned(),
        |path| path.display().to_string(),
    );
    let daemon = format!("{program} --settings {}", settings.display());
    stage.screen.say(&format!(
        "  repository  {}
  host        {}
  ledger      {}
  pages       {}

  Try, in another terminal:
    echo hello >> {}
    {daemon} status
    {daemon} history list
    {daemon} history show 1
    {daemon} pause quickstart --why 'just looking'",
        stage.repository.path.display(),
        stage.folder.join("host").display(),
        stage.settings.ledger.path.display(),
        stage.pages(),
        page.display(),
    ));
}
