// An OpenAPI 3.0 description as a judge: says what is wrong with a request or an answer, in one line per fault.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// Parameters that GitHub lets span slashes, which OpenAPI cannot say.
const SPANNING = new Set(["path", "ref", "basehead"]);

const pointer = (...keys) => keys.map((key) => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");

/** Rewrites what OpenAPI 3.0 says differently from JSON Schema, in place. */
function modernise(node) {
  if (Array.isArray(node)) return node.forEach(modernise);
  if (node === null || typeof node !== "object") return;
  if (node.nullable === true) {
    if (typeof node.type === "string") node.type = [node.type, "null"];
    if (Array.isArray(node.enum) && !node.enum.includes(null)) node.enum.push(null);
    for (const kind of ["oneOf", "anyOf"]) if (Array.isArray(node[kind])) node[kind].push({ type: "null" });
    if (Array.isArray(node.allOf)) {
      node.anyOf = [{ type: "null" }, { allOf: node.allOf }];
      delete node.allOf;
    }
  }
  if (typeof node.nullable === "boolean") delete node.nullable;
  for (const [flag, limit] of [["exclusiveMinimum", "minimum"], ["exclusiveMaximum", "maximum"]]) {
    if (typeof node[flag] !== "boolean") continue;
    if (node[flag]) { node[flag] = node[limit]; delete node[limit]; } else delete node[flag];
  }
  Object.values(node).forEach(modernise);
}

export class Contract {
  constructor(folder, file) {
    const require = createRequire(join(folder, "package.json"));
    const Ajv = require("ajv").default;
    this.document = JSON.parse(readFileSync(file, "utf8"));
    modernise(this.document.paths);
    modernise(this.document.components);
    this.ajv = new Ajv({ strict: false, validateSchema: false, allErrors: true, verbose: true, logger: false, unicodeRegExp: false });
    require("ajv-formats").default(this.ajv);
    this.ajv.addSchema(this.document, "api");
    this.compiled = new Map();
    this.routes = Object.keys(this.document.paths).map((template) => {
      const names = [];
      const pattern = template.replace(/[.+*?()[\]|^$]/g, "\\$&").replace(/\{([^}]+)\}/g, (_, name) => {
        names.push(name);
        return SPANNING.has(name) ? "(.+)" : "([^/]+)";
      });
      return { template, names, pattern: new RegExp(`^${pattern}$`) };
    });
    // The route with the fewest variables says most exactly what is meant.
    this.routes.sort((a, b) => a.names.length - b.names.length || b.template.length - a.template.length);
  }

  resolve(node) {
    let found = node;
    while (found?.$ref) {
      const keys = found.$ref.slice(2).split("/").map((key) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~"));
      found = keys.reduce((inside, key) => inside[key], this.document);
    }
    return found;
  }

  /** The operation a request is for, or nothing. */
  operation(method, path) {
    for (const route of this.routes) {
      const match = route.pattern.exec(path);
      const operation = match && this.document.paths[route.template][method.toLowerCase()];
      if (!operation) continue;
      const values = Object.fromEntries(route.names.map((name, index) => [name, decodeURIComponent(match[index + 1])]));
      return { route, operation, values, method: method.toLowerCase() };
    }
    return undefined;
  }

  /** What a schema at a place of the document says against a value. `request`: fields only the server sets may be missing. */
  judge(where, value, what, request = false) {
    if (!this.compiled.has(where)) this.compiled.set(where, this.ajv.compile({ $ref: `api#/${where}` }));
    const validate = this.compiled.get(where);
    if (validate(value)) return [];
    const errors = validate.errors.filter((error) => {
      const missing = error.params?.missingProperty;
      return !(request && missing && this.resolve(error.parentSchema?.properties?.[missing])?.readOnly);
    });
    // A failed alternative says nothing where all that failed in it was forgiven.
    const telling = errors.filter((error) => !["oneOf", "anyOf", "allOf", "if"].includes(error.keyword));
    const said = request && telling.length === 0 ? [] : errors;
    return [...new Set(said.map((error) => `${what}${error.instancePath}: ${error.message}`))].slice(0, 8);
  }

  parameters({ route, operation }) {
    const shared = this.document.paths[route.template].parameters ?? [];
    return [...shared, ...(operation.parameters ?? [])].map((parameter) => this.resolve(parameter));
  }

  /** A parameter's text as the type its schema wants. */
  typed(schema, text) {
    const type = [this.resolve(schema)?.type].flat()[0];
    if (["integer", "number"].includes(type) && text.trim() !== "" && !Number.isNaN(Number(text))) return Number(text);
    if (type === "boolean" && ["true", "false"].includes(text)) return text === "true";
    if (type === "array") return text.split(",");
    return text;
  }

  /** Faults of a request; `body` is text. */
  request(method, url, headers, body) {
    const found = this.operation(method, url.pathname);
    if (!found) return [`${method} ${url.pathname}: no such operation`];
    const faults = [];
    const known = this.parameters(found);
    for (const [name, text] of url.searchParams) {
      const parameter = known.find((one) => one.in === "query" && (one.name === name || one.name === name.replace(/\[.*$/, "")));
      if (!parameter) { faults.push(`query ${name}: unknown`); continue; }
      const value = this.typed(parameter.schema, text);
      const valid = this.ajv.compile(this.rooted(parameter.schema));
      if (!valid(value)) faults.push(`query ${name}=${text}: ${valid.errors[0].message}`);
    }
    for (const parameter of known) {
      if (parameter.in === "query" && parameter.required && !url.searchParams.has(parameter.name)) faults.push(`query ${parameter.name}: missing`);
      if (parameter.in === "path" && parameter.schema) {
        const valid = this.ajv.compile(this.rooted(parameter.schema));
        const text = found.values[parameter.name] ?? "";
        if (!valid(this.typed(parameter.schema, text))) faults.push(`path ${parameter.name}=${text}: ${valid.errors[0].message}`);
      }
    }
    return [...faults, ...this.body(found, headers, body)];
  }

  body({ route, operation, method }, headers, text) {
    const wanted = this.resolve(operation.requestBody);
    if (!wanted?.content?.["application/json"]) return text && !wanted ? ["body: none is allowed"] : [];
    if (!text) return wanted.required ? ["body: missing"] : [];
    if (!(headers["content-type"] ?? "").startsWith("application/json")) return [`content-type: ${headers["content-type"]}`];
    let value;
    try { value = JSON.parse(text); } catch { return ["body: no JSON"]; }
    const where = operation.requestBody.$ref
      ? pointer(...operation.requestBody.$ref.slice(2).split("/"), "content", "application/json", "schema")
      : pointer("paths", route.template, method, "requestBody", "content", "application/json", "schema");
    const schema = this.resolve(wanted.content["application/json"].schema);
    const faults = this.judge(where, value, "body", true);
    // The descriptions leave objects open; a field they do not name is a spelling mistake all the same.
    const named = this.fields(schema);
    if (named && value && !Array.isArray(value)) for (const name of Object.keys(value)) if (!named.has(name)) faults.push(`body/${name}: unknown`);
    return faults;
  }

  /** The fields an object may have by any of a schema's parts; nothing where it says that others are welcome. */
  fields(schema) {
    const whole = this.resolve(schema);
    if (whole.additionalProperties) return undefined;
    const parts = [...(whole.allOf ?? []), ...(whole.anyOf ?? []), ...(whole.oneOf ?? [])].map((part) => this.fields(part));
    if (!whole.properties && parts.length === 0) return undefined;
    if (parts.some((part) => !part)) return undefined;
    return new Set([...Object.keys(whole.properties ?? {}), ...parts.flatMap((part) => [...part])]);
  }

  /** Faults of an answer; `text` is the body. */
  answer(method, path, status, text) {
    const found = this.operation(method, path);
    if (!found) return [];
    const documented = found.operation.responses;
    const key = [String(status), `${String(status)[0]}XX`, "default"].find((one) => documented[one]);
    if (!key) return [`status ${status}: not described for ${method} ${found.route.template}`];
    const media = this.resolve(documented[key]).content?.["application/json"];
    if (!media?.schema) return [];
    let value;
    try { value = JSON.parse(text); } catch { return ["answer: no JSON"]; }
    const reference = documented[key].$ref;
    const base = reference ? reference.slice(2).split("/").map(decodeURIComponent).map((one) => one.replaceAll("~1", "/").replaceAll("~0", "~"))
      : ["paths", found.route.template, found.method, "responses", key];
    return this.judge(pointer(...base, "content", "application/json", "schema"), value, "answer");
  }

  rooted(schema) {
    return schema.$ref ? { $ref: `api${schema.$ref}` } : schema;
  }
}
