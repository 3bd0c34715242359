import type { Limit } from "./limit-list.ts";

/** Limits of OpenAPI documents, of one service and of all behind a gateway. */
export const openApiLimits: Readonly<Record<string, Readonly<Record<string, readonly Limit[]>>>> = {
  "OpenAPI documents": {
    "packages/rpc/src/openapi/service-documents.ts": [
      { name: "documentBytesMax", meaning: "the document of a service; a larger one is not sent" },
    ],
    "packages/rpc/src/openapi/parameters.ts": [
      { name: "depthMax", meaning: "messages within messages whose fields are named as parameters of a query" },
    ],
    "packages/rpc/src/openapi/page/schema-text.ts": [
      { name: "depthMax", meaning: "schemas within schemas that the page writes out in one place" },
    ],
    "packages/rpc/src/openapi/page/sample.ts": [
      { name: "depthMax", meaning: "values within values of the page's examples" },
      { name: "charsMax", meaning: "characters of a text in the page's examples, however long its schema wants it" },
    ],
    "services/gateway/src/openapi/read-document.ts": [
      { name: "timeoutMs", meaning: "a service's answer with its document" },
      { name: "partBytesMax", meaning: "the document of one service" },
      { name: "nestingMax", meaning: "values within values of it" },
    ],
    "services/gateway/src/openapi/service-parts.ts": [
      { name: "servicesMax", meaning: "services whose documents are merged; more are named as unavailable" },
      { name: "askedMax", meaning: "services that are asked at the same time" },
      { name: "freshMs", meaning: "a document is used before its service is asked again" },
      { name: "retryMs", meaning: "a service that did not answer is left alone" },
      { name: "waitMs", meaning: "a reader waits for services that are slow" },
    ],
    "services/gateway/src/openapi/merged-documents.ts": [
      { name: "hostsMax", meaning: "host names whose merged documents are kept" },
      { name: "mergedBytesMax", meaning: "a merged document; a larger one is answered with `INTERNAL`" },
      { name: "namedMax", meaning: "services that `x-plinth-unavailable` names" },
    ],
  },
};
