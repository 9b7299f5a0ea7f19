//! What no helm would push, in a real registry: refused whole, and never an empty chart.

use super::charts::{Keeper, pinned, text, version};
use crate::peers::registry::{Registry, digest};
use flate2::Compression;
use flate2::write::GzEncoder;
use reconciled::model::Fault as _;
use tar::{Builder, EntryType, Header};

/// An archive of such entries: name, type, content.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (name, kind, content) in entries {
        let mut header = Header::new_ustar();
        // The builder itself would refuse some of these.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_chart_or_leads_out_of_it_is_refused_whole() {
    let registry = Registry::open();
    let keeper = Keeper::of(vec![registry.settings("", None)]);
    const FILE: EntryType = EntryType::Regular;
    let about = ("web/Chart.yaml", FILE, b"name: web\n".as_slice());
    let bomb = vec![0; 64 * 1024 * 1024];
    let cut = archive(&[about]);
    let archives = [
        (
            archive(&[about, ("web/../../x", FILE, b"x")]),
            "web/../../x in its archive leads out of it",
        ),
        (
            archive(&[about, ("/etc/x", FILE, b"x")]),
            "/etc/x in its archive leads out of it",
        ),
        (
            archive(&[about, ("web/link", EntryType::Symlink, b"")]),
            "web/link in its archive is a link",
        ),
        (
            archive(&[about, ("web/link", EntryType::Link, b"")]),
            "web/link in its archive is a link",
        ),
        (
            archive(&[about, ("web/pipe", EntryType::Fifo, b"")]),
            "web/pipe in its archive is no file",
        ),
        (
            archive(&[about, ("other/x", FILE, b"x")]),
            "other/x in its archive is outside the chart's folder",
        ),
        (
            archive(&[about, about]),
            "web/Chart.yaml in its archive stands in it twice",
        ),
        (
            archive(&[about, ("web/bomb", FILE, &bomb)]),
            "what its archive unpacks to is larger than 32 MiB",
        ),
        (
            archive(&[("web/x", FILE, b"x")]),
            "its archive holds no Chart.yaml",
        ),
        (archive(&[]), "its archive holds no Chart.yaml"),
        (cut[..cut.len() - 20].to_vec(), "its archive is damaged"),
        (b"no archive".to_vec(), "its archive is damaged"),
    ];
    for (nth, (archive, expected)) in archives.iter().enumerate() {
        let tag = format!("1.0.{nth}");
        registry.put("web", &tag, archive, |_| {}).await;
        let error = keeper
            .fails(&version(&registry, "web", &tag))
            .await
            .to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    // Names that only a GNU archive can hold.
    let mut long = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    let mut header = Header::new_gnu();
    header.set_size(10);
    let name = format!("web/templates/{}/a.yaml", "x".repeat(200));
    long.append_data(&mut header, "web/Chart.yaml", b"name: web\n".as_slice())
        .unwrap();
    long.append_data(&mut header, &name, b"a: bcdefgh".as_slice())
        .unwrap();
    let long = long.into_inner().unwrap().finish().unwrap();
    registry.put("web", "2.0.0", &long, |_| {}).await;
    let (_, files) = keeper
        .fetch(&version(&registry, "web", "2.0.0"))
        .await
        .unwrap();
    assert_eq!(
        text(&files, name.strip_prefix("web/").unwrap()),
        "a: bcdefgh"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_something_else_is_no_chart() {
    let registry = Registry::open();
    let keeper = Keeper::of(vec![registry.settings("", None)]);
    let chart = archive(&[("web/Chart.yaml", EntryType::Regular, b"name: web\n")]);
    registry
        .put("web", "1.0.0", &chart, |manifest| {
            manifest["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json".into();
        })
        .await;
    let error = keeper.fails(&version(&registry, "web", "1.0.0")).await;
    assert!(
        error
            .to_string()
            .ends_with("no Helm chart: its manifest is that of something else"),
        "{error}"
    );
    registry
        .put("web", "1.0.1", &chart, |manifest| {
            manifest["layers"][0]["mediaType"] = "application/x".into();
        })
        .await;
    let error = keeper.fails(&version(&registry, "web", "1.0.1")).await;
    assert!(
        error.to_string().ends_with("does not name one archive"),
        "{error}"
    );
    let asked = registry.requests();
    registry
        .put("web", "1.0.2", &chart, |manifest| {
            manifest["layers"][0]["size"] = (1_u64 << 40).into();
        })
        .await;
    let put = registry.requests() - asked;
    let error = keeper.fails(&version(&registry, "web", "1.0.2")).await;
    assert_eq!(error.to_string(), "its archive is larger than 16 MiB");
    // One request for the manifest, none for the layer.
    assert_eq!(registry.requests() - asked - put, 1);
    let error = keeper.fails(&version(&registry, "web", "9.9.9")).await;
    assert_eq!(error.code(), "chart-missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_than_the_digest_says_are_not_used() {
    let registry = Registry::open();
    let chart = archive(&[("web/Chart.yaml", EntryType::Regular, b"name: web\n")]);
    let other = archive(&[("web/Chart.yaml", EntryType::Regular, b"name: bad\n")]);
    let manifest = registry.put("web", "1.0.0", &chart, |_| {}).await;
    registry.tamper(&digest(&chart), &other);
    let mut keeper = Keeper::of(vec![registry.settings("", None)]);
    let error = keeper.fails(&pinned(&registry, "web", &manifest)).await;
    assert!(
        matches!(error.code(), "chart-digest" | "chart-too-large"),
        "{error}"
    );
    // More than the manifest says is not even read to its end.
    registry.tamper(&digest(&chart), &vec![0; 32 * 1024 * 1024]);
    let error = keeper.fails(&pinned(&registry, "web", &manifest)).await;
    assert_eq!(error.code(), "chart-too-large", "{error}");
    registry.tamper(&digest(&chart), &chart);
    keeper
        .fetch(&pinned(&registry, "web", &manifest))
        .await
        .unwrap();
    // Nor is what was changed in the folder it is kept in.
    let kept = keeper.folder.path().join("charts/sha256");
    let name = digest(&chart);
    std::fs::write(kept.join(name.strip_prefix("sha256:").unwrap()), &other).unwrap();
    keeper.again();
    let (_, files) = keeper
        .fetch(&pinned(&registry, "web", &manifest))
        .await
        .unwrap();
    assert_eq!(text(&files, "Chart.yaml"), "name: web\n");
}
