import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { curlExample } from "./curl-example.ts";
import { type Html, html, listAt, markdown, objectAt, textAt } from "./html.ts";
import { anchor, constraintTexts, refName, typeText } from "./schema-text.ts";

export interface DocumentedOperation {
  /** In lower case. */
  method: string;
  path: string;
  operation: JsonObject;
  /** That stand beside the path's operations. */
  shared: readonly JsonValue[];
}

/** Everything about one way to call one RPC. */
export function operationSection(one: DocumentedOperation, components: JsonObject): Html {
  const { method, path, operation } = one;
  const schemas = objectAt(components["schemas"]);
  const parameters = [...one.shared, ...listAt(operation["parameters"])].map((given) =>
    resolve(objectAt(given), components),
  );
  const id = operationId(one);
  const description = textAt(operation["description"]) || textAt(operation["summary"]);
  const body = objectAt(operation["requestBody"]);
  return html`
<article id="${id}">
<h3><span class="method ${methodClass(method)}">${method.toUpperCase()}</span> <code>${path}</code> <a class="self" href="#${id}">#</a></h3>
${operation["deprecated"] === true && html`<p class="warning">Deprecated.</p>`}
${description !== "" && markdown(description)}
<p class="who">May be called by: ${textAt(operation["x-plinth-access"]) || callers(operation)}.</p>
${parameterTable(parameters)}
${contentTables("Request", objectAt(body["content"]), schemas, body["required"] === true)}
${responseTables(operation, components, schemas)}
<pre>${curlExample({ method, path, operation, parameters, schemas })}</pre>
</article>`;
}

export const operationId = ({ method, path, operation }: DocumentedOperation): string =>
  anchor(textAt(operation["operationId"]) || `${method} ${path}`);

const methodClass = (method: string): string => (/^[a-z]+$/.test(method) ? method : "");

const callers = (operation: JsonObject): string =>
  listAt(operation["security"]).length > 0 ? "callers with a token" : "everybody";

/** A parameter or response that is named in its place. */
function resolve(value: JsonObject, components: JsonObject): JsonObject {
  const [, kind = "", name = ""] = /^#\/components\/(\w+)\/([^/]+)$/.exec(textAt(value["$ref"])) ?? [];
  return kind === "" ? value : objectAt(objectAt(components[kind])[name]);
}

function parameterTable(parameters: readonly JsonObject[]): Html | undefined {
  if (parameters.length === 0) return undefined;
  const rows = parameters.map((parameter) => ({
    name: textAt(parameter["name"]),
    where: textAt(parameter["in"]),
    required: parameter["required"] === true,
    deprecated: parameter["deprecated"] === true,
    schema: objectAt(parameter["schema"]),
    description: textAt(parameter["description"]),
  }));
  return html`<h4>Parameters</h4>${table(rows)}`;
}

function responseTables(operation: JsonObject, components: JsonObject, schemas: JsonObject): Html {
  const responses = Object.entries(objectAt(operation["responses"]));
  return html`${responses.map(([status, given]) => {
    const response = resolve(objectAt(given), components);
    const title = status === "default" ? "Errors" : `Answer ${status}`;
    const text = textAt(response["description"]);
    return html`${contentTables(title, objectAt(response["content"]), schemas, false, text)}`;
  })}`;
}

function contentTables(
  title: string,
  content: JsonObject,
  schemas: JsonObject,
  required: boolean,
  description = "",
): Html {
  return html`${Object.entries(content).map(([type, media]) => {
    const schema = objectAt(objectAt(media)["schema"]);
    const shown = schemaTable(schema, schemas, title === "Request" ? "required" : "always there");
    return html`<h4>${title} <small>${type}: ${typeText(schema)}${required && ", required"}</small></h4>
${description !== "" && title !== "Errors" && markdown(description)}${title !== "Errors" && shown}`;
  })}`;
}

/** The properties of a schema, or of the one it refers to; undefined when it has none. */
export function schemaTable(schema: JsonObject, schemas: JsonObject, needed?: string): Html | undefined {
  const ref = refName(schema);
  const own = ref === undefined ? schema : objectAt(schemas[ref]);
  const properties = Object.entries(objectAt(own["properties"]));
  if (properties.length === 0) return undefined;
  const required = listAt(own["required"]);
  const rows = properties.map(([name, value]) => {
    const property = objectAt(value);
    return {
      name,
      required: required.includes(name),
      deprecated: property["deprecated"] === true,
      schema: property,
      description: textAt(property["description"]),
    };
  });
  return table(rows, needed);
}

interface Row {
  name: string;
  where?: string;
  required: boolean;
  deprecated: boolean;
  schema: JsonObject;
  description: string;
}

const table = (rows: readonly Row[], needed = "required"): Html => html`
<table><thead><tr><th>Name</th><th>Type</th><th>Meaning</th></tr></thead><tbody>${rows.map(
  ({ name, where, required, deprecated, schema, description }) => html`
<tr><td><code>${name}</code>${required && html` <b>${needed}</b>`}${deprecated && html` <i>deprecated</i>`}${
    where !== undefined && html`<br><small>${where}</small>`
  }</td><td>${typeText(schema)}</td><td>${description !== "" && markdown(description)}${constraintList(schema)}</td></tr>`,
)}
</tbody></table>`;

/** Without those that the type's name tells already. */
export function constraintList(schema: JsonObject): Html | undefined {
  const texts = constraintTexts(schema);
  return texts.length === 0
    ? undefined
    : html`<p class="rules">${texts.map((text, i) => html`${i > 0 && "; "}${text}`)}</p>`;
}
