import { createHash } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import type { Clock, Logger } from "@plinth/kernel";
import { documentPath, pagePath } from "@plinth/rpc";
import type { DocumentAnswer, KeptDocument } from "@plinth/rpc/openapi";
import { isOriginAllowed } from "../data/cors.ts";
import type { Exchange } from "../data/exchange.ts";
import { refusals } from "../data/refusals.ts";
import { answerOwn, refuse } from "../data/respond.ts";
import type { CorsPolicy } from "../data/route.ts";
import type { RouteTable } from "../data/route-table.ts";
import type { Upstreams } from "../data/upstreams.ts";
import { mergeDocuments } from "./merge-documents.ts";
import { routedPaths } from "./routed-paths.ts";
import { createServiceParts, type KnownParts } from "./service-parts.ts";

export interface MergedDocumentsOptions {
  table: () => RouteTable;
  upstreams: Upstreams;
  clock: Clock;
  logger: Logger;
}

export interface MergedDocuments {
  /** Takes the exchange over when it asks for the document or its page. */
  handle(exchange: Exchange): boolean;
  close(): void;
}

/** What callers of one host can read. */
interface Kept {
  table: RouteTable;
  version: number;
  json: KeptDocument;
  /** Made for the first reader. */
  page: () => string;
  /** Of the routes whose paths are in it. */
  cors: readonly CorsPolicy[];
}

/** Hosts whose documents are kept; each has up to `mergedBytesMax`, and its page. */
const hostsMax = 8;
const mergedBytesMax = 16 << 20;
/** Services that are named in one header. */
const namedMax = 20;

const load = () => import("@plinth/rpc/openapi");
type OpenApi = Awaited<ReturnType<typeof load>>;

/**
 * One OpenAPI document, and one page, of everything that callers can reach through the gateway: what the services with a
 * route say of themselves, without the paths that no route lets through.
 */
export function createMergedDocuments({ table, upstreams, clock, logger }: MergedDocumentsOptions): MergedDocuments {
  const services = createServiceParts({ upstreams, clock, logger });
  const kept = new Map<string, Kept>();

  function documentFor(host: string, at: RouteTable, known: KnownParts, openApi: OpenApi): Kept {
    const found = kept.get(host);
    kept.delete(host);
    const isCurrent = found !== undefined && found.table === at && found.version === known.version;
    const made = isCurrent ? found : merge(host, at, known, openApi);
    // The one that was read last is at the end.
    kept.set(host, made);
    if (kept.size > hostsMax) kept.delete(kept.keys().next().value as string);
    return made;
  }

  async function answer(exchange: Exchange): Promise<void> {
    const at = table();
    const [openApi, known] = await Promise.all([load(), services.read(at.rpcServices)]);
    if (exchange.ended) return;
    const { json, page, cors } = documentFor(exchange.host, at, known, openApi);
    const document = exchange.path === pagePath ? openApi.keptPage(page(), originOf(exchange)) : json;
    const ifNoneMatch = exchange.head.value("if-none-match");
    const given = openApi.answerDocument(document, { method: exchange.method, ifNoneMatch });
    const { origin } = exchange.head;
    answerOwn(exchange, {
      ...withUnavailable(given, known.unavailable),
      cors: cors.find((policy) => isOriginAllowed(policy, origin)) ?? cors[0],
    });
  }

  return {
    close: () => services.close(),
    handle(exchange) {
      if (exchange.path !== documentPath && exchange.path !== pagePath) return false;
      answer(exchange).catch((err: unknown) => {
        if (exchange.ended) return;
        logger.error(
          { err, path: exchange.path, requestId: exchange.requestId },
          "the OpenAPI document could not be made",
        );
        refuse(exchange, refusals.internal);
      });
      return true;
    },
  };
}

function merge(host: string, table: RouteTable, { parts, version }: KnownParts, openApi: OpenApi): Kept {
  const routed = parts.map(({ service, document }) => ({
    service,
    document,
    ...routedPaths(table, host, service, document),
  }));
  const shown = routed.filter(({ paths }) => Object.keys(paths).length > 0);
  const { tags, paths, components } = mergeDocuments(shown);
  const list = shown.map(({ service, document }) => `- ${service} ${versionOf(document)}`.trimEnd());
  const content: JsonObject = {
    servers: [{ url: "/" }],
    tags,
    paths,
    // Routes may ask for a token where their service does not.
    components: {
      ...components,
      securitySchemes: { ...openApi.securitySchemes, ...(components["securitySchemes"] as object) },
    },
  };
  const info: JsonObject = {
    title: "Services behind this gateway",
    // Of what it describes: another one when that changes.
    version: createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 12),
    ...(list.length > 0 ? { description: list.join("\n") } : {}),
  };
  const document = { openapi: "3.1.1", info, ...content };
  const json = openApi.keptDocument(`${JSON.stringify(document)}\n`, { "content-type": "application/json" });
  if (json.body.byteLength > mergedBytesMax)
    throw new Error(`the merged OpenAPI document has ${json.body.byteLength} bytes, more than ${mergedBytesMax}`);
  let page: string | undefined;
  return {
    ...{ table, version, json },
    cors: [...new Set(shown.flatMap(({ routes }) => [...routes].flatMap(({ cors }) => cors ?? [])))],
    page() {
      page ??= openApi.openApiPage(document);
      return page;
    },
  };
}

function versionOf({ info }: JsonObject): string {
  const version = (info as JsonObject | undefined)?.["version"];
  return typeof version === "string" ? version.slice(0, 64) : "";
}

/** As the caller named it, when that is a name. */
function originOf({ head }: Exchange): string {
  const host = /^[\w.:[\]-]{1,255}$/.test(head.forwardedHost) ? head.forwardedHost : head.host;
  return `${head.forwardedProto}://${host}`;
}

function withUnavailable(answer: DocumentAnswer, unavailable: readonly string[]): DocumentAnswer {
  if (unavailable.length === 0) return answer;
  const names = unavailable.slice(0, namedMax).join(", ");
  const more = unavailable.length > namedMax ? ", ..." : "";
  return { ...answer, headers: { ...answer.headers, "x-plinth-unavailable": names + more } };
}
