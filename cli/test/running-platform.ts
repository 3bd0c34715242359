import { control, type PlatformStatus } from "../src/local/control-socket.ts";
import { localPaths } from "../src/local/local-paths.ts";
import type { InstanceStatus } from "../src/local/service-process.ts";

export type RunningInstance = InstanceStatus & { pid: number };

/** What `plinth status -o json` prints, without a process for each time that a test looks. Throws Error when no platform runs on the data. */
export async function runningPlatform(home: string): Promise<PlatformStatus> {
  const status = await control(localPaths(home).controlSocket).status();
  if (status === undefined) throw new Error(`no platform runs on ${home}`);
  return status;
}

/** A service's instances that have a process now. */
export async function runningInstances(home: string, service: string): Promise<RunningInstance[]> {
  const { services } = await runningPlatform(home);
  const instances = services.find(({ name }) => name === service)?.instances ?? [];
  return instances.filter((one): one is RunningInstance => one.pid !== undefined);
}
