//! nginx sites on a real nginx: refused and put back, loaded by a running one, not installed.

use super::original::stands;
use crate::conformance::Subject as _;
use crate::conformance::host::{OnHost, nginx_site, with};
use crate::conformance::world::World;
use crate::peers::wait::{outside, until};
use reconciled::model::{Action, Class, Fault as _};
use reconciled::provider::Host;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const BROKEN: &str = "server {\n  listen 127.0.0.1:8089\n  return 204;\n}\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nginx_refuses_is_put_back() {
    let subject = nginx_site().await;
    let mut world = World::new(&subject);
    let broken = with(&subject.declared(), &["content"], BROKEN.into());
    // At first there was nothing, so nothing is left.
    let create = world.step(&world.plan(Some(&broken)).await);
    let error = world.apply(&create).await.unwrap_err();
    assert_eq!((error.code(), error.class()), ("invalid", Class::User));
    let told = error.to_string();
    assert!(
        told.contains("invalid parameter \"return\" in /etc/nginx/sites-enabled/app:3"),
        "{told}"
    );
    assert!(!told.contains(subject.root().to_str().unwrap()), "{told}");
    let left = subject.fingerprint().await;
    assert!(left.is_empty(), "{left}");
    let records = std::fs::read_dir(subject.root().join(".reconciled/objects")).unwrap();
    assert_eq!(records.count(), 0);
    // Then there is a good one, and it stays.
    world.converge(&subject.declared()).await;
    let update = world.step(&world.plan(Some(&broken)).await);
    world.apply(&update).await.unwrap_err();
    assert!(
        !std::fs::read_to_string(subject.path())
            .unwrap()
            .contains("8089\n")
    );
    world.settled(Some(&subject.declared())).await;
}

/// Bytes, mode, owner and group.
fn whole(subject: &OnHost) -> (Vec<u8>, u32, u32, u32) {
    let about = std::fs::metadata(subject.path()).unwrap();
    let bytes = std::fs::read(subject.path()).unwrap();
    (bytes, about.mode() & 0o7777, about.uid(), about.gid())
}

/// A private site of nobody's once came back readable by all, as text, and as ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_back_has_its_bytes_mode_and_owner() {
    for ours in [false, true] {
        let subject = nginx_site().await;
        let mut world = World::new(&subject);
        world.adopts = true;
        if ours {
            world.converge(&subject.declared()).await;
        }
        stands(&subject, b"# precious \xff bytes\n", 0o600);
        if std::fs::metadata(subject.path()).unwrap().uid() == 0 {
            chown(subject.path(), Some(1234), Some(2345)).unwrap();
        }
        let before = whole(&subject);
        let broken = with(&subject.declared(), &["content"], BROKEN.into());
        let step = world.step(&world.plan(Some(&broken)).await);
        let error = world.apply(&step).await.unwrap_err();
        assert_eq!(error.code(), "invalid", "{error}");
        assert_eq!(whole(&subject), before, "ours: {ours}");
        // What was held of it meanwhile is let go.
        let held = std::fs::read_dir(subject.root().join(".reconciled/before")).unwrap();
        assert_eq!(held.count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_held_whole_is_not_replaced() {
    let subject = nginx_site().await;
    let mut world = World::new(&subject);
    world.converge(&subject.declared()).await;
    stands(&subject, &vec![b'#'; 8 * 1024 * 1024 + 1], 0o640);
    let before = whole(&subject);
    let step = world.step(&world.plan(Some(&subject.declared())).await);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    let delete = world.step(&world.plan(None).await);
    assert_eq!(delete.action, Action::Delete);
    let error = world.apply(&delete).await.unwrap_err();
    assert_eq!(error.code(), "too-large", "{error}");
    assert!(whole(&subject) == before, "it was touched");
    assert!(subject.root().join("etc/nginx/sites-enabled/app").exists());
}

/// A version that held the text alone was killed in the middle of a change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_version_held_is_put_back() {
    let subject = nginx_site().await;
    let mut world = World::new(&subject);
    world.converge(&subject.declared()).await;
    let mut records = std::fs::read_dir(subject.root().join(".reconciled/objects")).unwrap();
    let place = records.next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&place).unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
    record["written"] = serde_json::Value::Null;
    record["pending"] = serde_json::json!({ "content": "# older\n", "enabled": true });
    std::fs::write(&place, record.to_string()).unwrap();
    let broken = with(&subject.declared(), &["content"], BROKEN.into());
    let step = world.step(&world.plan(Some(&broken)).await);
    world.apply(&step).await.unwrap_err();
    let (bytes, mode, ..) = whole(&subject);
    assert_eq!((bytes.as_slice(), mode), (b"# older\n".as_slice(), 0o600));
}

#[tokio::test]
async fn without_nginx_a_site_waits_and_says_why() {
    let mut subject = nginx_site().await;
    subject.host = Host::new().looking_in([]);
    let world = World::new(&subject);
    let step = world.step(&world.plan(Some(&subject.declared())).await);
    assert_eq!(step.action, Action::Wait);
    let told = step.reason.unwrap();
    assert!(
        told.contains("nginx is not installed on this host"),
        "{told}"
    );
}

/// A running nginx below the root, ended with the test.
struct Running(Child);

impl Running {
    fn below(root: &Path) -> Self {
        let conf = root.join("etc/nginx/nginx.conf");
        let scratch = root.join("scratch");
        std::fs::create_dir_all(root.join("etc/nginx/sites-enabled")).unwrap();
        std::fs::create_dir_all(&scratch).unwrap();
        let scratch = scratch.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {scratch}/{name};\n"))
            .concat();
        let text = format!(
            "pid {scratch}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}include sites-enabled/*;\n}}\n"
        );
        std::fs::write(&conf, text).unwrap();
        let child = Command::new("nginx")
            .env("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
            .arg("-p")
            .arg(root)
            .arg("-c")
            .arg(&conf)
            .args(["-g", "daemon off;"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = root.join("scratch/pid");
        until("nginx has started", Duration::from_secs(180), || {
            std::fs::read_to_string(&pid)
                .ok()
                .filter(|text| !text.is_empty())
        });
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM through nginx itself ends its workers too; a kill would leave them.
        let id = rustix::process::Pid::from_child(&self.0);
        let _gone_already = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _status = self.0.wait();
    }
}

fn status(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1).map(str::to_owned)
}

fn answers(port: u16, wanted: Option<&str>) {
    outside(|| {
        until(
            format!("port {port} answers {wanted:?}"),
            Duration::from_secs(20),
            || (status(port).as_deref() == wanted).then_some(()),
        );
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_nginx_loads_changes_and_lets_deleted_sites_go() {
    let subject = nginx_site().await;
    let port = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let site = |code: u16| {
        let text = format!("server {{\n  listen 127.0.0.1:{port};\n  return {code};\n}}\n");
        with(&subject.declared(), &["content"], text.into())
    };
    let _nginx = Running::below(&subject.root());
    let mut world = World::new(&subject);
    for code in [204, 205] {
        world.converge(&site(code)).await;
        answers(port, Some(&code.to_string()));
    }
    let delete = world.step(&world.plan(None).await);
    assert_eq!(delete.action, Action::Delete);
    world.apply(&delete).await.unwrap();
    answers(port, None);
}
