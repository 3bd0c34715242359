import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { bundleService } from "@plinth/cli";
import { stringify } from "yaml";
import type { Gateway, GatewayBench } from "./gateway.ts";

const repository = path.resolve(import.meta.dirname, "../../..");

/** This working tree's gateway. */
export async function plinthGateway(bench: GatewayBench): Promise<Gateway> {
  return runBundle("Plinth", await bundleService(path.join(repository, "services/gateway")), bench);
}

/** A bundle made earlier, "name=path", beside it: what did a change bring? */
export const otherBuild =
  (named: string) =>
  (bench: GatewayBench): Promise<Gateway> => {
    const [name = "", bundle = ""] = named.split("=");
    return runBundle(`Plinth, ${name}`, path.resolve(bundle), bench);
  };

async function runBundle(name: string, bundle: string, { port, upstreamPort }: GatewayBench): Promise<Gateway> {
  const routes = await mkdtemp(path.join(tmpdir(), "plinth-bench-routes-"));
  const rule = (rulePath: string, more: object) => ({ path: rulePath, timeout: "30s", ...more });
  const manifest = {
    apiVersion: "plinth.dev/v1alpha1",
    kind: "PlatformService",
    metadata: { name: "bench", namespace: "plinth" },
    spec: {
      image: "bench:1",
      route: {
        rules: [
          rule("/plain/", { authentication: "None" }),
          rule("/full/", {
            authentication: "Required",
            rateLimit: { requests: 1_000_000, per: "1s", key: "Principal" },
          }),
        ],
      },
    },
  };
  await writeFile(path.join(routes, "bench.yaml"), stringify(manifest));
  return {
    name,
    version: process.version,
    paths: { plain: "/plain/x", full: "/full/x" },
    start: {
      command: process.execPath,
      args: [bundle],
      port,
      core: 0,
      env: {
        PLINTH_HOST: "127.0.0.1",
        PLINTH_PORT: String(port),
        PLINTH_ADMIN_PORT: "0",
        PLINTH_DISCOVERY_DRIVER: "static",
        PLINTH_DISCOVERY_STATIC: `bench=127.0.0.1:${upstreamPort},auth=127.0.0.1:${upstreamPort}`,
        PLINTH_GATEWAY_ROUTES: routes,
      },
    },
  };
}
