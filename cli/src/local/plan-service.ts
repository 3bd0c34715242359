import path from "node:path";
import { freePort } from "@plinth/local-servers";
import { spanFileOf } from "../trace/span-files.ts";
import { entryPoint } from "./bundle.ts";
import { gatewayName, gatewaySharesPort, type LocalService, type ReplicaCounts, replicasOf } from "./local-service.ts";
import type { Secrets } from "./secrets.ts";
import { type PlatformEnv, serviceEnv } from "./service-env.ts";
import type { InstancePlan, ServicePlan } from "./supervisor.ts";

export interface PlanServiceOptions {
  service: LocalService;
  replicas: ReplicaCounts;
  /** How often the service was planned before: its processes must not share names with those that they replace. */
  generation: number;
  /** The port that people use, for the first instance; any free one without it. */
  publicPort: number | undefined;
  platform: PlatformEnv;
  workloadTokenFile: string;
  databaseUrl: string | undefined;
  secrets: Secrets;
  shell: Record<string, string | undefined>;
}

/** Decides command, ports and environment of every instance of a service. */
export async function planService(options: PlanServiceOptions): Promise<ServicePlan> {
  const { service, publicPort, generation } = options;
  const count = replicasOf(service, options.replicas);
  const ports = await Promise.all(Array.from({ length: count * 2 }, freePort));
  const instances = Array.from({ length: count }, (_, index): InstancePlan => {
    const port = (index === 0 ? publicPort : undefined) ?? ports[index * 2] ?? 0;
    const adminPort = ports[index * 2 + 1] ?? 0;
    const id = `${service.name}-${index}${generation === 0 ? "" : `-g${generation}`}`;
    return {
      command: commandOf(service),
      cwd: path.join(service.folder, service.manifest.spec.local?.dir ?? "."),
      port,
      adminPort,
      sharesPort: service.name === gatewayName && gatewaySharesPort,
      env: (restarts) =>
        serviceEnv({
          ...options,
          instance: {
            instanceId: `${id}${restarts === 0 ? "" : `-r${restarts}`}`,
            port,
            adminPort,
            workloadTokenFile: options.workloadTokenFile,
            spanFile: spanFileOf(options.platform.traces, service.name, index),
            databaseUrl: options.databaseUrl,
          },
        }),
    };
  });
  // Reading the environment once shows mistakes of the manifest before anything starts.
  instances[0]?.env(0);
  return { service, instances };
}

function commandOf(service: LocalService): readonly [string, ...string[]] {
  const [program, ...args] = service.manifest.spec.local?.command ?? [];
  if (program !== undefined) return [program, ...args];
  if (entryPoint(service.folder) === undefined) {
    throw new Error(`${service.name}: ${service.folder} has no src/main.ts; name what to run in spec.local.command`);
  }
  return [process.execPath, path.join(service.folder, "dist", "main.js")];
}
