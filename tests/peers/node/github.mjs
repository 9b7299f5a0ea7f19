// GitHub as the tests meet it: github.mjs FOLDER SEED. Emulate keeps the state, GitHub's own OpenAPI judges every request,
// and what emulate lacks (commit statuses, reactions, names of states, pull requests of a commit, revisions and Git data of a real repository, who
// closed a pull request) is kept here.
import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { Contract } from "./contract.mjs";
import { Git } from "./git.mjs";
import { serve } from "./proxy.mjs";

const [folder, seed] = process.argv.slice(2);
const { createEmulator } = await import(pathToFileURL(join(folder, "node_modules/emulate/dist/api.js")));
const given = JSON.parse(seed);
// Made here, since nobody needs it longer; in the form in which GitHub gives it out.
const pem = { type: "pkcs1", format: "pem" };
const keys = new Map((given.github.apps ?? []).map((app) => [app.app_id, generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export(pem)]));
for (const app of given.github.apps ?? []) app.private_key = keys.get(app.app_id);
const emulator = await createEmulator({ service: "github", port: 0, seed: given });
const description = createRequire(join(folder, "package.json")).resolve("@octokit/openapi/package.json");
const contract = new Contract(folder, join(description, "../generated/api.github.com.json"));

const tokens = given.tokens;
const minted = new Set(); // tokens of installations
const checks = []; // {repository, id, sha}
const moved = new Map(); // "owner/name#7" -> when it was talked about last
const reactions = []; // {comment, content, user}
const statuses = []; // {repository, sha, body}
const revisions = new Map(); // "owner/name#7" -> {head, base, merge, rebased, fork}
const repositories = new Map(); // "owner/name" -> Git
const closed = new Map(); // "owner/name#7" -> who closed it
let lagging = false; // what was merged is not in the index of commits yet

const repository = (path) => path.split("/").slice(2, 4).join("/");
const key = (path, number) => `${repository(path)}#${number}`;

/** Puts the revisions of the real repository where emulate made some up. */
function real(path, pull) {
  const known = pull?.number && pull.head && revisions.get(key(path, pull.number));
  if (!known) return pull;
  const repo = known.fork ? { ...pull.head.repo, full_name: known.fork, fork: true } : pull.head.repo;
  return {
    ...pull,
    head: { ...pull.head, sha: known.head ?? pull.head.sha, repo },
    base: { ...pull.base, sha: known.base ?? pull.base.sha },
    merge_commit_sha: known.merge ?? pull.merge_commit_sha,
    updated_at: [pull.updated_at, moved.get(key(path, pull.number)) ?? ""].sort().at(-1),
  };
}

/** Ties a pull request that was opened of a branch of the real repository to it. */
function opened(path, pull) {
  const git = repositories.get(repository(path));
  const head = pull?.head && git?.tip(`refs/heads/${pull.head.ref}`);
  if (!head || revisions.has(key(path, pull.number))) return;
  git.run(["update-ref", `refs/pull/${pull.number}/head`, head]);
  revisions.set(key(path, pull.number), { head, base: git.tip(`refs/heads/${pull.base.ref}`), branch: pull.head.ref });
}

/** Moves the pull requests of a branch with it. */
function pushed(path, reference, head) {
  for (const [name, known] of revisions) {
    if (!name.startsWith(`${repository(path)}#`) || `refs/heads/${known.branch}` !== reference || known.merge) continue;
    known.head = head;
    repositories.get(repository(path)).run(["update-ref", `refs/pull/${name.split("#")[1]}/head`, head]);
  }
}

/** For how many seconds the next tokens of an App's last; the emulator's own hour where nothing is said. */
let lifetime = { seconds: 0, tokens: 0 };

/** What GitHub calls the permissions that emulate keeps. */
const permissions = { pull: "read", triage: "read", push: "write", maintain: "write" };

