// Slack as the tests meet it: slack.mjs FOLDER SEED. Emulate keeps channels, messages and threads; what it lets pass and Slack does not is refused here.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { serve } from "./proxy.mjs";

const [folder, seed] = process.argv.slice(2);
const { createEmulator } = await import(pathToFileURL(join(folder, "node_modules/emulate/dist/api.js")));
const emulator = await createEmulator({ service: "slack", port: 0, seed: JSON.parse(seed) });
const tokens = JSON.parse(seed).tokens;

function lacks(request) {
  if (!request.url.pathname.startsWith("/api/")) return undefined;
  const refuse = (error) => ({ status: 200, body: { ok: false, error } });
  const token = request.headers.authorization?.replace(/^Bearer /, "");
  // Emulate takes an unknown token for its first user.
  if (!token) return refuse("not_authed");
  if (!(token in tokens)) return refuse("invalid_auth");
  if (!request.headers["content-type"]?.startsWith("application/json")) return undefined;
  const body = JSON.parse(request.body);
  const method = request.url.pathname.slice("/api/".length);
  // A channel may be named when posting, also with its mark, which emulate does not know; an edit takes the id only.
  if (method === "chat.postMessage" && body.channel?.startsWith("#")) request.body = JSON.stringify({ ...body, channel: body.channel.slice(1) });
  if (method === "chat.update" && !/^[CGD][A-Z0-9]{8,}$/.test(body.channel ?? "")) return refuse("channel_not_found");
  return undefined;
}

console.log(await serve({ upstream: emulator.url, lacks }));
