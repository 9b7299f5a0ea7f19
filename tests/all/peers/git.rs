//! Real Git: repositories made with the `git` program, and the three kinds of servers people run.

use super::process::{Guarded, free_port};
use super::wait::until;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The user and the password that [`Web`] wants.
pub(crate) const USER: &str = "robot";
/// Nothing else in the tests is called so: it must never be seen in an output.
pub(crate) const TOKEN: &str = "canary-git-token";

/// A bare repository `repo.git` in a folder that servers can serve, and a working folder that pushes to it.
#[derive(Debug)]
pub(crate) struct World {
    folder: tempfile::TempDir,
}

impl World {
    /// Makes the repository, empty.
    pub(crate) fn empty() -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let root = world.root();
        std::fs::create_dir(root.join("work")).unwrap();
        world.git(&["init", "--quiet", "--bare", "-b", "main", "../repo.git"]);
        world.git(&["init", "--quiet", "-b", "main", "."]);
        world.git(&["remote", "add", "origin", "../repo.git"]);
        world
    }

    /// Makes the repository with one commit on `main`: `a.yaml`, `b.yaml`, `k8s/api.yaml`.
    pub(crate) fn new() -> Self {
        let world = Self::empty();
        for file in ["a.yaml", "b.yaml", "k8s/api.yaml"] {
            world.write(file, &format!("name: {file}\n"));
        }
        world.commit("first");
        world.push("main");
        world
    }

    /// The folder that a server serves.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The bare repository.
    pub(crate) fn bare(&self) -> PathBuf {
        self.root().join("repo.git")
    }

    /// The working folder.
    pub(crate) fn work(&self) -> PathBuf {
        self.root().join("work")
    }

    /// Writes a file of the working folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits everything in the working folder and tells the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Pushes by force: `main`, or `HEAD:refs/pull/7/head`.
    pub(crate) fn push(&self, what: &str) {
        self.git(&["push", "--quiet", "--force", "origin", what]);
    }

    /// Runs git in the working folder and tells what it printed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.work(), arguments)
    }
}

/// Runs git in a folder and tells what it printed.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    git_at(folder, &format!("{} +0000", clock()), arguments)
}

/// Runs git in a folder, which commits at this time, and tells what it printed.
pub(crate) fn git_at(folder: &Path, time: &str, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Ada")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "ada@example.com")))
        .env("GIT_COMMITTER_DATE", time)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A minute later at each call: commits of real branches are not all of one second.
fn clock() -> u64 {
    static MINUTES: AtomicU64 = AtomicU64::new(0);
    1_767_225_600 + 60 * MINUTES.fetch_add(1, Ordering::Relaxed)
}

/// `git http-backend` behind nginx, which wants [`USER`] and [`TOKEN`].
#[derive(Debug)]
pub(crate) struct Web {
    /// The address of the repository.
    pub(crate) url: String,
    folder: tempfile::TempDir,
    _nginx: Guarded,
    _backend: Guarded,
}

impl Web {
    /// Serves a world over `http://`.
    pub(crate) fn start(world: &World) -> Self {
        Self::serve(world, false)
    }

    /// Serves a world over `https://`, with a certificate of [`Web::authority`].
    pub(crate) fn start_tls(world: &World) -> Self {
        Self::serve(world, true)
    }

    /// The certificate authority's file.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn serve(world: &World, tls: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, path) = (free_port(), folder.path());
        let socket = path.join("fcgi.sock");
        std::fs::write(path.join("users"), format!("{USER}:{{PLAIN}}{TOKEN}\n")).unwrap();
        let tls_lines =
            "ssl; ssl_certificate @folder@/leaf.pem; ssl_certificate_key @folder@/leaf.key;";
        if tls {
            certify(path);
        }
        let config = NGINX
            .replace("@tls@;", if tls { tls_lines } else { ";" })
            .replace("@port@", &port.to_string())
            .replace("@root@", world.root().to_str().unwrap())
            .replace("@folder@", path.to_str().unwrap());
        let user = if rustix::process::getuid().is_root() {
            "user root;"
        } else {
            ""
        };
        std::fs::write(path.join("nginx.conf"), format!("{user}\n{config}")).unwrap();
        let run = |program: &str, arguments: &[&str]| {
            Guarded::start(&found(program), arguments, path, &[("HOME", "/")], false)
        };
        let address = format!("unix:{}", socket.display());
        let backend = run("fcgiwrap", &["-c", "2", "-s", &address]);
        let conf = path.join("nginx.conf");
        let mut nginx = run("nginx", &["-c", conf.to_str().unwrap()]);
        until("fcgiwrap listens", WAIT, || socket.exists().then_some(()));
        listening(port, &mut nginx);
        Self {
            url: format!(
                "{}://127.0.0.1:{port}/repo.git",
                if tls { "https" } else { "http" }
            ),
            folder,
            _nginx: nginx,
            _backend: backend,
        }
    }

    /// The size of each answer, in bytes, in order: `POST 1234`.
    pub(crate) fn answers(&self) -> Vec<(String, u64)> {
        let log =
            std::fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
        log.lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(method, size)| (method.to_owned(), size.parse().unwrap()))
            .collect()
    }
}

