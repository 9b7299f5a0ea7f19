// A server in front of another: records every request, judges it by a contract, and passes it on where nothing is wrong.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

/**
 * Serves on a free loopback port and gives back its address.
 *
 * `contract` judges, or nothing does; `strict` judges answers too; `etags` names states; `lacks(request)` answers what upstream cannot
 * (`{status, body}`), and `rewrite(request, body)` changes what upstream answered. Under `/__peers/` it tells what it
 * has seen (`requests`, `faults`), and takes a `failure` `{method, path, status, headers, body, times}` to answer with
 * instead, never where its status is null, once upstream has answered where it is `late`, until `mended`; one with
 * `milliseconds` only takes so long to answer; `controls` adds more there.
 */
export async function serve({ upstream, contract, strict = false, etags = false, lacks, rewrite, controls = {} }) {
  const requests = [];
  const faults = [];
  const failures = [];
  const told = { failure: (failure) => void failures.push(failure), mended: () => void failures.splice(0), requests: () => requests, faults: () => faults, ...controls };

  const pass = async (request) => {
    const headers = { ...request.headers };
    for (const name of ["host", "connection", "content-length", "transfer-encoding", "accept-encoding"]) delete headers[name];
    const body = request.body === "" ? undefined : request.body;
    const ask = () => fetch(upstream + request.url.pathname + request.url.search, { method: request.method, headers, body, redirect: "manual" });
    // A connection that upstream closed while this machine was busy carried nothing there.
    const answer = await ask().catch((error) => (request.method === "GET" ? ask() : Promise.reject(error)));
    const type = answer.headers.get("content-type") ?? "application/json";
    const extra = Object.fromEntries(["link", "retry-after", "location", "ratelimit-remaining"].map((name) => [name, answer.headers.get(name)]).filter(([, value]) => value));
    return { status: answer.status, text: await answer.text(), type, extra };
  };

  const handle = async (request) => {
    const name = request.url.pathname.startsWith("/__peers/") && request.url.pathname.slice("/__peers/".length);
    if (name) {
      if (!told[name]) return { status: 404, text: "{}" };
      const value = await told[name](request.body && JSON.parse(request.body));
      return { status: 200, text: JSON.stringify(value ?? null) };
    }
    const line = `${request.method} ${request.url.pathname}`;
    const seen = { method: request.method, path: request.url.pathname, query: request.url.search, headers: request.headers, body: request.body };
    requests.push(seen);
    const wrong = contract?.request(request.method, request.url, request.headers, request.body) ?? [];
    if (wrong.length > 0) {
      faults.push(...wrong.map((fault) => `${line}: ${fault}`));
      // No real API answers like this, so that a client that overlooks it still fails its test.
      return { status: 418, text: JSON.stringify({ message: `the request breaks the contract: ${wrong.join("; ")}` }) };
    }
    const failure = failures.find((one) => one.times > 0 && one.method === request.method && request.url.pathname.includes(one.path));
    if (failure?.milliseconds) {
      failure.times -= 1;
      await new Promise((over) => setTimeout(over, failure.milliseconds));
      return named(request, seen, await carriedOut(request, seen));
    }
    if (failure?.late) {
      failure.times -= 1;
      await carriedOut(request, seen);
      seen.status = failure.status;
      return { status: failure.status, text: JSON.stringify(failure.body ?? {}), extra: failure.headers };
    }
    if (failure) {
      failure.times -= 1;
      if (failure.status === null) await new Promise(() => {});
      seen.status = failure.status;
      if (failure.text !== undefined) return { status: failure.status, text: failure.text, type: "text/html", extra: failure.headers };
      return { status: failure.status, text: JSON.stringify(failure.body ?? {}), extra: failure.headers };
    }
    return named(request, seen, await carriedOut(request, seen));
  };

  // Names each state of what is read, as GitHub does, and answers who has it already that it is still so.
  const named = (request, seen, answer) => {
    if (!etags || request.method !== "GET" || answer.status !== 200) return answer;
    const etag = `W/"${createHash("sha256").update(answer.text).digest("hex")}"`;
    const extra = { ...answer.extra, etag };
    if (request.headers["if-none-match"] !== etag) return { ...answer, extra };
    seen.status = 304;
    return { status: 304, extra };
  };

  const carriedOut = async (request, seen) => {
    const own = await lacks?.(request);
    const answer = own ? { status: own.status, text: JSON.stringify(own.body) } : await pass(request);
    if (!own && rewrite && answer.type?.includes("json") && answer.text) answer.text = JSON.stringify(rewrite(request, JSON.parse(answer.text)));
    seen.status = answer.status;
    if (contract && (own?.status < 400 || strict)) faults.push(...contract.answer(request.method, request.url.pathname, answer.status, answer.text).map((fault) => `${request.method} ${request.url.pathname}: ${fault}`));
    return answer;
  };

  const server = createServer((incoming, outgoing) => {
    const chunks = [];
    incoming.on("data", (chunk) => chunks.push(chunk));
    incoming.on("end", async () => {
      const request = {
        method: incoming.method,
        url: new URL(incoming.url, "http://peer.invalid"),
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      try {
        const { status, text, type = "application/json", extra = {} } = await handle(request);
        outgoing.writeHead(status, { "content-type": type, ...extra });
        outgoing.end(status === 204 ? undefined : text);
      } catch (error) {
        faults.push(`${request.method} ${request.url.pathname}: ${error.stack}`);
        outgoing.writeHead(502).end(String(error));
      }
    });
  });
  // Longer than any test: a connection that is closed as a request arrives on it would be a fault of nobody's.
  server.keepAliveTimeout = 600_000;
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return `http://127.0.0.1:${server.address().port}`;
}
