//! The demo on a real cluster: the whole story is told, and the cluster is left as it was found.

use crate::peers::kubernetes::cluster;
use crate::peers::wait::until;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(180);

/// A demo that plays; killed when dropped.
struct Demo {
    child: Child,
    folder: tempfile::TempDir,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [out, err] = ["out", "err"].map(|name| File::create(folder.path().join(name)).unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_reconciled"))
            .args(["demo", "--context", "peers"])
            .args(arguments)
            .env("KUBECONFIG", cluster().kubeconfig())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    fn read(&self, name: &str) -> String {
        let bytes = std::fs::read(self.folder.path().join(name)).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn told(&self) -> String {
        self.read("out")
    }

    #[track_caller]
    fn until(&mut self, what: &str) {
        until(format!("{what:?} is told"), PATIENCE, || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{}{}", self.told(), self.read("err"));
            self.told().contains(what).then_some(())
        });
    }

    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    #[track_caller]
    fn ended(&mut self) -> ExitStatus {
        until("the demo ends", PATIENCE, || self.child.try_wait().unwrap())
    }

    /// The namespace it played in.
    fn namespace(&self) -> String {
        let told = self.told();
        let (_, after) = told
            .split_once("Removing the namespace ")
            .unwrap_or_else(|| panic!("{told}"));
        after.split_whitespace().next().unwrap().to_owned()
    }

    /// What it left of its own folder.
    fn left(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _gone_already = self.child.kill();
            let _status = self.child.wait();
        }
    }
}

fn assert_removed(demo: &Demo) {
    let namespace = demo.namespace();
    assert!(namespace.starts_with("reconciled-demo-"), "{namespace}");
    assert_eq!(
        cluster().get(&format!("/api/v1/namespaces/{namespace}")),
        None
    );
}

/// Panics where the texts do not follow each other in what was told.
#[track_caller]
fn assert_in_order(told: &str, texts: &[&str]) {
    let mut rest = told;
    for text in texts {
        let (_, after) = rest
            .split_once(text)
            .unwrap_or_else(|| panic!("{text:?} is not told, or out of order:\n{told}"));
        rest = after;
    }
}

#[test]
fn the_story_on_a_cluster_is_told_to_its_end_and_leaves_nothing_behind() {
    let mut demo = Demo::start(&["--exit"]);
    let status = demo.ended();
    let told = demo.told();
    assert!(status.success(), "{told}{}", demo.read("err"));
    assert_in_order(
        &told,
        &[
            "environments/demo.yaml",
            "3 to create",
            "The daemon starts",
            "Slack",
            "`namespace`: created",
            "edit configmap shop",
            "Slack",
            "\"HACKED\"",
            "kubectl-edit",
            "GitHub pull request #1, comment",
            "1 to update",
            "Lovely to see you",
            "It is merged",
            "GitHub pull request #1, comment",
            "Applied",
            "greeting: Lovely to see you",
            "Removing the namespace",
        ],
    );
    assert_removed(&demo);
    assert_eq!(demo.left(), Vec::<PathBuf>::new());
}

#[test]
fn stopped_in_the_middle_it_leaves_the_cluster_as_it_was_too() {
    let mut demo = Demo::start(&[]);
    demo.until("Somebody edits an object by hand");
    demo.interrupt();
    assert_eq!(demo.ended().code(), Some(1), "{}", demo.told());
    assert!(
        demo.read("err").contains("it was stopped"),
        "{}",
        demo.read("err")
    );
    assert!(!demo.told().contains("It is merged"), "{}", demo.told());
    assert_removed(&demo);
    let left = demo.left();
    assert!(
        left.len() == 1 && demo.told().contains(left[0].to_str().unwrap()),
        "{left:?}"
    );
}
