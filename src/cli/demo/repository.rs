//! The demo's own Git repository: made from the quick-start example, changed and merged like a
//! person would.

use anyhow::Context as _;
use git2::{IndexAddOption, Repository, RepositoryInitOptions, Signature};
use std::path::{Path, PathBuf};

/// The branch the daemon follows.
pub(super) const MAIN: &str = "main";

/// A repository with a working folder.
pub(super) struct DemoRepository {
    /// Where it is.
    pub path: PathBuf,
    git: Repository,
}

impl DemoRepository {
    /// Makes it from files, with one commit on the main branch.
    pub(super) fn create(path: &Path, files: &[(&str, String)]) -> anyhow::Result<Self> {
        let git = Repository::init_opts(path, RepositoryInitOptions::new().initial_head(MAIN))
            .with_context(|| format!("make a Git repository in {}", path.display()))?;
        let repository = Self {
            path: path.to_owned(),
            git,
        };
        for (name, text) in files {
            repository.write(name, text)?;
        }
        repository.commit("Start with the quick-start example")?;
        Ok(repository)
    }

    /// Reads a file of the working folder.
    pub(super) fn read(&self, name: &str) -> anyhow::Result<String> {
        std::fs::read_to_string(self.path.join(name)).with_context(|| format!("read {name}"))
    }

    /// Writes a file of the working folder.
    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text).with_context(|| format!("write {name}"))
    }

    /// Commits the working folder on the branch that is checked out. Returns the commit.
    pub(super) fn commit(&self, message: &str) -> anyhow::Result<String> {
        let mut index = self.git.index()?;
        index.add_all(["."], IndexAddOption::DEFAULT, None)?;
        index.write()?;
        let tree = self.git.find_tree(index.write_tree()?)?;
        let author = Signature::now("Demo", "demo@example.com")?;
        let parent = self
            .git
            .head()
            .ok()
            .and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        let commit = self
            .git
            .commit(Some("HEAD"), &author, &author, message, &tree, &parents)?;
        Ok(commit.to_string())
    }

    /// Returns the commit that is checked out.
    pub(super) fn head(&self) -> anyhow::Result<String> {
        Ok(self.git.head()?.peel_to_commit()?.id().to_string())
    }

    /// Starts a branch where main stands, and checks it out.
    pub(super) fn branch(&self, name: &str) -> anyhow::Result<()> {
        let head = self.git.head()?.peel_to_commit()?;
        self.git.branch(name, &head, true)?;
        self.git.set_head(&format!("refs/heads/{name}"))?;
        Ok(())
    }

    /// Merges a branch into main, as a forge's button would. Returns the merge commit.
    pub(super) fn merge(&self, name: &str, message: &str) -> anyhow::Result<String> {
        let tip = self
            .git
            .find_branch(name, git2::BranchType::Local)?
            .get()
            .peel_to_commit()?;
        let main = self
            .git
            .find_branch(MAIN, git2::BranchType::Local)?
            .get()
            .peel_to_commit()?;
        let author = Signature::now("Demo", "demo@example.com")?;
        self.git.set_head(&format!("refs/heads/{MAIN}"))?;
        let merge = self.git.commit(
            Some("HEAD"),
            &author,
            &author,
            message,
            &tip.tree()?,
            &[&main, &tip],
        )?;
        self.git
            .checkout_head(Some(git2::build::CheckoutBuilder::new().force()))?;
        Ok(merge.to_string())
    }

    /// Publishes a branch where a forge would: as the head of a pull request.
    pub(super) fn open_pull_request(&self, name: &str, number: u64) -> anyhow::Result<String> {
        let tip = self
            .git
            .find_branch(name, git2::BranchType::Local)?
            .get()
            .peel_to_commit()?;
        self.git.reference(
            &format!("refs/pull/{number}/head"),
            tip.id(),
            true,
            "pull request",
        )?;
        Ok(tip.id().to_string())
    }
}
