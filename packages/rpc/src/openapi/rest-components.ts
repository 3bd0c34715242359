import type { JsonObject } from "@bufbuild/protobuf";
import { workloadTokenHeader } from "../auth/authenticator.ts";

/** Name of the schema of errors: no message can have it, because no package is called so. */
export const errorSchema = "plinth.rest.Error";

const text: JsonObject = { type: "string" };

/** What is the same for all RPCs: errors (AIP-193), the headers of every call, credentials. */
export const restSchemas: JsonObject = {
  [errorSchema]: {
    type: "object",
    description: "The error model of AIP-193.",
    properties: {
      error: {
        type: "object",
        properties: {
          code: { type: "integer", description: "The HTTP status.", minimum: 400, maximum: 599 },
          message: { ...text, description: "For people." },
          status: { ...text, description: "The name of the google.rpc.Code.", examples: ["ABORTED"] },
          details: {
            type: "array",
            description: "The first one has the reason, by which programs tell errors apart.",
            items: {
              type: "object",
              properties: {
                "@type": { ...text, examples: ["type.googleapis.com/google.rpc.ErrorInfo"] },
                reason: { ...text, examples: ["USER_NOT_FOUND"] },
                domain: text,
                metadata: { type: "object", additionalProperties: text },
                retryDelay: { ...text, description: "How long to wait before the next attempt.", examples: ["1.5s"] },
              },
              required: ["@type"],
            },
          },
        },
        required: ["code", "message", "status", "details"],
      },
    },
    required: ["error"],
  },
};

const requestId: JsonObject = { schema: { type: "string", pattern: "^[A-Za-z0-9._-]{1,128}$" } };

/** Ways to prove who calls. */
export const securitySchemes: JsonObject = {
  bearer: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "An access token of the auth service.",
  },
  workload: {
    type: "apiKey",
    in: "header",
    name: workloadTokenHeader,
    description: "The token of a service of the platform.",
  },
};

export const restComponents: JsonObject = {
  responses: {
    Error: {
      description: "The call failed.",
      headers: { "x-request-id": { $ref: "#/components/headers/RequestId" } },
      content: { "application/json": { schema: { $ref: `#/components/schemas/${errorSchema}` } } },
    },
  },
  parameters: {
    ServerTimeout: {
      name: "x-server-timeout",
      in: "header",
      description: "The call's deadline in seconds.",
      schema: { type: "number", exclusiveMinimum: 0, examples: [2.5] },
    },
    RequestId: {
      name: "x-request-id",
      in: "header",
      description: "Names the call in logs and in the answer; made when it is left out.",
      ...requestId,
    },
  },
  headers: { RequestId: { description: "The call's id, as it is in the logs.", ...requestId } },
  securitySchemes,
};
