//! What installed programs make of files of a snapshot: kustomize builds kustomizations, helm renders
//! charts.
//!
//! Nothing of the repository is executed. The program is the one that is installed here; it gets a
//! private copy of exactly the files it may see, no PATH, an empty HOME, no way to the network, a
//! deadline and a limit on its output. What it made is kept by what it was made from, so a pass
//! over an unchanged repository starts no process.
//!
//! ```text
//! Render + Snapshot -> digest -> kept? -> text
//!                             `-> scratch folder -> program -> text, kept
//! ```

mod error;
mod fetched;
mod helm;
mod kept;
mod scratch;
mod scrub;
#[cfg(test)]
mod tests;

pub use error::RenderError;

use super::charts::Charts;
use crate::model::{Digest, Recipe, Render, RepoPath, ResourceId, Snapshot};
use crate::net::process::{self, Command, Output, lookup, run};
use kept::Kept;
use scratch::Scratch;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long one program may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// The most one program may write, in bytes: as much as is read as manifests.
const OUTPUT_LIMIT: usize = 16 * 1024 * 1024;

/// How many programs run at once: each may need some hundred MiB.
const AT_ONCE: usize = 2;

/// Which programs render: names looked up on our PATH, or absolute paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// kustomize.
    pub kustomize: String,
    /// helm.
    pub helm: String,
}

impl Default for Programs {
    fn default() -> Self {
        Self {
            kustomize: "kustomize".to_owned(),
            helm: "helm".to_owned(),
        }
    }
}

/// What was rendered, by the resource that asked for it.
///
/// A resource that is in neither map was not rendered, on purpose: what it holds is not known. So a
/// spec can be checked without starting anything; a graph to plan from needs each in one of the two.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// YAML, one document an object.
    pub texts: BTreeMap<ResourceId, Arc<str>>,
    /// Why there is none.
    pub failed: BTreeMap<ResourceId, RenderError>,
}

impl Rendered {
    /// Says of each that it is not rendered before it is merged.
    pub fn refused(asked: &[Render]) -> Self {
        let one = |render: &Render| (render.resource.clone(), RenderError::not_merged(render));
        Self {
            texts: BTreeMap::new(),
            failed: asked.iter().map(one).collect(),
        }
    }
}

/// Renders, and keeps what was rendered. Clones share what they keep.
#[derive(Clone)]
pub struct Renderer(Arc<Inner>);

struct Inner {
    programs: Programs,
    charts: Charts,
    deadline: Duration,
    kept: Mutex<Kept>,
    running: Semaphore,
}

impl Default for Renderer {
    fn default() -> Self {
        Self::new(Programs::default(), Charts::default())
    }
}

impl Renderer {
    /// Renders with these programs; charts that are not in the repository are fetched.
    pub fn new(programs: Programs, charts: Charts) -> Self {
        Self::within(programs, charts, DEADLINE)
    }

    fn within(programs: Programs, charts: Charts, deadline: Duration) -> Self {
        Self(Arc::new(Inner {
            programs,
            charts,
            deadline,
            kept: Mutex::default(),
            running: Semaphore::new(AT_ONCE),
        }))
    }

    /// Renders all that is asked for. Never fails as a whole: each is in one of the two maps.
    pub async fn render(&self, asked: &[Render], snapshot: &Snapshot) -> Rendered {
        let each = asked.iter().map(|render| self.one(render, snapshot));
        let results = futures::future::join_all(each).await;
        let mut rendered = Rendered::default();
        for (render, result) in asked.iter().zip(results) {
            let resource = render.resource.clone();
            match result {
                Ok(text) => drop(rendered.texts.insert(resource, text)),
                Err(error) => drop(rendered.failed.insert(resource, error)),
            }
        }
        rendered
    }

