import path from "node:path";
import type { Clock, Random } from "@plinth/kernel";
import { dependencyOrder } from "./dependency-order.ts";
import type { LocalService } from "./local-service.ts";
import { type LogFile, openLogFile } from "./log-file.ts";
import { formatLogLine, parseLogLine } from "./log-line.ts";
import {
  createServiceProcess,
  type InstanceStatus,
  type ProcessTiming,
  type ServiceProcess,
} from "./service-process.ts";

/** How one instance of a service is run. */
export interface InstancePlan {
  command: readonly [string, ...string[]];
  cwd: string;
  port: number;
  adminPort: number;
  /** True: a second process may listen on `port` while the first one drains. */
  sharesPort: boolean;
  env: (restarts: number) => Record<string, string>;
}

export interface ServicePlan {
  service: LocalService;
  instances: readonly InstancePlan[];
}

export interface ServiceStatus {
  name: string;
  manifest: string;
  instances: InstanceStatus[];
}

export interface SupervisorOptions {
  logDirectory: string;
  /** Shows one line of a service. */
  print: (label: string, text: string) => void;
  clock: Clock;
  random: Random;
  /** How long a service may take to become ready. Default 60 s. */
  readyTimeoutMs?: number;
  /** After which time it is said what a service waits for. Default 5 s. */
  explainAfterMs?: number;
  timing?: Partial<ProcessTiming>;
}

/** Runs services as child processes: starts them in the order of their dependencies and stops them in reverse. */
export interface Supervisor {
  /**
   * Starts services, or replaces those that run under the same name, and resolves when all are ready. One that cannot
   * replace its predecessor goes, and the predecessor stays. Those that were replaced finish what they have in hand.
   */
  apply(plans: readonly ServicePlan[]): Promise<void>;
  status(): ServiceStatus[];
  stop(): Promise<void>;
  /** Ends everything at once. */
  kill(): void;
}

interface Running {
  plan: ServicePlan;
  processes: ServiceProcess[];
  log: LogFile;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { clock, random, print, readyTimeoutMs = 60_000, explainAfterMs = 5_000 } = options;
  const running = new Map<string, Running>();
  const stopping = new AbortController();
  /** Replaced, and not gone yet. */
  const leaving = new Set<ServiceProcess>();

  async function leave(process: ServiceProcess): Promise<void> {
    leaving.add(process);
    await process.stop();
    leaving.delete(process);
  }

  function create(plan: ServicePlan): Running {
    const { name, manifest } = plan.service;
    const log = running.get(name)?.log ?? openLogFile(path.join(options.logDirectory, `${name}.log`));
    const { health } = manifest.spec;
    const processes = plan.instances.map((instance, index) => {
      const label = plan.instances.length === 1 ? name : `${name}-${index}`;
      return createServiceProcess({
        ...instance,
        label,
        probe: {
          port: health?.port === "Service" ? instance.port : instance.adminPort,
          path: health?.readyPath ?? "/readyz",
        },
        onLines(lines) {
          log.append(lines);
          for (const line of lines.flatMap((raw) => formatLogLine(parseLogLine(raw)))) print(label, line);
        },
        say: (text) => print(label, `! ${text}`),
        clock,
        random,
        ...(options.timing ? { timing: options.timing } : {}),
      });
    });
    return { plan, processes, log };
  }

  async function untilReady(process: ServiceProcess, patience: "patient" | "impatient"): Promise<void> {
    const { label } = process.status();
    const explain = setInterval(() => {
      print(label, `  not ready yet: ${process.status().problems.join("; ") || "still starting"}`);
    }, explainAfterMs);
    const done = new AbortController();
    const late = new AbortController();
    clock.sleep(readyTimeoutMs, done.signal).then(
      () => late.abort(),
      () => {},
    );
    try {
      await process.untilReady(AbortSignal.any([stopping.signal, late.signal]), patience);
    } catch (err) {
      if (stopping.signal.aborted) throw new Error("stopped");
      throw notReady(process, late.signal.aborted ? readyTimeoutMs : undefined, err as Error);
    } finally {
      done.abort();
      clearInterval(explain);
    }
  }

