//! A chart's archive as files in memory: bounded, and only what stays below the chart's own folder. Links
//! and whatever else is no file are refused instead of left out: it would change what is rendered.

use super::ChartError;
use crate::model::{File, RepoPath};
use crate::yaml::{self, Flavour, Limits, Node};
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::io::Read as _;
use tar::{Archive, EntryType};

/// The most an archive may unpack to, in bytes.
const LIMIT: usize = 32 * 1024 * 1024;

/// The most files in it.
const MOST_FILES: usize = 10_000;

/// Unpacks an archive; the one folder at its top becomes `below`.
///
/// # Errors
/// It is damaged, too large, no chart, or holds what leads out of it.
pub(super) fn unpacked(
    bytes: &[u8],
    below: &RepoPath,
) -> Result<BTreeMap<RepoPath, File>, ChartError> {
    let mut plain = Vec::new();
    let most = LIMIT as u64 + 1;
    let read = MultiGzDecoder::new(bytes)
        .take(most)
        .read_to_end(&mut plain);
    read.map_err(|error| damaged(&error))?;
    if plain.len() > LIMIT {
        return Err(ChartError::TooLarge {
            what: "what its archive unpacks to",
            limit: LIMIT / (1024 * 1024),
        });
    }
    let mut files = BTreeMap::new();
    let mut top: Option<String> = None;
    let mut archive = Archive::new(plain.as_slice());
    for entry in archive.entries().map_err(|error| damaged(&error))? {
        let mut entry = entry.map_err(|error| damaged(&error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            EntryType::Regular => {}
            EntryType::Symlink | EntryType::Link => return Err(refused(&name, "is a link")),
            _ => return Err(refused(&name, "is no file")),
        }
        let (folder, path) = apart(&name).ok_or_else(|| refused(&name, "leads out of it"))?;
        if top.get_or_insert_with(|| folder.to_owned()) != folder {
            return Err(refused(&name, "is outside the chart's folder"));
        }
        let path = below.resolve(path);
        let path = path.ok_or_else(|| refused(&name, "leads out of it"))?;
        let mut content = Vec::new();
        entry
            .read_to_end(&mut content)
            .map_err(|error| damaged(&error))?;
        if files.insert(path, File::Bytes(content.into())).is_some() {
            return Err(refused(&name, "stands in it twice"));
        }
        if files.len() > MOST_FILES {
            return Err(refused(&name, "is one file too many"));
        }
    }
    if !below
        .resolve("Chart.yaml")
        .is_some_and(|path| files.contains_key(&path))
    {
        return Err(ChartError::archive(
            "its archive holds no Chart.yaml".to_owned(),
        ));
    }
    Ok(files)
}

/// Tells the folder at the top from the path in it. `None` where a part of the name leads elsewhere.
fn apart(name: &str) -> Option<(&str, &str)> {
    let leads =
        |part: &str| matches!(part, "" | "." | "..") || part.contains(['\\', '\0', '\u{fffd}']);
    let (folder, path) = name.strip_prefix("./").unwrap_or(name).split_once('/')?;
    (!leads(folder) && !path.split('/').any(leads)).then_some((folder, path))
}

/// Checks that a chart has the version that is expected.
///
/// # Errors
/// It has another.
pub(super) fn is_version(
    files: &BTreeMap<RepoPath, File>,
    below: &RepoPath,
    expected: Option<&str>,
) -> Result<(), ChartError> {
    let path = below.resolve("Chart.yaml").unwrap_or_default();
    let (Some(expected), Some(File::Bytes(bytes))) = (expected, files.get(&path)) else {
        return Ok(());
    };
    let parsed = yaml::parse(&path, bytes, Flavour::Kubernetes, &Limits::default());
    let root = parsed.documents.first().map(|document| &document.root);
    let found = root
        .and_then(|root| root.get("version"))
        .and_then(Node::as_str);
    let found = found.unwrap_or("no version").to_owned();
    if found.trim_start_matches('v') == expected.trim_start_matches('v') {
        return Ok(());
    }
    Err(ChartError::OtherVersion {
        expected: expected.to_owned(),
        found,
    })
}

fn damaged(error: &std::io::Error) -> ChartError {
    ChartError::archive(format!("its archive is damaged: {error}"))
}

fn refused(name: &str, why: &str) -> ChartError {
    let shown: String = name
        .chars()
        .filter(|letter| !letter.is_control())
        .take(200)
        .collect();
    ChartError::archive(format!("{shown} in its archive {why}"))
}
