// The Git data of GitHub's API over a real repository: what a branch is made with there, anybody can fetch from here.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const DOCS = "https://docs.github.com/rest";
const refused = (status, message) => ({ status, body: { message, documentation_url: DOCS, status: String(status) } });

export class Git {
  /** `url` is where the API of the repository is. */
  constructor(folder, url) {
    this.folder = folder;
    this.url = url;
  }

  run(arguments_, { input, env } = {}) {
    const who = Object.fromEntries(["AUTHOR", "COMMITTER"].flatMap((role) => [[`GIT_${role}_NAME`, "reconciled-bot"], [`GIT_${role}_EMAIL`, "bot@example.com"]]));
    const environment = { ...process.env, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", ...who, ...env };
    return execFileSync("git", arguments_, { cwd: this.folder, input, env: environment, stdio: ["pipe", "pipe", "ignore"] }).toString("utf8").trimEnd();
  }

  ask(...arguments_) {
    try { return this.run(arguments_); } catch { return undefined; }
  }

  /** The commit of a full reference. */
  tip(reference) { return this.ask("rev-parse", "--verify", "--quiet", `${reference}^{commit}`); }

  holds(newer, older) { return this.ask("merge-base", "--is-ancestor", older, newer) !== undefined; }

  reference(name, sha) {
    return { ref: name, node_id: `R_${name}`, url: `${this.url}/git/${name}`, object: { type: "commit", sha, url: `${this.url}/git/commits/${sha}` } };
  }

  commit(sha) {
    const read = (format) => this.run(["show", "--no-patch", `--format=${format}`, sha]);
    const [tree, parents, name, email, date] = read("%T%n%P%n%an%n%ae%n%aI").split("\n");
    const who = { name, email, date };
    const address = (one) => ({ sha: one, url: `${this.url}/git/commits/${one}`, html_url: `${this.url}/commit/${one}` });
    return {
      ...address(sha), node_id: `C_${sha}`, author: who, committer: who, message: read("%B"),
      tree: { sha: tree, url: `${this.url}/git/trees/${tree}` }, parents: parents.split(" ").filter(Boolean).map(address),
      verification: { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null },
    };
  }

  tree({ base_tree, tree }) {
    const scratch = mkdtempSync(join(tmpdir(), "peers-index-"));
    const env = { GIT_INDEX_FILE: join(scratch, "index") };
    try {
      this.run(base_tree ? ["read-tree", base_tree] : ["read-tree", "--empty"], { env });
      for (const { path, mode, sha, content } of tree) {
        if (sha === null) { this.run(["update-index", "--force-remove", "--", path], { env }); continue; }
        const blob = content === undefined ? sha : this.run(["hash-object", "-w", "--stdin"], { input: content });
        this.run(["update-index", "--add", "--cacheinfo", `${mode},${blob},${path}`], { env });
      }
      const sha = this.run(["write-tree"], { env });
      const entries = this.run(["ls-tree", sha]).split("\n").filter(Boolean).map((line) => {
        const [, mode, type, id, path] = /^(\d+) (\w+) (\w+)\t(.*)$/.exec(line);
        return { path, mode, type, sha: id, url: `${this.url}/git/${type}s/${id}` };
      });
      return { sha, url: `${this.url}/git/trees/${sha}`, truncated: false, tree: entries };
    } finally { rmSync(scratch, { recursive: true }); }
  }

  /** Answers a request about what is below `git/`; nothing where GitHub has more there than is needed. */
  answer(method, rest, body) {
    const [, what, name] = /^(ref|refs|commits|trees)(?:\/(.+))?$/.exec(rest) ?? [];
    const full = name && `refs/${name}`;
    if (what === "ref" && method === "GET") {
      const sha = this.tip(full);
      return sha ? { status: 200, body: this.reference(full, sha) } : refused(404, "Not Found");
    }
    if (what === "refs" && method === "POST") {
      if (this.tip(body.ref)) return refused(422, "Reference already exists");
      if (!this.tip(body.sha)) return refused(422, "Object does not exist");
      this.run(["update-ref", body.ref, body.sha]);
      return { status: 201, body: this.reference(body.ref, body.sha) };
    }
    if (what === "refs" && ["PATCH", "DELETE"].includes(method)) {
      const sha = this.tip(full);
      if (!sha) return refused(422, "Reference does not exist");
      if (method === "DELETE") {
        this.run(["update-ref", "-d", full]);
        return { status: 204, body: null };
      }
      if (!this.tip(body.sha)) return refused(422, "Object does not exist");
      if (!body.force && !this.holds(body.sha, sha)) return refused(422, "Update is not a fast forward");
      this.run(["update-ref", full, body.sha]);
      return { status: 200, body: this.reference(full, body.sha) };
    }
    if (what === "commits" && method === "GET") {
      const sha = this.tip(name);
      return sha === name ? { status: 200, body: this.commit(sha) } : refused(404, "Not Found");
    }
    if (what === "commits" && method === "POST") {
      const parents = (body.parents ?? []).flatMap((one) => ["-p", one]);
      // No newer than what is committed on top of it, for the clock of the tests runs behind.
      const times = (body.parents ?? []).map((one) => Number(this.run(["show", "--no-patch", "--format=%ct", one])));
      const date = `${Math.max(0, ...times) + 1} +0000`;
      const env = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
      const sha = this.run(["commit-tree", body.tree, ...parents], { input: body.message, env });
      return { status: 201, body: this.commit(sha) };
    }
    if (what === "trees" && method === "POST") return { status: 201, body: this.tree(body) };
    return undefined;
  }

  /** Why GitHub would open no pull request of a branch; nothing where it would. */
  unopenable(head, base, isOpen) {
    const [tip, onto] = [this.tip(`refs/heads/${head}`), this.tip(`refs/heads/${base}`)];
    if (!tip) return refused(422, "Validation Failed: head is invalid");
    if (isOpen) return refused(422, `Validation Failed: a pull request already exists for ${head}`);
    if (this.holds(onto, tip)) return refused(422, `Validation Failed: no commits between ${base} and ${head}`);
    return undefined;
  }
}
