import { mkdir, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, request } from "node:http";
import path from "node:path";
import type { ServiceStatus } from "./supervisor.ts";

export type PlatformState = "starting" | "ready" | "degraded" | "stopping";

export interface PlatformStatus {
  state: PlatformState;
  /** Process id of the supervisor. */
  pid: number;
  gatewayUrl: string | undefined;
  /** Folder of data, logs and secrets. */
  home: string;
  services: ServiceStatus[];
}

/** What a running platform does for other invocations of the CLI. */
export interface ControlHandlers {
  status(): PlatformStatus;
  apply(files: string[]): Promise<void>;
  restart(service: string): Promise<void>;
  /** Keys with which the event bus is reached, passwords included. */
  bus(): Promise<Record<string, string>>;
  /** Begins to stop; does not wait for the end. */
  down(): void;
}

const bodyMaxBytes = 65_536;

/** Thrown when another process holds the socket. */
export class AlreadyRunning extends Error {
  constructor() {
    super("a platform runs on this data already");
    this.name = "AlreadyRunning";
  }
}

/** Listens; holding the socket is also what keeps a second platform off the same data. */
export async function openControlSocket(file: string, handlers: ControlHandlers): Promise<{ close(): Promise<void> }> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const server = createServer(async (incoming, response) => {
    try {
      const body = await bodyOf(incoming);
      if (body === undefined) return void response.writeHead(413).end();
      const answer = await dispatch(`${incoming.method} ${incoming.url}`, body, handlers);
      if (answer === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    } catch (err) {
      response
        .writeHead(409, { "content-type": "application/json" })
        .end(JSON.stringify({ error: (err as Error).message }));
    }
  });
  // Starting services takes as long as it takes; the supervisor's own limits apply.
  server.requestTimeout = 0;
  await listen(server, file);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/** Undefined when it is too large. Rejects when the caller goes before it is whole. */
async function bodyOf(incoming: IncomingMessage): Promise<string | undefined> {
  let body = "";
  for await (const chunk of incoming.setEncoding("utf8")) {
    body += chunk as string;
    if (body.length > bodyMaxBytes) return undefined;
  }
  return body;
}

async function dispatch(call: string, body: string, handlers: ControlHandlers): Promise<object | undefined> {
  const argument = (): Record<string, unknown> => JSON.parse(body || "{}") as Record<string, unknown>;
  switch (call) {
    case "GET /status":
      return handlers.status();
    case "GET /bus":
      return handlers.bus();
    case "POST /apply":
      await handlers.apply(argument()["files"] as string[]);
      return handlers.status();
    case "POST /restart":
      await handlers.restart(String(argument()["service"]));
      return handlers.status();
    case "POST /down":
      handlers.down();
      return {};
    default:
      return undefined;
  }
}

/** A socket file that nobody listens on is what a killed run left behind; it is replaced. */
async function listen(server: ReturnType<typeof createServer>, file: string): Promise<void> {
  const attempt = () =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(file, () => {
        server.off("error", reject);
        resolve();
      });
    });
  try {
    await attempt();
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "EADDRINUSE") throw err;
    if ((await control(file).status()) !== undefined) throw new AlreadyRunning();
    await rm(file, { force: true });
    await attempt();
  }
}

/** The other end: talks to a running platform. Every call resolves with undefined when none runs. */
export interface Control {
  status(): Promise<PlatformStatus | undefined>;
  apply(files: string[]): Promise<PlatformStatus | undefined>;
  restart(service: string): Promise<PlatformStatus | undefined>;
  bus(): Promise<Record<string, string> | undefined>;
  down(): Promise<object | undefined>;
}

export function control(file: string): Control {
  const call = <T>(method: string, url: string, body?: object): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: file, method, path: url, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", reject);
        response.on("end", () => {
          if (response.statusCode === 200) return resolve(JSON.parse(text) as T);
          const { error } = JSON.parse(text || "{}") as { error?: string };
          reject(new Error(error ?? `the running platform answers ${response.statusCode}`));
        });
      });
      outgoing.on("error", (err: NodeJS.ErrnoException) => {
        if (["ENOENT", "ECONNREFUSED", "ENOTSOCK"].includes(err.code ?? "")) resolve(undefined);
        else reject(err);
      });
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return {
    status: () => call("GET", "/status"),
    apply: (files) => call("POST", "/apply", { files }),
    restart: (service) => call("POST", "/restart", { service }),
    bus: () => call("GET", "/bus"),
    down: () => call("POST", "/down"),
  };
}
