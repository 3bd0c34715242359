import { answerDocument, type DocumentAnswer, type DocumentRequest, keptDocument } from "./kept-document.ts";
import { type OpenApiOptions, openApiDocument } from "./openapi-document.ts";
import { openApiPage, pageAt, pageHeaders } from "./page/openapi-page.ts";

/** A document that is larger is not sent: whoever reads documents has a limit, too. */
const documentBytesMax = 4 << 20;

/** A document and its page, made once. */
export interface ServiceDocuments {
  json(request: DocumentRequest): DocumentAnswer;
  /** `host` as the reader calls it: examples have it in them. */
  page(request: DocumentRequest, host: string): DocumentAnswer;
}

/** Throws Error for a document beyond the limit. */
export function createServiceDocuments(options: OpenApiOptions): ServiceDocuments {
  const document = openApiDocument(options);
  const json = keptDocument(`${JSON.stringify(document)}\n`, { "content-type": "application/json" });
  if (json.body.byteLength > documentBytesMax)
    throw new Error(`the OpenAPI document has ${json.body.byteLength} bytes, more than ${documentBytesMax}`);
  const page = openApiPage(document);
  return {
    json: (request) => answerDocument(json, request),
    page: (request, host) => answerDocument(keptPage(page, `http://${saneHost(host)}`), request),
  };
}

/** The page as it is read at an origin. */
export const keptPage = (page: string, origin: string): ReturnType<typeof keptDocument> =>
  keptDocument(pageAt(page, origin), { ...pageHeaders, "content-type": "text/html; charset=utf-8" });

const saneHost = (host: string): string => (/^[\w.:[\]-]{1,255}$/.test(host) ? host : "localhost");