/// Makes a certificate authority, and a certificate for loopback by it.
pub(super) fn certify(folder: &Path) {
    let run = |arguments: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"]);
        command.args(["-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        let output = command
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    run(&[
        "-subj",
        "/CN=test-ca",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ]);
    let names = [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=CA:FALSE",
    ];
    let signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-subj", "/CN=leaf"];
    let files = ["-keyout", "leaf.key", "-out", "leaf.pem"];
    run(&[&names[..], &signed, &files].concat());
}

const NGINX: &str = "
daemon off; master_process off; worker_processes 1;
pid @folder@/nginx.pid; error_log @folder@/error.log;
events { worker_connections 64; }
http {
  log_format sizes '$request_method $body_bytes_sent';
  access_log @folder@/access.log sizes;
  client_body_temp_path @folder@/body; proxy_temp_path @folder@/proxy; fastcgi_temp_path @folder@/fastcgi;
  uwsgi_temp_path @folder@/uwsgi; scgi_temp_path @folder@/scgi;
  server {
    listen 127.0.0.1:@port@ @tls@;
    auth_basic git; auth_basic_user_file @folder@/users;
    location / {
      fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
      fastcgi_param GIT_PROJECT_ROOT @root@; fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param PATH_INFO $uri; fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param REMOTE_USER $remote_user;
      fastcgi_pass unix:@folder@/fcgi.sock;
    }
  }
}
";

/// `git daemon`.
#[derive(Debug)]
pub(crate) struct Daemon {
    /// The address of the repository.
    pub(crate) url: String,
    _program: Guarded,
}

impl Daemon {
    /// Serves a world.
    pub(crate) fn start(world: &World) -> Self {
        let port = free_port();
        let arguments = [
            "daemon".to_owned(),
            "--export-all".to_owned(),
            "--reuseaddr".to_owned(),
            "--listen=127.0.0.1".to_owned(),
            format!("--port={port}"),
            format!("--base-path={}", world.root().display()),
        ];
        let mut program = Guarded::start(&found("git"), &arguments, world.root(), &[], false);
        listening(port, &mut program);
        Self {
            url: format!("git://127.0.0.1:{port}/repo.git"),
            _program: program,
        }
    }
}

/// `sshd` with a host key of its own, one user's key let in.
#[derive(Debug)]
pub(crate) struct Ssh {
    /// The address of the repository.
    pub(crate) url: String,
    folder: tempfile::TempDir,
    _program: Guarded,
}

impl Ssh {
    /// Serves a world; `accept` says whether it takes `GIT_PROTOCOL` as hosting services do.
    pub(crate) fn start(world: &World, accept: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, path) = (free_port(), folder.path());
        for key in ["host", "user", "stranger"] {
            let file = path.join(key);
            let arguments = ["-q", "-t", "ed25519", "-N", "", "-f"];
            let made = Command::new("ssh-keygen")
                .args(arguments)
                .arg(file)
                .status();
            assert!(made.unwrap().success());
        }
        std::fs::copy(path.join("user.pub"), path.join("allowed")).unwrap();
        let host = std::fs::read_to_string(path.join("host.pub")).unwrap();
        std::fs::write(
            path.join("known hosts"),
            format!("[127.0.0.1]:{port} {host}"),
        )
        .unwrap();
        let other = std::fs::read_to_string(path.join("stranger.pub")).unwrap();
        std::fs::write(
            path.join("other hosts"),
            format!("[127.0.0.1]:{port} {other}"),
        )
        .unwrap();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {0}/host\nAuthorizedKeysFile {0}/allowed\n\
             PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n{1}",
            path.display(),
            if accept {
                "AcceptEnv GIT_PROTOCOL\n"
            } else {
                ""
            }
        );
        std::fs::write(path.join("sshd_config"), config).unwrap();
        // Debian makes it at boot, where there is one.
        let _there_or_not_root = std::fs::create_dir_all("/run/sshd");
        let conf = path.join("sshd_config");
        let arguments = ["-D", "-e", "-f", conf.to_str().unwrap()];
        let mut program = Guarded::start(&found("sshd"), &arguments, path, &[], false);
        listening(port, &mut program);
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        Self {
            url: format!(
                "ssh://{}@127.0.0.1:{port}{}",
                user.trim(),
                world.bare().display()
            ),
            folder,
            _program: program,
        }
    }

    /// A file of its folder: the keys `user` and `stranger`, `known hosts`, `other hosts`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

const WAIT: Duration = Duration::from_secs(120);

/// Debian keeps servers where only root's PATH leads.
fn found(program: &str) -> PathBuf {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin"];
    let mut places = folders.iter().map(|folder| Path::new(folder).join(program));
    places
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{program} is missing: run `tests/peers/install git`"))
}

fn listening(port: u16, program: &mut Guarded) {
    until(format!("something listens on {port}"), WAIT, || {
        program.assert_running();
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
}
