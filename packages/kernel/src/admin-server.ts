import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Health } from "./health.ts";
import type { Component } from "./lifecycle.ts";
import type { Telemetry } from "./telemetry.ts";

export interface AdminServer extends Component {
  /** The port in use, once started. */
  port(): number;
}

export interface AdminServerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  health: Health;
  telemetry: Telemetry;
}

/** Answers /livez, /readyz (503 with the reasons) and /metrics on a port of its own, never reachable through the gateway. */
export function createAdminServer(options: AdminServerOptions): AdminServer {
  const server: Server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    const path = request.url?.split("?", 1)[0];
    if (path === "/livez") response.end("ok\n");
    else if (path === "/metrics") options.telemetry.metricsHandler(request, response);
    else if (path === "/readyz") {
      const problems = options.health.problems();
      response.writeHead(problems.length === 0 ? 200 : 503, { "content-type": "application/json" });
      response.end(`${JSON.stringify({ ready: problems.length === 0, problems })}\n`);
    } else response.writeHead(404).end("not found: this port has /livez, /readyz and /metrics\n");
  });
  return {
    name: "admin server",
    port: () => (server.address() as AddressInfo).port,
    start: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port, options.host, () => resolve());
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
