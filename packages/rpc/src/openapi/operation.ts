import type { JsonObject } from "@bufbuild/protobuf";
import type { AccessRule } from "../access.ts";
import type { HttpBinding } from "../rest/http-bindings.ts";
import { accessText, securityOf } from "./access-text.ts";
import { described, type MessageSchemas } from "./message-schemas.ts";
import { queryParameters } from "./parameters.ts";
import { firstSentence, type ProtoComments } from "./proto-comments.ts";
import { errorSchema } from "./rest-components.ts";

export interface OperationOptions {
  operationId: string;
  tag: string;
  access: AccessRule;
  pathParameters: readonly JsonObject[];
  schemas: MessageSchemas;
  comments: ProtoComments;
}

/** One way to call one RPC, as an Operation Object of OpenAPI 3.1. */
export function operation(binding: HttpBinding, options: OperationOptions): JsonObject {
  const { rpc } = binding;
  const { schemas, comments, access } = options;
  const comment = comments[`${rpc.parent.typeName}.${rpc.name}`];
  const summary = comment === undefined ? undefined : firstSentence(comment);
  const requestBody = bodyOf(binding, schemas);
  return {
    operationId: options.operationId,
    tags: [options.tag],
    ...(summary === undefined ? {} : { summary }),
    ...(comment === summary ? {} : described(comment, [])),
    ...(rpc.deprecated || rpc.parent.deprecated ? { deprecated: true } : {}),
    parameters: [
      ...options.pathParameters,
      ...queryParameters(binding, schemas),
      { $ref: "#/components/parameters/ServerTimeout" },
      { $ref: "#/components/parameters/RequestId" },
    ],
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: {
      "200": {
        description: rpc.methodKind === "unary" ? "The answer." : streamText,
        headers: { "x-request-id": { $ref: "#/components/headers/RequestId" } },
        content: contentOf(binding, schemas),
      },
      default: { $ref: "#/components/responses/Error" },
    },
    security: securityOf(access),
    "x-plinth-access": accessText(access),
    "x-plinth-rpc": `${rpc.parent.typeName}/${rpc.name}`,
  };
}

const streamText =
  "One object on each line, as it comes (JSON Lines). The schema is that of the list of all lines; a last line with `error` says that the stream broke.";

function bodyOf(binding: HttpBinding, schemas: MessageSchemas): JsonObject | undefined {
  const { body, rpc, template } = binding;
  if (body === "none") return undefined;
  if (typeof body === "object") {
    const isRequired = schemas.required(rpc.input).has(body.name);
    return json(schemas.field(body, "request", { description: false }), isRequired);
  }
  const inPath = new Set(template.variables.flatMap(({ path }) => (path.length === 1 ? [path[0] as string] : [])));
  const left = rpc.input.fields.filter(({ name }) => !inPath.has(name));
  if (left.length === 0) return undefined;
  const isRequired = left.some(({ name }) => schemas.required(rpc.input).has(name));
  const isWhole = inPath.size === 0;
  return json(
    isWhole ? schemas.message(rpc.input, "request") : schemas.object(rpc.input, "request", inPath),
    isRequired,
  );
}

const json = (schema: JsonObject, required: boolean): JsonObject => ({
  ...(required ? { required } : {}),
  content: { "application/json": { schema } },
});

function contentOf({ rpc, responseBody }: HttpBinding, schemas: MessageSchemas): JsonObject {
  const schema =
    responseBody === undefined
      ? schemas.message(rpc.output, "response")
      : orNull(responseBody.fieldKind === "message", schemas.field(responseBody, "response"));
  if (rpc.methodKind === "unary") return { "application/json": { schema } };
  const line: JsonObject = { anyOf: [schema, { $ref: `#/components/schemas/${errorSchema}` }] };
  return { "application/jsonl": { schema: { type: "array", items: line } } };
}

/** A message that is not there is null when it is the whole answer. */
const orNull = (canBeAway: boolean, schema: JsonObject): JsonObject =>
  canBeAway ? { anyOf: [schema, { type: "null" }] } : schema;
