import type { JsonObject } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { keptPage, openApiPage } from "../../src/openapi/index.ts";
import { curlExample, originMark } from "../../src/openapi/page/curl-example.ts";

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)> \`</code><svg onload=alert(1)>\` &amp; 'x' \u0000origin\u0000`;

/** The same text wherever a document can have one. */
const document: JsonObject = {
  openapi: "3.1.1",
  info: { title: hostile, version: hostile },
  tags: [{ name: hostile, description: hostile }],
  paths: {
    [`/${hostile}/{${hostile}}`]: {
      get: {
        operationId: hostile,
        tags: [hostile],
        summary: hostile,
        description: hostile,
        "x-plinth-access": hostile,
        security: [{ [hostile]: [] }],
        parameters: [
          {
            name: hostile,
            in: "path",
            required: true,
            description: hostile,
            schema: { type: hostile, enum: [hostile] },
          },
          { name: hostile, in: "query", required: true, schema: { $ref: `#/components/schemas/${hostile}` } },
        ],
        requestBody: { content: { "application/json": { schema: { $ref: `#/components/schemas/${hostile}` } } } },
        responses: { [hostile]: { description: hostile, content: { [hostile]: { schema: { pattern: hostile } } } } },
      },
    },
  },
  components: {
    schemas: {
      [hostile]: {
        type: "object",
        description: hostile,
        required: [hostile],
        properties: {
          [hostile]: { type: "string", format: hostile, pattern: hostile, const: hostile, description: hostile },
        },
      },
    },
  },
};

const tagsOf = (text: string): Set<string> => new Set(text.match(/<[a-z]+/g));

test("whatever a document holds is shown as text", () => {
  const page = keptPage(openApiPage(document), `http://a${hostile}`).body.toString();
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  const harmless = keptPage(
    openApiPage(JSON.parse(JSON.stringify(document).replaceAll(/[<>"'&]/g, (char) => (char === '"' ? char : "")))),
    "http://a",
  );
  expect(tagsOf(page)).toEqual(tagsOf(harmless.body.toString()));
  expect(page.match(/<script>/g)).toHaveLength(1);
  expect(page).not.toMatch(/<[^>]* on[a-z]+=/);
});

test("a document of another form is shown as far as it goes", () => {
  for (const odd of [
    {},
    { paths: [], tags: 3, components: "x" },
    { paths: { "/a": { get: 7, put: { parameters: {} } } } },
  ])
    expect(openApiPage(odd as JsonObject)).toContain("</html>");
});

test("a schema that holds itself ends", () => {
  const schemas = { A: { type: "object", required: ["a"], properties: { a: { $ref: "#/components/schemas/A" } } } };
  const post = { requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/A" } } } } };
  expect(openApiPage({ paths: { "/a": { post } }, components: { schemas } })).toContain(
    "{&quot;a&quot;:{&quot;a&quot;:",
  );
});

test("an example has what the call cannot do without", () => {
  const operation = {
    security: [{ bearer: [] }],
    requestBody: {
      content: {
        "application/json": {
          schema: {
            type: "object",
            required: ["name", "count"],
            properties: {
              name: { type: "string", examples: ["it's"] },
              count: { type: "integer", minimum: 3 },
              more: {},
            },
          },
        },
      },
    },
  };
  const parameters = [
    { name: "id", in: "path", required: true, schema: { type: "string", format: "uuid" } },
    { name: "kind", in: "query", required: true, schema: { type: "string", enum: ["K_UNSPECIFIED", "K ONE"] } },
    { name: "page_size", in: "query", schema: { type: "integer" } },
  ];
  const path = "/a/{id}:do";
  expect(
    curlExample({ method: "post", path, operation, parameters, schemas: {} }).replace(originMark, "http://h"),
  ).toBe(
    [
      "curl -sS -X POST 'http://h/a/0192f0c4-7a3e-7cc0-8000-000000000000:do?kind=K%20ONE'",
      '-H "authorization: Bearer $TOKEN"',
      "-H 'content-type: application/json'",
      `-d '{"name":"it'\\''s","count":3}'`,
    ].join(" \\\n  "),
  );
});
