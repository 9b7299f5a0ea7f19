// Photographs the plan comment and the Slack messages: photograph.mjs PACKAGES PROGRAM OUT. A repository is made, `plan --against`
// prints the comment, and a daemon tells a Slack of ours what it does. Only the frames around the text are drawn here.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { tmpdir } from "node:os";

const [packages, program, out] = process.argv.slice(2);
const require = createRequire(join(packages, "package.json"));
const MarkdownIt = require("markdown-it");
const { chromium } = require("playwright-core");

const folder = mkdtempSync(join(tmpdir(), "reconciled-pictures-"));
const repository = join(folder, "infrastructure");
const env = { PATH: process.env.PATH, HOME: folder, SHOP_TOKEN: "not-to-be-seen", SLACK: "xoxb-picture" };
const run = (command, args, cwd = repository) => {
  try {
    return execFileSync(command, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  } catch (error) {
    if (error.status === 2 && error.stdout) return error.stdout;
    throw error;
  }
};
const git = (...args) => run("git", ["-c", "user.name=Kim Larsen", "-c", "user.email=kim@example.com", ...args]);

function shop(root, { title, banner, status, token }) {
  const file = (id, path, content) => `    ${id}: { kind: host/file, spec: { path: ${path}, content: ${JSON.stringify(content)} } }\n`;
  return `apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: production }
spec:
  secrets: { token: { env: SHOP_TOKEN } }
  connections: { web: { provider: host, root: ${root} } }
  reconcile: { interval: 1s, onDrift: report }
  resources:
${file("page", "/srv/shop/index.html", `<!doctype html>\n<title>Shop</title>\n<h1>${title}</h1>\n`)}${file("robots", "/srv/shop/robots.txt", "User-agent: *\nDisallow: /cart\n")}${file("api-env", "/etc/shop/api.env", `LOG_LEVEL=${token}\nTOKEN=\${secrets.token}\n`)}${file("motd", "/etc/motd", "Managed in Git.\n")}${file("terms", "/srv/shop/terms.html", "Terms\n")}${banner ? file("banner", "/srv/shop/banner.html", "Summer sale\n") : ""}${status ? file("status", "/srv/shop/status.html", "All good\n") : ""}`;
}
const before = { title: "Welcome", banner: true, token: "info" };
const after = { title: "Lovely to see you", status: true, token: "debug" };
const write = (path, text) => {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
};

/** The comment: main is applied, somebody edits a file by hand, and a branch changes four things. */
function comment() {
  const live = join(folder, "live");
  mkdirSync(live);
  const spec = join(repository, "production.yaml");
  write(spec, shop(live, before));
  git("init", "--quiet", "-b", "main", ".");
  git("add", "-A");
  git("commit", "--quiet", "-m", "The shop as it is");
  run(program, ["apply", ".", "--yes"]);
  writeFileSync(join(live, "srv/shop/robots.txt"), "User-agent: *\nDisallow: /\n");
  git("checkout", "--quiet", "-b", "greet");
  write(spec, shop(live, after));
  git("commit", "--quiet", "-am", "Greet people, end the sale");
  return run(program, ["plan", "--against", "main", "--output", "markdown"]);
}

/** The messages: a daemon on the same branches, with a host of its own. */
async function messages() {
  const posted = new Map();
  const slack = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      const message = JSON.parse(body);
      const ts = message.ts ?? `${posted.size + 1}.0`;
      if (!message.thread_ts) posted.set(ts, message);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ ok: true, channel: "C000000001", ts }));
    });
  });
  await new Promise((ready) => slack.listen(0, "127.0.0.1", ready));
  const live = join(folder, "shop-1");
  mkdirSync(live);
  const spec = join(repository, "production.yaml");
  git("checkout", "--quiet", "main");
  write(spec, shop(live, before));
  git("commit", "--quiet", "-am", "Serve the shop");
  write(join(folder, "reconciled.yaml"), JSON.stringify({
    repositories: [{ name: "infrastructure", url: repository, interval: "250ms", github: "acme/infrastructure" }],
    slack: { token: { env: "SLACK" }, channel: "#infra", apiUrl: `http://127.0.0.1:${slack.address().port}/api` },
    providers: { host: { allowed: true, root: live } },
    web: { listen: "127.0.0.1:0" },
    stateFolder: join(folder, "state"),
  }));
  const daemon = spawn(program, ["--settings", join(folder, "reconciled.yaml"), "run"], { env, stdio: "ignore" });
  const told = async (sign) => {
    for (let tries = 0; tries < 600; tries++) {
      const found = [...posted.values()].find((message) => message.text.startsWith(sign));
      if (found) return found;
      await new Promise((next) => setTimeout(next, 200));
    }
    throw new Error(`nobody was told ${sign}: ${[...posted.values()].map((one) => one.text).join("; ")}`);
  };
  await told("✅ production: 6 changed");
  writeFileSync(join(live, "srv/shop/robots.txt"), "User-agent: *\nDisallow: /\n");
  const drift = await told("🔶 production: robots");
  write(spec, shop(live, after));
  git("commit", "--quiet", "-am", "Greet people, end the sale (#7)");
  const merged = await told("✅ production: 3 changed");
  daemon.kill("SIGTERM");
  await new Promise((ended) => daemon.on("exit", ended));
  slack.close();
  return [drift, merged];
}

