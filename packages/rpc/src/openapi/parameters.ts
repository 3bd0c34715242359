import type { DescField, DescMessage, JsonObject } from "@bufbuild/protobuf";
import type { HttpBinding } from "../rest/http-bindings.ts";
import { fieldNamed, isFree, isLeaf } from "../rest/message-fields.ts";
import type { PathTemplate, TemplateVariable } from "../rest/path-template.ts";
import type { MessageSchemas } from "./message-schemas.ts";

/** A path of OpenAPI with its parameters. */
export interface DocumentedPath {
  /** "/library/v1/things/{name}:check" */
  path: string;
  parameters: JsonObject[];
}

/**
 * A template of google/api/http.proto as OpenAPI has it. What a variable's own template says literally is written out:
 * `{name=shelves/*}` is `shelves/{name}`, and with more than one wildcard they are numbered.
 */
export function documentedPath({ template, rpc }: HttpBinding, schemas: MessageSchemas): DocumentedPath {
  const parameters: JsonObject[] = [];
  const parts = template.segments.map((segment, index) => {
    if (segment.kind === "literal") return encodeURIComponent(segment.text);
    const variable = template.variables.find(({ from, to }) => from <= index && index < to);
    const name = variable ? variableName(template, variable, index) : `segment_${index + 1}`;
    const field = variable && fieldNamed(rpc.input, variable.path);
    parameters.push(
      field && variable && variable.to - variable.from === 1
        ? parameter(schemas, field, { name, in: "path", required: true })
        : {
            name,
            in: "path",
            required: true,
            ...partOf(variable, segment.kind === "rest"),
            schema: { type: "string" },
          },
    );
    return `{${name}}`;
  });
  const verb = template.verb === "" ? "" : `:${encodeURIComponent(template.verb)}`;
  return { path: `/${parts.join("/")}${verb}`, parameters };
}

function variableName({ segments }: PathTemplate, { path, from, to }: TemplateVariable, index: number): string {
  const wild = [...segments.keys()].filter((at) => from <= at && at < to && segments[at]?.kind !== "literal");
  return wild.length > 1 ? `${path.join(".")}_${wild.indexOf(index) + 1}` : path.join(".");
}

function partOf(variable: TemplateVariable | undefined, isRest: boolean): JsonObject {
  const what = variable === undefined ? "Any text." : `Part of \`${variable.path.join(".")}\`.`;
  return { description: isRest ? `${what} It may hold slashes.` : what };
}

/** Fields within fields that are named in a query, at most this deep. */
const depthMax = 4;

/** The fields that can stand in the query: those that neither path nor body hold, in proto names. */
export function queryParameters({ rpc, body, template }: HttpBinding, schemas: MessageSchemas): JsonObject[] {
  if (body === "all") return [];
  const inPath = new Set(template.variables.map(({ path }) => path.join(".")));
  const found: JsonObject[] = [];
  const visit = (message: DescMessage, above: readonly string[], around: readonly DescMessage[]): void => {
    const required = schemas.required(message);
    for (const field of message.fields) {
      const path = [...above, field.name];
      const name = path.join(".");
      if (inPath.has(name) || (typeof body === "object" && above.length === 0 && body.name === field.name)) continue;
      if (isLeaf(field))
        found.push(
          parameter(schemas, field, {
            name,
            in: "query",
            ...(above.length === 0 && required.has(field.name) ? { required: true } : {}),
          }),
        );
      else if (field.fieldKind === "message" && !isFree(field.message) && isNew(field.message, around))
        visit(field.message, path, [...around, field.message]);
    }
  };
  visit(rpc.input, [], [rpc.input]);
  return found;
}

const isNew = (message: DescMessage, around: readonly DescMessage[]): boolean =>
  around.length < depthMax && !around.includes(message);

function parameter(schemas: MessageSchemas, field: DescField, head: JsonObject): JsonObject {
  const { description, deprecated } = schemas.field(field, "request");
  const { deprecated: _, ...schema } = schemas.field(field, "request", { description: false });
  return {
    ...head,
    ...(description === undefined ? {} : { description }),
    ...(deprecated === undefined ? {} : { deprecated }),
    schema,
  };
}
