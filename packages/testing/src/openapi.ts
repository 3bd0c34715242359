import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

type Json = Record<string, unknown>;

/** What the official schema of OpenAPI finds wrong with a document, references that lead nowhere included. */
export async function openApiProblems(document: object): Promise<string[]> {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as Json);
  if (valid) return [];
  return typeof errors === "string" ? [errors] : (errors ?? []).map((error) => JSON.stringify(error));
}

export interface HttpExchange {
  method: string;
  /** With or without query. */
  path: string;
  requestBody?: unknown;
  status: number;
  contentType: string;
  text: string;
}

/**
 * Holds requests that were answered, and answers, against a document's schemas; returns what does not fit. An answer whose operation, status or
 * type the document does not have is a problem as well. Throws Error for a schema that is none.
 */
export function createExchangeCheck(document: object): (exchange: HttpExchange) => string[] {
  // Strict: a keyword with a typing error would otherwise check nothing.
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
  addFormats.default(ajv, { mode: "full" });
  for (const name of ["int64", "uint64", "int32", "uint32", "double", "float"]) ajv.addFormat(name, true);
  ajv.addVocabulary(["openapi", "info", "servers", "tags", "paths", "components", "security"]);
  ajv.addSchema({ ...document, $id: "document" });
  const { paths } = document as { paths: Record<string, Record<string, Json>> };

  function check(pointer: readonly string[], value: unknown): string[] {
    const ref = pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
    const validate = ajv.getSchema(`document#/${ref}`) ?? ajv.compile({ $ref: `document#/${ref}` });
    return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
  }

  return ({ method, path, requestBody, status, contentType, text }) => {
    const [bare = ""] = path.split("?", 1);
    const key = pathOf(Object.keys(paths), bare);
    const operation = paths[key ?? ""]?.[method.toLowerCase()];
    if (key === undefined || operation === undefined) return [`${method} ${bare} is not in the document`];
    const at = ["paths", key, method.toLowerCase()];
    const asked =
      requestBody === undefined || status !== 200
        ? []
        : check([...at, "requestBody", "content", "application/json", "schema"], requestBody);
    if (status !== 200) return [...asked, ...check(errorSchema, JSON.parse(text))];
    const { content } = (operation["responses"] as { 200: { content: Json } })[200];
    if (content[contentType] === undefined) return [...asked, `${contentType} is not among ${Object.keys(content)}`];
    const lines = () =>
      text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    const value = contentType === "application/jsonl" ? lines() : JSON.parse(text);
    return [...asked, ...check([...at, "responses", "200", "content", contentType, "schema"], value)];
  };
}

const errorSchema = ["components", "responses", "Error", "content", "application/json", "schema"];

/** The longest one that fits: a verb after a colon would pass for a part of an id. */
const pathOf = (paths: readonly string[], path: string): string | undefined =>
  paths.filter((one) => templateOf(one).test(path)).toSorted((a, b) => b.length - a.length)[0];

const templateOf = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{[^}]*\}/g, "[^/]+")}$`);

export interface DocumentedCall {
  body?: unknown;
  headers?: Record<string, string>;
}

export interface DocumentedService {
  /** Makes a REST call and checks it. Throws Error that says how it differs from the document. */
  call(method: string, path: string, call?: DocumentedCall): Promise<{ status: number; text: string }>;
  /** "METHOD path" of what no call has been answered for with 200; with the last answer where there was another. */
  uncalled(): string[];
}

/** Reads a server's document, which must be one. */
export async function readDocumentedService(baseUrl: string): Promise<DocumentedService> {
  const document = (await (await fetch(`${baseUrl}/openapi.json`)).json()) as { paths: Record<string, Json> };
  const problems = await openApiProblems(document);
  if (problems.length > 0) throw new Error(`the document is wrong: ${problems.join("; ")}`);
  const check = createExchangeCheck(document);
  const paths = Object.keys(document.paths);
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const answered = new Set<string>();
  const refused = new Map<string, string>();
  return {
    async call(method, path, { body, headers = {} } = {}) {
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const { status } = response;
      const text = await response.text();
      const contentType = response.headers.get("content-type") ?? "";
      const found = check({ method, path, requestBody: body, status, contentType, text });
      if (found.length > 0) throw new Error(`${method} ${path}: ${found.join("; ")}: ${text.slice(0, 500)}`);
      const [bare = ""] = path.split("?", 1);
      const operation = `${method} ${pathOf(paths, bare)}`;
      if (status === 200) answered.add(operation);
      else refused.set(operation, `${operation}: ${status} ${text.slice(0, 500)}`);
      return { status, text };
    },
    uncalled: () => operations.filter((name) => !answered.has(name)).map((name) => refused.get(name) ?? name),
  };
}

const run = promisify(execFile);
const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/** Runs every example of a server's page as it is written; returns what came back of each. */
export async function runExamples(baseUrl: string, token: string): Promise<{ example: string; text: string }[]> {
  const page = await (await fetch(`${baseUrl}/openapi`)).text();
  const found = [];
  for (const [, escaped = ""] of page.matchAll(/<pre>([^<]*)<\/pre>/g)) {
    const example = escaped.replaceAll(/&([^;]+);/g, (_, name: string) => entities[name] ?? "");
    const { stdout } = await run("sh", ["-c", example], { env: { ...process.env, TOKEN: token }, timeout: 60_000 });
    found.push({ example, text: stdout });
  }
  return found;
}
