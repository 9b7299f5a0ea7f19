// Puts an OpenAPI description that is spread over many YAML files into one JSON file: bundle.mjs FOLDER DESCRIPTION
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, description] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const { bundle } = await import(require.resolve("@apidevtools/json-schema-ref-parser"));
const whole = await bundle(description, { resolve: { http: false } });
writeFileSync(join(folder, "digitalocean.json"), JSON.stringify(whole));