const escaped = (text) => text.replace(/&(?!amp;|lt;|gt;)/g, "&amp;").replace(/<(?!https?:)/g, "&lt;");
/** Slack's markup, as far as messages use it. */
const mrkdwn = (text) => escaped(text)
  .replace(/<(https?:[^|>]+)\|([^>]+)>/g, '<a href="$1">$2</a>')
  .replace(/```\n?([\s\S]*?)\n?```/g, "<pre>$1</pre>")
  .replace(/`([^`\n]+)`/g, "<code>$1</code>")
  .replace(/\*([^*\n]+)\*/g, "<b>$1</b>")
  .replace(/\n(?!<\/?pre)/g, "<br>");
const block = (one) => ({
  header: () => `<h3>${escaped(one.text.text)}</h3>`,
  section: () => `<p>${mrkdwn(one.text.text)}</p>`,
  context: () => `<small>${one.elements.map((element) => mrkdwn(element.text)).join(" ")}</small>`,
})[one.type]();
const message = (one) => `<article><i>r</i><div><b>reconciled</b> <em>APP</em>${one.blocks.map(block).join("")}</div></article>`;

const SLACK = `body { margin: 0; padding: 10px 12px; font: 15px/1.45 Liberation Sans, Arial, "Noto Color Emoji", sans-serif; color: #1d1c1d; background: #fff; }
article { display: flex; gap: 8px; padding: 8px 0; } article > div { min-width: 0; } article > i { flex: none; width: 32px; height: 32px; border-radius: 6px; background: #2b6; color: #fff; font: bold 20px/32px sans-serif; text-align: center; }
em { font: 10px sans-serif; background: #ddd; padding: 1px 3px; border-radius: 2px; } h3 { font-size: 17px; margin: 4px 0; } p { margin: 4px 0; overflow-wrap: anywhere; }
code { font: 12px Liberation Mono, monospace; color: #c01343; background: #f8f8f8; border: 1px solid #ddd; border-radius: 3px; padding: 1px 3px; }
pre { font: 12px/1.4 Liberation Mono, monospace; background: #f8f8f8; border: 1px solid #ddd; border-radius: 4px; padding: 6px; margin: 4px 0; white-space: pre-wrap; }
small { color: #616061; font-size: 12px; } a { color: #1264a3; text-decoration: none; }`;
const GITHUB = `body { margin: 0; padding: 14px; background: #fff; } .markdown-body { border: 1px solid #d1d9e0; border-radius: 6px; padding: 14px 16px; font-family: Liberation Sans, Arial, "Noto Color Emoji", sans-serif; font-size: 14px; }
.markdown-body pre, .markdown-body code { font-family: Liberation Mono, monospace !important; } .add { background: #dafbe1; color: #116329; display: block; } .del { background: #ffebe9; color: #82071e; display: block; } .mod { color: #953800; display: block; } .com { color: #59636e; display: block; }`;

function page(markdown) {
  const colours = { "+": "add", "-": "del", "!": "mod", "#": "com" };
  const highlight = (text, language) => language !== "diff" ? "" : text.trimEnd().split("\n")
    .map((line) => colours[line[0]] ? `<span class="${colours[line[0]]}">${escaped(line)}</span>` : `${escaped(line)}\n`).join("");
  const body = new MarkdownIt({ html: true, highlight }).render(markdown);
  const css = readFileSync(require.resolve("github-markdown-css/github-markdown-light.css"), "utf8");
  return `<!doctype html><meta charset="utf-8"><style>${css}${GITHUB}</style><div class="markdown-body">${body}</div>`;
}

try {
  mkdirSync(repository);
  const pages = { comment: [page(comment()), 760], slack: [`<!doctype html><meta charset="utf-8"><style>${SLACK}</style>${(await messages()).map(message).join("")}`, 390] };
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-background-networking"] });
  for (const [name, [html, width]] of Object.entries(pages)) {
    const context = await browser.newContext({ viewport: { width, height: 200 }, deviceScaleFactor: 2 });
    const tab = await context.newPage();
    await tab.setContent(html);
    await tab.screenshot({ path: join(out, `${name}.png`), fullPage: true });
  }
  await browser.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