  /** One instance after the other where some run already, so that the service stays reachable. */
  async function startService(plan: ServicePlan): Promise<void> {
    if (stopping.signal.aborted) throw new Error("stopped");
    const before = running.get(plan.service.name);
    const next = create(plan);
    running.set(plan.service.name, next);
    if (!before) {
      for (const process of next.processes) process.start();
      await Promise.all(next.processes.map((process) => untilReady(process, "patient")));
      return;
    }
    try {
      for (const [index, process] of next.processes.entries()) {
        if (!plan.instances[index]?.sharesPort) {
          // The gateway keeps its port, so the old one has to let it go first.
          await before.processes.find((old) => old.status().port === process.status().port)?.stop();
        }
        process.start();
        await untilReady(process, "impatient");
      }
    } catch (err) {
      const survives = before.processes.some((process) => process.status().state !== "stopped");
      if (survives) running.set(plan.service.name, before);
      if (survives) await Promise.all(next.processes.map(leave));
      throw err;
    }
    for (const process of before.processes) void leave(process);
  }

  return {
    async apply(plans) {
      const known = new Map([...running.values()].map(({ plan }) => [plan.service.name, plan]));
      for (const plan of plans) known.set(plan.service.name, plan);
      const order = dependencyOrder([...known.values()].map(({ service }) => nodeOf(service)));
      const started = new Map<string, Promise<void>>();
      for (const name of order) {
        const plan = plans.find(({ service }) => service.name === name);
        if (!plan) continue;
        const wait = nodeOf(plan.service).dependsOn.map((dependency) => started.get(dependency));
        const begun = Promise.all(wait).then(() => startService(plan));
        // Its failure is reported once, by the one that failed, not by everyone who waited for it.
        begun.catch(() => {});
        started.set(name, begun);
      }
      await Promise.all(started.values());
    },

    status: () =>
      [...running.values()].map(({ plan, processes }) => ({
        name: plan.service.name,
        manifest: plan.service.file,
        instances: processes.map((process) => process.status()),
      })),

    async stop() {
      stopping.abort();
      const order = dependencyOrder([...running.values()].map(({ plan }) => nodeOf(plan.service)));
      const gone = new Map<string, Promise<unknown>>();
      for (const name of order.toReversed()) {
        const dependents = [...running.values()].filter(({ plan }) => nodeOf(plan.service).dependsOn.includes(name));
        const entry = running.get(name);
        const wait = Promise.all(dependents.map(({ plan }) => gone.get(plan.service.name)));
        gone.set(
          name,
          wait.then(() => Promise.all((entry?.processes ?? []).map((process) => process.stop()))),
        );
      }
      await Promise.all([...gone.values(), ...[...leaving].map((process) => process.stop())]);
      for (const { log } of running.values()) log.close();
    },

    kill() {
      stopping.abort();
      const all = [...[...running.values()].flatMap(({ processes }) => processes), ...leaving];
      for (const process of all) process.kill();
    },
  };
}

const nodeOf = (service: LocalService) => ({
  name: service.name,
  dependsOn: service.manifest.spec.dependsOn ?? [],
});

/** `lateMs`: what it was given, where that is over. */
function notReady(process: ServiceProcess, lateMs: number | undefined, err: Error): Error {
  const { label, problems } = process.status();
  const why = lateMs === undefined ? "did not start" : `is not ready after ${lateMs / 1000} s`;
  const reason = lateMs === undefined ? err.message : problems.join("; ") || "no reason is known";
  const lines = process.lastLines().flatMap((raw) => formatLogLine(parseLogLine(raw)));
  return new Error(`${label} ${why}: ${reason}\n${lines.map((line) => `  ${label} | ${line}`).join("\n")}`);
}
