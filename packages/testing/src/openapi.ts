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
 * Holds requests and answers against a document's schemas; returns what does not fit. An answer whose operation, status or
 * type the document does not have is a problem as well. Throws Error for a schema that is none.
 */
export function createExchangeCheck(document: object): (exchange: HttpExchange) => string[] {
  // Strict: a keyword with a typing error would otherwise check nothing.
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
  addFormats.default(ajv, { mode: "full" });
  for (const name of ["int64", "uint64", "int32", "uint32", "double", "float"]) ajv.addFormat(name, true);
  ajv.addVocabulary(["openapi", "info", "servers", "tags", "paths", "components", "security"]);
  ajv.addSchema({ ...document, $id: "document" });
  const paths = Object.entries((document as { paths: Record<string, Record<string, Json>> }).paths);

  function check(pointer: readonly string[], value: unknown): string[] {
    const ref = pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
    const validate = ajv.getSchema(`document#/${ref}`) ?? ajv.compile({ $ref: `document#/${ref}` });
    return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
  }

  return ({ method, path, requestBody, status, contentType, text }) => {
    const [bare = ""] = path.split("?", 1);
    const [key, item] = paths.find(([one]) => templateOf(one).test(bare)) ?? [];
    const operation = item?.[method.toLowerCase()];
    if (key === undefined || operation === undefined) return [`${method} ${bare} is not in the document`];
    const at = ["paths", key, method.toLowerCase()];
    const asked =
      requestBody === undefined
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

const templateOf = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{[^}]*\}/g, "[^/]+")}$`);
