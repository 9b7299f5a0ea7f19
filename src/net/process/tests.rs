//! Real programs of every Unix: cat, env, sh as the child (never as a way to start one).

use super::*;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

fn shell(script: &str) -> Command {
    Command::new("sh").arg("-c").arg(script)
}

#[tokio::test]
async fn input_output_and_status_come_through() {
    let output = run(shell("cat; echo talk >&2; exit 3").stdin("data"))
        .await
        .unwrap();
    assert_eq!(output.stdout, b"data");
    assert_eq!(output.talk(), "talk");
    assert_eq!(output.status.code(), Some(3));
}

#[tokio::test]
async fn the_environment_is_what_was_named() {
    let output = run(Command::new("env").env("NAMED", "yes")).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<&str> = text
        .lines()
        .filter_map(|l| Some(l.split_once('=')?.0))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LC_ALL", "NAMED", "PATH"]);
}

#[tokio::test]
async fn a_bare_program_gets_nothing_of_our_environment_and_is_found_all_the_same() {
    let output = run(Command::new("env").bare().env("HOME", "/nowhere"));
    let text = String::from_utf8(output.await.unwrap().stdout).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["HOME=/nowhere", "LC_ALL=C.UTF-8"]);
    let missing = run(Command::new("no-such-program").bare()).await;
    assert!(matches!(missing, Err(ProcessError::Missing { .. })));
}

#[tokio::test]
async fn arguments_are_not_read_by_a_shell() {
    let output = run(Command::new("printf").args(["%s", "$(id); `id` \"'"]))
        .await
        .unwrap();
    assert_eq!(output.stdout, b"$(id); `id` \"'");
}

#[tokio::test]
async fn a_late_program_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "sleep 600 & echo $! > {}/child; wait",
        folder.path().display()
    );
    let start = Instant::now();
    let error = run(shell(&script).deadline(Duration::from_millis(500)))
        .await
        .unwrap_err();
    assert!(matches!(error, ProcessError::Timeout { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(120));
    let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
    until_gone(child.trim());
}

#[tokio::test]
async fn a_program_that_nobody_waits_for_any_more_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("child");
    let script = format!("echo $$ > {}; sleep 60", file.display());
    {
        let running = run(shell(&script));
        tokio::pin!(running);
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while std::fs::read_to_string(&file)
            .unwrap_or_default()
            .is_empty()
        {
            assert!(
                std::time::Instant::now() < deadline,
                "the program did not start"
            );
            let pause = tokio::time::sleep(Duration::from_millis(5));
            tokio::select! { _ = &mut running => panic!("it ended"), () = pause => {} }
        }
    }
    until_gone(std::fs::read_to_string(&file).unwrap().trim());
}

#[tokio::test]
async fn output_over_the_limit_is_dropped() {
    let output = run(shell("head -c 100000 /dev/zero").output_limit(10))
        .await
        .unwrap();
    assert_eq!(output.stdout.len(), 10);
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let error = run(Command::new("no-such-program")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "start no-such-program: it is not installed"
    );
}

#[test]
fn a_secret_in_the_environment_is_not_shown() {
    let command = Command::new("env").secret_env("TOKEN", &crate::model::Secret::new("canary"));
    assert!(!format!("{command:?}").contains("canary"));
}

#[test]
fn a_piped_program_answers_piece_by_piece() {
    let mut piped = Piped::spawn(&shell("echo hello >&2; cat")).unwrap();
    let mut answer = [0; 4];
    for word in ["ping", "pong"] {
        piped
            .stdin
            .as_mut()
            .unwrap()
            .write_all(word.as_bytes())
            .unwrap();
        piped
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut answer)
            .unwrap();
        assert_eq!(answer, word.as_bytes());
    }
    let (status, talk) = piped.wait().unwrap();
    assert!(status.success());
    assert_eq!(talk, "hello\n");
}

#[test]
fn a_piped_program_past_its_deadline_is_killed() {
    let command = Command::new("sleep")
        .arg("60")
        .deadline(Duration::from_millis(100));
    let mut piped = Piped::spawn(&command).unwrap();
    let mut rest = Vec::new();
    piped
        .stdout
        .as_mut()
        .unwrap()
        .read_to_end(&mut rest)
        .unwrap();
    let (status, _) = piped.wait().unwrap();
    assert!(!status.success());
}

#[test]
fn a_dropped_piped_program_is_gone() {
    let piped = Piped::spawn(&Command::new("sleep").arg("600")).unwrap();
    let id = piped.child.id().to_string();
    drop(piped);
    until_gone(&id);
}

/// Waits until no process, zombies apart, has this number.
fn until_gone(id: &str) {
    let start = Instant::now();
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        if stat.is_empty() || stat.contains(") Z ") {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "{id} lives on");
        std::thread::yield_now();
    }
}
