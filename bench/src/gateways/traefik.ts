import { execFileSync } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Gateway, GatewayBench } from "./gateway.ts";

/** Traefik, forwarding alone; undefined when it is not installed. */
export async function traefikGateway({ port, upstreamPort }: GatewayBench): Promise<Gateway | undefined> {
  let version: string;
  try {
    version = /Version:\s+(\S+)/.exec(execFileSync("traefik", ["version"], { encoding: "utf8" }))?.[1] ?? "?";
  } catch {
    process.stdout.write("Traefik is left out: see bench/README.md for how it is built\n");
    return undefined;
  }
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-bench-traefik-"));
  const routes = path.join(folder, "routes.json");
  const config = {
    http: {
      routers: { all: { rule: "PathPrefix(`/`)", service: "service" } },
      services: { service: { loadBalancer: { servers: [{ url: `http://127.0.0.1:${upstreamPort}` }] } } },
    },
  };
  await writeFile(routes, JSON.stringify(config));
  return {
    name: "Traefik",
    version,
    paths: { plain: "/plain/x" },
    start: {
      command: "traefik",
      args: [`--entryPoints.web.address=127.0.0.1:${port}`, `--providers.file.filename=${routes}`, "--log.level=ERROR"],
      port,
      core: 0,
      env: { GOMAXPROCS: "1" },
    },
  };
}