    async fn one(&self, render: &Render, snapshot: &Snapshot) -> Result<Arc<str>, RenderError> {
        let program = match &render.recipe {
            Recipe::Kustomization(_) => &self.0.programs.kustomize,
            Recipe::Chart(_) => &self.0.programs.helm,
        };
        let fetching = fetched::Fetching::of(render, &self.0.charts);
        let pinned = match &fetching {
            Some(fetching) => Some(fetching.pinned().await?),
            None => None,
        };
        let digest = digest((program, pinned.as_ref()), render, snapshot);
        if let Some(kept) = self.kept().get(&digest) {
            return kept;
        }
        // Before it is its turn: a registry that does not answer holds up no other chart.
        let fetched = match fetching.zip(pinned) {
            Some((fetching, pinned)) => Some(fetching.laid_beside(&pinned, snapshot).await?),
            None => None,
        };
        let (render, snapshot) = match &fetched {
            Some((render, snapshot)) => (render, snapshot),
            None => (render, snapshot),
        };
        let running = self.0.running.acquire().await;
        // Somebody else may have asked for the same meanwhile.
        if let Some(kept) = self.kept().get(&digest) {
            return kept;
        }
        let result = self.run(program, render, snapshot).await;
        drop(running);
        self.kept().put(digest, &result);
        result
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0
            .kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn run(
        &self,
        program: &str,
        render: &Render,
        snapshot: &Snapshot,
    ) -> Result<Arc<str>, RenderError> {
        let what = shown(render);
        let name = program.rsplit('/').next().unwrap_or(program);
        let scratch = Scratch::fill(render, snapshot)
            .await
            .map_err(|error| RenderError::scratch(&what, &error))?;
        let command = Command::new(program)
            .bare()
            .env("HOME", scratch.home())
            .env("HTTP_PROXY", process::NOWHERE)
            .env("HTTPS_PROXY", process::NOWHERE)
            .cwd(scratch.files())
            .deadline(self.0.deadline)
            .output_limit(OUTPUT_LIMIT);
        let (command, chart) = match &render.recipe {
            Recipe::Kustomization(folder) => (kustomize(command, folder), None),
            Recipe::Chart(chart) => (helm::told(command, chart, snapshot), Some(chart)),
        };
        let once = async || {
            let output = run(command.clone()).await;
            let output = output.map_err(|error| RenderError::process(&what, program, &error))?;
            text(output, &what, name, &|said| {
                scrub::scrubbed(said, render, snapshot, &scratch)
            })
        };
        let text = once().await?;
        if chart.is_some_and(|chart| helm::may_vary(chart, snapshot)) {
            let varying = helm::varying(&text, &once().await?);
            if !varying.is_empty() {
                return Err(RenderError::varies(&what, &varying));
            }
        }
        Ok(text)
    }
}

/// Has kustomize build a folder. Paths begin with a dot, so that none is taken for an option.
fn kustomize(command: Command, folder: &RepoPath) -> Command {
    command
        .args([
            "build",
            "--load-restrictor",
            "LoadRestrictionsRootOnly",
            "--",
        ])
        .arg(format!("./{}", folder.as_str()))
}

/// What is rendered, for people.
fn shown(render: &Render) -> String {
    match &render.recipe {
        Recipe::Kustomization(folder) => format!("the kustomization {folder}"),
        Recipe::Chart(chart) => match &chart.fetched {
            Some(fetched) => format!("the chart {fetched}"),
            None => format!("the chart {}", chart.path),
        },
    }
}

fn text(
    output: Output,
    what: &str,
    program: &str,
    scrub: &dyn Fn(&str) -> String,
) -> Result<Arc<str>, RenderError> {
    if !output.status.success() {
        let said = scrub(&output.talk());
        return Err(RenderError::failed(what, program, output.status, &said));
    }
    if output.stdout.len() >= OUTPUT_LIMIT {
        return Err(RenderError::too_large(what, program, OUTPUT_LIMIT));
    }
    let text = String::from_utf8(output.stdout);
    let text = text.map_err(|_| RenderError::no_text(what, program))?;
    Ok(text.into())
}

/// Tells two renders apart by all that has a say in what comes out: the program as it is installed,
/// what it is told, and what it may see, of a chart that is fetched its digest.
fn digest(
    (program, chart): (&str, Option<&Digest>),
    render: &Render,
    snapshot: &Snapshot,
) -> Digest {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    };
    let found = lookup(program);
    let state = found.as_ref().and_then(|path| path.metadata().ok());
    let modified = state.and_then(|state| Some((state.len(), state.modified().ok()?)));
    part(format!("{found:?} {modified:?} {:?}", render.recipe).as_bytes());
    part(chart.map_or("", Digest::as_str).as_bytes());
    for (path, file) in render.reads.iter().flat_map(|path| snapshot.under(path)) {
        part(path.as_str().as_bytes());
        if let crate::model::File::Bytes(bytes) = file {
            part(bytes);
        }
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        let _infallible = write!(text, "{byte:02x}");
    }
    Digest::from_hex(text)
}
