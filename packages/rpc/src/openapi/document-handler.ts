import type { ServerResponse } from "node:http";
import type { Logger } from "@plinth/kernel";
import type { NodeRequest, NodeResponse } from "../server/one-port-listener.ts";
import type { ServiceRoutes } from "../service-routes.ts";
import type { ProtoComments } from "./proto-comments.ts";
import type { ServiceDocuments } from "./service-documents.ts";

/** What a server's OpenAPI document says of it beyond its RPCs. */
export interface OpenApiAbout {
  /** Name of the service. */
  title: string;
  version: string;
  /** Of the services' proto files, as `tools/proto-comments` writes them. Asked for with the first document. */
  comments?: (() => Promise<ProtoComments>) | undefined;
}

export interface DocumentHandlerOptions extends OpenApiAbout {
  services: readonly ServiceRoutes[];
  logger: Logger;
}

/**
 * Answers `/openapi.json` with the services' OpenAPI document and `/openapi` with a page of it; returns false for every
 * other path. Until somebody asks, neither they nor the code that makes them is in memory.
 */
export function createDocumentHandler(
  options: DocumentHandlerOptions,
): (request: NodeRequest, response: NodeResponse) => boolean {
  const { logger, comments } = options;
  let documents: Promise<ServiceDocuments> | undefined;

  async function load(): Promise<ServiceDocuments> {
    const { createServiceDocuments } = await import("./service-documents.ts");
    return createServiceDocuments({ ...options, comments: await comments?.() });
  }

  async function answer(path: string, request: NodeRequest, nodeResponse: NodeResponse): Promise<void> {
    documents ??= load();
    const made = await documents;
    const { method = "GET", headers } = request;
    const asked = { method, ifNoneMatch: headers["if-none-match"] };
    const host = headers.host ?? (headers[":authority"] as string | undefined) ?? "";
    const { status, headers: fields, body } = path === pagePath ? made.page(asked, host) : made.json(asked);
    (nodeResponse as ServerResponse).writeHead(status, fields).end(body);
  }

  return (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    if (path !== documentPath && path !== pagePath) return false;
    request.resume();
    answer(path, request, response).catch((err: unknown) => {
      // The next one may find what was missing.
      documents = undefined;
      logger.error({ err, path }, "the OpenAPI document could not be made");
      if (response.headersSent) response.destroy();
      else (response as ServerResponse).writeHead(500, { "content-type": "text/plain" }).end("internal error\n");
    });
    return true;
  };
}

export const documentPath = "/openapi.json";
export const pagePath = "/openapi";
