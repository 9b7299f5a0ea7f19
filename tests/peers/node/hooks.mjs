// Whoever is told by the webhook: hooks.mjs FOLDER SECRET SCHEMA. The reference library of Standard Webhooks checks each POST, Ajv what it says.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { serve } from "./proxy.mjs";

const [folder, secret, schema] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const { Webhook } = require("standardwebhooks");
const ajv = new (require("ajv/dist/2020").default)({ strict: true, allowUnionTypes: true, allErrors: true });
require("ajv-formats").default(ajv);
const valid = ajv.compile(JSON.parse(readFileSync(schema, "utf8")));
const webhook = new Webhook(secret);

const contract = {
  request(method, url, headers, body) {
    if (method !== "POST" || url.pathname !== "/events") return ["nobody expects this"];
    try {
      const event = webhook.verify(body, headers);
      return valid(event) ? [] : valid.errors.map((error) => `${error.instancePath} ${error.message}`);
    } catch (error) {
      return [String(error)];
    }
  },
  answer: () => [],
};

console.log(await serve({ contract, lacks: () => ({ status: 204 }) }));