function rewrite({ url, method }, body) {
  const [, number] = /\/issues\/(\d+)\/comments$/.exec(url.pathname) ?? [];
  if (method === "POST" && number && body.created_at) moved.set(key(url.pathname, number), body.created_at);
  if (method === "POST" && url.pathname.endsWith("/access_tokens") && body.token) {
    minted.add(body.token);
    if (lifetime.tokens > 0) body.expires_at = new Date(Date.now() + lifetime.seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
    lifetime.tokens -= 1;
  }
  if (method === "POST" && url.pathname.endsWith("/check-runs") && body.id) checks.push({ repository: repository(url.pathname), id: body.id, sha: body.head_sha });
  if (url.pathname.endsWith("/permission")) return { ...body, permission: permissions[body.permission] ?? body.permission };
  if (method === "POST" && /^\/repos\/[^/]+\/[^/]+\/pulls$/.test(url.pathname)) opened(url.pathname, body);
  if (!/^\/repos\/[^/]+\/[^/]+\/pulls(\/\d+)?$/.test(url.pathname)) return body;
  return Array.isArray(body) ? body.map((pull) => real(url.pathname, pull)) : real(url.pathname, body);
}

const ask = async (request, path) => {
  const headers = { accept: "application/vnd.github+json", "user-agent": "peers" };
  if (request.headers.authorization) headers.authorization = request.headers.authorization;
  const answer = await fetch(emulator.url + path, { headers });
  return { status: answer.status, body: await answer.json() };
};

function status(entry) {
  return {
    url: `${emulator.url}/repos/${entry.repository}/statuses/${entry.sha}`,
    avatar_url: null, id: entry.id, node_id: `S_${entry.id}`,
    state: entry.body.state, description: entry.body.description ?? null,
    target_url: entry.body.target_url ?? null, context: entry.body.context ?? "default",
    created_at: entry.at, updated_at: entry.at, creator: entry.creator,
  };
}

/** Whoever may write to a repository of emulate's; else how it refuses them. */
async function writer(request) {
  const [there, me] = [await ask(request, `/repos/${repository(request.url.pathname)}`), await ask(request, "/user")];
  return me.status === 200 && there.status !== 200 ? there : me;
}

async function gitData(request) {
  const path = request.url.pathname;
  const [, rest] = /^\/repos\/[^/]+\/[^/]+\/git\/(.+)$/.exec(path) ?? [];
  const git = repositories.get(repository(path));
  if (!rest || !git) return undefined;
  const me = await writer(request);
  if (me.status !== 200) return me;
  const body = request.body ? JSON.parse(request.body) : undefined;
  const answer = git.answer(request.method, decodeURIComponent(rest), body);
  if (request.method === "PATCH" && answer?.status === 200) pushed(path, answer.body.ref, answer.body.object.sha);
  return answer;
}

async function aboutPull(request) {
  const path = request.url.pathname;
  const git = repositories.get(repository(path));
  const [, what, number] = /^\/repos\/[^/]+\/[^/]+\/(pulls|issues)(?:\/(\d+))?$/.exec(path) ?? [];
  if (!what) return undefined;
  if (what === "pulls" && request.method === "POST" && git) {
    const { head, base } = JSON.parse(request.body);
    const open = await ask(request, `/repos/${repository(path)}/pulls?state=open&per_page=100`);
    // The tests of people open pull requests of branches that stand for anything.
    const isOurs = head.startsWith("reconciled/");
    return isOurs ? git.unopenable(head, base, open.body.some((pull) => pull.head.ref === head)) : undefined;
  }
  if (what === "pulls" && request.method === "PATCH" && JSON.parse(request.body).state === "closed") {
    closed.set(key(path, number), (await ask(request, "/user")).body);
  }
  // Every pull request is an issue, too, which emulate forgets.
  if (what !== "issues" || !number || request.method !== "GET") return undefined;
  const pull = await ask(request, path.replace("/issues/", "/pulls/"));
  if (pull.status !== 200) return undefined;
  const { merged_by, html_url, title, user, labels, state, locked, assignee, assignees, milestone, created_at, updated_at, closed_at, body, id, node_id, author_association } = pull.body;
  const url = `${emulator.url}${path}`;
  const issue = {
    url, repository_url: `${emulator.url}/repos/${repository(path)}`, labels_url: `${url}/labels{/name}`, comments_url: `${url}/comments`, events_url: `${url}/events`,
    html_url, id, node_id, number: Number(number), title, user, labels, state, locked, assignee, assignees, milestone, comments: 0, created_at, updated_at, closed_at, body, author_association,
    closed_by: merged_by ?? closed.get(key(path, number)) ?? null,
  };
  return { status: 200, body: issue };
}

/** A reaction is made once by each user, and said to be there after that. */
async function react(request, comment) {
  const me = await ask(request, "/user");
  if (me.status !== 200) return me;
  const { content } = JSON.parse(request.body);
  const known = reactions.findIndex((one) => one.comment === comment && one.content === content && one.user === me.body.login);
  if (known < 0) reactions.push({ comment, content, user: me.body.login });
  const id = known < 0 ? reactions.length : known + 1;
  const { created_at } = me.body;
  return { status: known < 0 ? 201 : 200, body: { id, node_id: `R_${id}`, user: me.body, content, created_at } };
}

async function lacks(request) {
  const path = request.url.pathname;
  // Emulate takes an unknown token for its first user.
  const token = request.headers.authorization?.replace(/^(Bearer|token) /i, "");
  const documentation_url = "https://docs.github.com/rest";
  if (token && !(token in tokens) && !minted.has(token) && !token.startsWith("eyJ")) return { status: 401, body: { message: "Bad credentials", documentation_url } };
  if (path === "/user" && minted.has(token)) return { status: 403, body: { message: "Resource not accessible by integration", documentation_url } };
  const served = (await gitData(request)) ?? (await aboutPull(request));
  if (served) return served;
  const [, comment] = /\/issues\/comments\/(\d+)\/reactions$/.exec(path) ?? [];
  if (comment && request.method === "POST") return react(request, Number(comment));
  const [, what, rest] = /^\/repos\/[^/]+\/[^/]+\/(statuses|commits)\/(.+)$/.exec(path) ?? [];
  if (!what) return undefined;
  const about = rest.replace(/\/(statuses|pulls)$/, "");
  if (what === "statuses" && request.method === "POST") {
    // Emulate knows who may write to the repository, so it is asked first.
    const [there, me] = [await ask(request, `/repos/${repository(path)}`), await ask(request, "/user")];
    if (me.status !== 200) return me;
    if (there.status !== 200) return there;
    const entry = { id: statuses.length + 1, repository: repository(path), sha: rest, body: JSON.parse(request.body), at: new Date().toISOString(), creator: me.body };
    statuses.push(entry);
    return { status: 201, body: status(entry) };
  }
  if (what === "commits" && request.method === "GET" && rest.endsWith("/statuses")) {
    const of = statuses.filter((entry) => entry.repository === repository(path) && entry.sha === about);
    return { status: 200, body: of.reverse().map(status) };
  }
  if (what === "commits" && request.method === "GET" && rest.endsWith("/check-runs")) {
    // Emulate knows the runs, but not the commits they are on.
    const on = checks.filter((one) => one.repository === repository(path) && `${one.sha}/check-runs` === rest);
    const runs = await Promise.all(on.map(({ id }) => ask(request, `/repos/${repository(path)}/check-runs/${id}`)));
    const output = (run) => ({ ...run.output, annotations_url: `${run.url}/annotations` });
    const latest = new Map(runs.map(({ body: run }) => [run.name, { ...run, output: output(run) }]));
    return { status: 200, body: { total_count: latest.size, check_runs: [...latest.values()] } };
  }
  if (what === "commits" && request.method === "GET" && rest.endsWith("/pulls")) {
    const numbers = [...revisions].filter(([name, known]) => name.startsWith(`${repository(path)}#`) && [known.head, ...(lagging ? [] : [known.merge, ...(known.rebased ?? [])])].includes(about));
    const pulls = await Promise.all(numbers.map(([name]) => ask(request, `/repos/${repository(path)}/pulls/${name.split("#")[1]}`)));
    const failed = pulls.find((pull) => pull.status !== 200);
    // Here a label has words of its own, says the contract, if no more than none.
    const described = (pull) => ({ ...pull, labels: pull.labels.map((label) => ({ ...label, description: label.description ?? "" })) });
    return failed ?? { status: 200, body: pulls.map((pull) => described(real(path, pull.body))) };
  }
  return undefined;
}

const controls = {
  // The private key of an App.
  key: ({ app }) => keys.get(app),
  // No token of an installation lets anybody in any more.
  revoked: () => minted.clear(),
  // {seconds, tokens}: of so many tokens; of the next alone where nothing is said.
  lifetime: ({ seconds, tokens = 1 }) => void (lifetime = { seconds, tokens }),
  // {on}: whether it is.
  lagging: ({ on }) => void (lagging = on),
  reactions: () => reactions,
  checks: async () => Promise.all(checks.map(async ({ repository: name, id }) => {
    const answer = await fetch(`${emulator.url}/repos/${name}/check-runs/${id}`);
    return answer.json();
  })),
  // {repository, folder}: its Git data is that of a real repository.
  real: ({ repository: name, folder: at }) => void repositories.set(name, new Git(at, `${emulator.url}/repos/${name}`)),
  statuses: () => statuses.map(({ repository, sha, body }) => ({ repository, sha, ...body })),
  // {repository, number, head, base, merge, rebased, fork}: which revisions of the real repository a pull request stands
  // for, every one that a rebase made of it, and the repository its head is in where that is another.
  revisions: ({ repository, number, ...known }) => {
    const name = `${repository}#${number}`;
    revisions.set(name, { ...revisions.get(name), ...known });
  },
};
console.log(await serve({ upstream: emulator.url, contract, etags: true, lacks, rewrite, controls }));
