import type { IncomingMessage, ServerResponse } from "node:http";
import { Fault, type FaultCode, faultOf, type Logger } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import {
  type AccessTokenVerifier,
  type Authorizer,
  actorOf,
  anonymous,
  bearerToken,
  enforceAccess,
  type HttpRoutes,
} from "@plinth/rpc";
import { parseTilePath, widthInTree } from "@plinth/transparency-log";
import { readEntryBundle } from "../log/entry-bundle.ts";
import { readHead } from "../log/log-head.ts";
import type { LogReader } from "../log/log-reader.ts";
import { readTiles } from "../log/tile-store.ts";
import { mayRead } from "../routes.ts";

export interface TlogRoutesOptions {
  database: Database;
  reader: LogReader;
  accessTokens: Pick<AccessTokenVerifier, "verify">;
  authorizer: Authorizer;
  logger: Logger;
  /** Checkpoint and tiles, which are hashes, are for everybody. Entries never are. */
  logPublic: boolean;
}

interface Answer {
  type: string;
  body: string | Uint8Array;
  /** What is there never changes. */
  immutable: boolean;
}

const prefix = "/tlog/";
const timeoutMs = 10_000;
const statuses: Partial<Record<FaultCode, number>> = {
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  unimplemented: 405,
  unavailable: 503,
  deadline_exceeded: 504,
};

/**
 * The log as static resources (c2sp.org/tlog-tiles): `/tlog/checkpoint`, `/tlog/tile/<L>/<N>[.p/<W>]` and, for whoever
 * may read the audit log, `/tlog/tile/entries/<N>[.p/<W>]`.
 */
export function tlogRoutes(options: TlogRoutesOptions): HttpRoutes {
  const { database, reader, accessTokens, authorizer, logger, logPublic } = options;

  async function authorize(request: IncomingMessage): Promise<void> {
    const token = bearerToken(request.headers.authorization ?? null);
    const principal = token === undefined ? anonymous : (await accessTokens.verify(token)).principal;
    const signal = AbortSignal.timeout(timeoutMs);
    await enforceAccess(
      mayRead,
      undefined,
      { principal, workload: undefined, actor: actorOf(principal), signal, timeLeftMs: () => timeoutMs },
      authorizer,
    );
  }

  async function find(path: string): Promise<Answer> {
    if (path === "checkpoint") {
      const { checkpoint } = await reader.checkpoint();
      return { type: "text/plain; charset=utf-8", body: checkpoint, immutable: false };
    }
    const tile = path.startsWith("tile/") ? parseTilePath(path.slice("tile/".length)) : undefined;
    if (tile === undefined) throw noSuchTile();
    const { level, index, width } = tile;
    const { size, pruned } = await readHead(database);
    const place = { level: level === "entries" ? 0 : level, index };
    if (widthInTree(place, size) < width) throw noSuchTile();
    const bytes =
      level === "entries"
        ? await readEntryBundle(database, { index, width, pruned })
        : (await readTiles(database, [place]))[0]?.subarray(0, width * 32);
    if (bytes === undefined) throw noSuchTile();
    return { type: "application/octet-stream", body: bytes, immutable: true };
  }

  async function handle(request: IncomingMessage): Promise<Answer> {
    if (request.method !== "GET" && request.method !== "HEAD")
      throw new Fault({ code: "unimplemented", reason: "METHOD_NOT_ALLOWED", message: "use GET" });
    const path = request.url?.split("?", 1)[0]?.slice(prefix.length) ?? "";
    if (!logPublic || path.startsWith("tile/entries/")) await authorize(request);
    return find(path);
  }

  function refuse(err: unknown, response: ServerResponse): void {
    const fault = faultOf(err);
    if (!fault || fault.code === "internal") logger.error({ err }, "the log could not be served");
    const status = (fault && statuses[fault.code]) ?? 500;
    const said = status === 500 ? { code: "internal", reason: "INTERNAL", message: "internal error" } : fault;
    const body = { code: said?.code, reason: said?.reason, message: said?.message };
    response
      .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
      .end(`${JSON.stringify(body)}\n`);
  }

  return {
    [prefix]: (request, response) => {
      handle(request).then(
        ({ type, body, immutable }) => {
          const scope = logPublic && !request.url?.includes("/entries/") ? "public" : "private";
          const caching = immutable ? `${scope}, max-age=31536000, immutable` : "no-cache";
          response.writeHead(200, { "content-type": type, "cache-control": caching });
          response.end(request.method === "HEAD" ? undefined : body);
        },
        (err) => refuse(err, response),
      );
    },
  };
}

const noSuchTile = (): Fault =>
  new Fault({ code: "not_found", reason: "TILE_NOT_FOUND", message: "the log has no such tile, or none any more" });
