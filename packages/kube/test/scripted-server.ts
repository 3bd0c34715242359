import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ClusterConfig } from "../src/cluster-config.ts";

/** One request to the scripted API server, and the means to answer it badly. */
export interface Exchange {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: unknown;
  /** Aborts when the client went away. */
  gone: AbortSignal;
  answer(status: number, body: unknown, headers?: Record<string, string>): void;
  /** Starts a streamed answer. */
  stream(): { line(event: unknown): void; raw(text: string): void; end(): void; cut(): void };
  /** Closes the socket without an answer. */
  cut(): void;
}

export interface ScriptedServer {
  cluster: ClusterConfig;
  /** What came in so far. */
  requests: Pick<Exchange, "method" | "path" | "query" | "headers" | "body">[];
  /** Connections that were opened so far. */
  connections(): number;
  stop(): Promise<void>;
}

/** An API server that does what the test says. */
export async function startScriptedServer(handle: (exchange: Exchange) => void): Promise<ScriptedServer> {
  const requests: ScriptedServer["requests"] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const exchange = exchangeOf(request, response, Buffer.concat(chunks).toString());
      requests.push(exchange);
      handle(exchange);
    });
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    cluster: {
      server: `http://127.0.0.1:${port}`,
      namespace: "default",
      credentials: async () => ({ headers: { authorization: "Bearer test" }, tls: {} }),
    },
    requests,
    connections: () => connections,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function exchangeOf(request: IncomingMessage, response: ServerResponse, text: string): Exchange {
  const url = new URL(request.url ?? "/", "http://scripted");
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  return {
    method: request.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: text === "" ? undefined : JSON.parse(text),
    gone: gone.signal,
    answer(status, body, headers = {}) {
      const isText = typeof body === "string";
      response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json", ...headers });
      response.end(isText ? body : JSON.stringify(body));
    },
    stream() {
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      return {
        line: (event) => void response.write(`${JSON.stringify(event)}\n`),
        raw: (piece) => void response.write(piece),
        end: () => void response.end(),
        cut: () => void request.socket.destroy(),
      };
    },
    cut: () => void request.socket.destroy(),
  };
}
