import { createHash } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { originMark } from "./curl-example.ts";
import { escapeHtml, type Html, html, listAt, markdown, objectAt, textAt } from "./html.ts";
import {
  constraintList,
  type DocumentedOperation,
  operationId,
  operationSection,
  schemaTable,
} from "./operation-section.ts";
import { schemaId, shortName } from "./schema-text.ts";
import { pageScript, pageStyle } from "./style-and-script.ts";

const methods = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Nothing but the page's own style and script, which are known by their hashes. */
export const pageHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    `style-src ${hashOf(pageStyle)}`,
    `script-src ${hashOf(pageScript)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/**
 * A page for people about an OpenAPI 3.1 document, which may be somebody else's: whatever it holds is shown as text. It
 * needs no script and loads nothing. Where `originMark` stands belongs the address at which it is read: see `pageAt`.
 */
export function openApiPage(document: JsonObject): string {
  const info = objectAt(document["info"]);
  const components = objectAt(document["components"]);
  const schemas = objectAt(components["schemas"]);
  const operations = operationsOf(objectAt(document["paths"]));
  const tags = listAt(document["tags"]).map(objectAt);
  const named = new Set(tags.map((tag) => textAt(tag["name"])));
  const rest = operations.filter(({ operation }) => !named.has(tagOf(operation)));
  const groups = [
    ...tags.map((tag) => ({
      name: textAt(tag["name"]),
      description: textAt(tag["description"]),
      operations: operations.filter(({ operation }) => tagOf(operation) === tag["name"]),
    })),
    ...(rest.length > 0 ? [{ name: "Others", description: "", operations: rest }] : []),
  ];
  const title = `${textAt(info["title"])} ${textAt(info["version"])}`.trim();
  const page = html`
<body>
<header><h1>${title}</h1>
<p>${operations.length} operations. The same as <a href="openapi.json">openapi.json</a> (OpenAPI 3.1). Set <code>TOKEN</code> to an access token for the examples.</p>
<input type="search" id="search" placeholder="Search" aria-label="Search" hidden></header>
<nav>${groups.map(
    (group) =>
      html`<h2>${group.name}</h2><ul>${group.operations.map(
        (one) => html`<li><a href="#${operationId(one)}"><b>${one.method.toUpperCase()}</b> ${one.path}</a></li>`,
      )}</ul>`,
  )}</nav>
<main>${groups.map(
    (group) => html`<section><h2>${group.name}</h2>${group.description !== "" && markdown(group.description)}
${group.operations.map((one) => operationSection(one, components))}</section>`,
  )}
<section><h2>Schemas</h2>${Object.keys(schemas).map((name) => schemaSection(name, schemas))}</section></main>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${pageStyle}</style></head>${page.markup}
<script>${pageScript}</script></body></html>
`;
}

/** The page as it is read at an origin such as "http://127.0.0.1:8080". */
export const pageAt = (page: string, origin: string): string => page.replaceAll(originMark, escapeHtml(origin));

function operationsOf(paths: JsonObject): DocumentedOperation[] {
  return Object.entries(paths).flatMap(([path, given]) => {
    const item = objectAt(given);
    return methods.flatMap((method) =>
      item[method] === undefined
        ? []
        : [{ method, path, operation: objectAt(item[method]), shared: listAt(item["parameters"]) }],
    );
  });
}

const tagOf = (operation: JsonObject): string => textAt(listAt(operation["tags"])[0]);

function schemaSection(name: string, schemas: JsonObject): Html {
  const schema = objectAt(schemas[name]);
  const description = textAt(schema["description"]);
  return html`
<article id="${schemaId(name)}"><h3><code>${shortName(name)}</code> <small>${name}</small></h3>
${description !== "" && markdown(description)}${schemaTable(schema, schemas) ?? constraintList(schema)}</article>`;
}
