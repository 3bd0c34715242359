import { execFileSync } from "node:child_process";
import type { Gateway, GatewayBench } from "./gateway.ts";

/** Caddy, forwarding alone; undefined when it is not installed. */
export async function caddyGateway({ port, upstreamPort }: GatewayBench): Promise<Gateway | undefined> {
  let version: string;
  try {
    // "caddy version" says "unknown" of what `go install` built.
    const info = execFileSync("caddy", ["build-info"], { encoding: "utf8" });
    version = /caddyserver\/caddy\/v2\s+v([\d.]+)/.exec(info)?.[1] ?? "?";
  } catch {
    process.stdout.write("Caddy is left out: go install github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9\n");
    return undefined;
  }
  return {
    name: "Caddy",
    version,
    paths: { plain: "/plain/x" },
    start: {
      command: "caddy",
      args: ["reverse-proxy", "--from", `http://127.0.0.1:${port}`, "--to", `127.0.0.1:${upstreamPort}`],
      port,
      core: 0,
      env: { GOMAXPROCS: "1" },
    },
  };
}
