//! The nginx program: checks the configuration below a root, and tells a running nginx to load it.
//!
//! Called from blocking threads only.

use super::error::HostError;
use super::path::HostPath;
use super::root::Root;
use crate::net::{Command, Output, process};
use std::path::{Path, PathBuf};

/// The folders of nginx's configuration, as Debian and its kin lay it out.
const CONF: [&str; 3] = ["etc", "nginx", "nginx.conf"];
/// What it says where there is nothing to reload.
const NOT_RUNNING: [&str; 3] = [
    "invalid PID number",
    "No such file or directory",
    "No such process",
];

/// An installed nginx.
#[derive(Clone, Debug)]
pub(super) struct Nginx(PathBuf);

impl Nginx {
    /// Looks for it in these folders.
    pub(super) fn find(folders: &[PathBuf]) -> Option<Self> {
        let places = folders.iter().map(|folder| folder.join("nginx"));
        places.into_iter().find(|place| place.is_file()).map(Self)
    }

    /// Checks the whole configuration as it now stands: the root's `nginx.conf` where it has one,
    /// else one of our own around the enabled sites, which needs no rights.
    ///
    /// # Errors
    /// nginx refuses, with its words, or cannot be run.
    pub(super) fn check(&self, root: &Root, what: &str) -> Result<(), HostError> {
        let scratch = tempfile::tempdir().map_err(HostError::std("make", "a scratch folder"))?;
        let command = match main_conf(root)? {
            Some(conf) => self.on(root, &conf),
            None => {
                let conf = scratch.path().join("nginx.conf");
                std::fs::write(&conf, around(root.path(), scratch.path()))
                    .map_err(HostError::std("write", conf.display()))?;
                self.on(root, &conf)
            }
        };
        let output = self.run(command.arg("-t"), what)?;
        if output.status.success() {
            return Ok(());
        }
        Err(HostError::NginxRefused {
            what: what.to_owned(),
            words: words(&output, root.path()),
        })
    }

    /// Tells a running nginx of this root to load its configuration; none running is fine.
    ///
    /// # Errors
    /// nginx refuses, with its words, or cannot be run.
    pub(super) fn reload(&self, root: &Root, what: &str) -> Result<(), HostError> {
        let Some(conf) = main_conf(root)? else {
            return Ok(());
        };
        let output = self.run(self.on(root, &conf).args(["-s", "reload"]), what)?;
        let talk = output.talk();
        if output.status.success() || NOT_RUNNING.iter().any(|words| talk.contains(words)) {
            return Ok(());
        }
        Err(HostError::NginxRefused {
            what: what.to_owned(),
            words: words(&output, root.path()),
        })
    }

    fn on(&self, root: &Root, conf: &Path) -> Command {
        let command = Command::new(self.0.display().to_string());
        // The prefix is what relative paths of the configuration start from. On a whole machine it
        // stays what nginx was built with.
        let command = if root.path() == Path::new("/") {
            command
        } else {
            command.arg("-p").arg(root.path())
        };
        command.arg("-c").arg(conf)
    }

    fn run(&self, command: Command, what: &str) -> Result<Output, HostError> {
        tokio::runtime::Handle::current()
            .block_on(process::run(command))
            .map_err(|error| HostError::NginxSilent {
                what: what.to_owned(),
                reason: crate::telemetry::chain(&error),
            })
    }
}

fn main_conf(root: &Root) -> Result<Option<PathBuf>, HostError> {
    let there = root.read(&HostPath::of(&CONF))?.is_some();
    Ok(there.then(|| {
        CONF.iter()
            .fold(root.path().to_owned(), |path, part| path.join(part))
    }))
}

/// A configuration around the enabled sites that writes nowhere but into the scratch folder.
fn around(root: &Path, scratch: &Path) -> String {
    let (root, scratch) = (root.display(), scratch.display());
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("  {name}_temp_path \"{scratch}/{name}\";\n"))
        .collect();
    format!(
        "pid \"{scratch}/nginx.pid\";\nerror_log stderr;\nevents {{}}\nhttp {{\n  access_log off;\n\
         {temporary}  include \"{root}/etc/nginx/sites-enabled/*\";\n}}\n"
    )
}

/// Returns what nginx says is wrong, with paths as the spec's author knows them.
fn words(output: &Output, root: &Path) -> String {
    let talk = output.talk();
    let wrong: Vec<&str> = talk
        .lines()
        .filter_map(|line| line.split_once("[emerg] ").map(|(_, words)| words))
        .map(|words| {
            words
                .split_once(": ")
                .filter(|(number, _)| is_process(number))
                .map_or(words, |(_, rest)| rest)
        })
        .collect();
    let text = if wrong.is_empty() {
        talk.clone()
    } else {
        wrong.join("; ")
    };
    match root.to_str().filter(|root| *root != "/") {
        Some(root) => text.replace(root, ""),
        None => text,
    }
}

/// nginx begins some lines with `123#123`, its process and thread.
fn is_process(text: &str) -> bool {
    text.split_once('#').is_some_and(|(process, thread)| {
        [process, thread]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    })
}
