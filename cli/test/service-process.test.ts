import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { type Random, systemClock, systemRandom } from "@plinth/kernel";
import { freePort } from "@plinth/local-servers";
import { eventually } from "@plinth/testing";
import { afterEach, expect, test } from "vitest";
import { probeReadiness } from "../src/local/readiness.ts";
import { createServiceProcess, type ProcessTiming, type ServiceProcess } from "../src/local/service-process.ts";

const programs = path.join(import.meta.dirname, "fixtures", "programs");
const running: ServiceProcess[] = [];
/** For what only hangs when something is wrong. */
const boundMs = 60_000;

afterEach(async () => {
  for (const process of running.splice(0)) process.kill();
});

// The longest delay that backoff allows, so that its growth can be seen.
const unlucky: Random = { ...systemRandom, fraction: () => 1 };

interface Setup {
  process: ServiceProcess;
  said: string[];
  lines: string[];
}

async function supervised(
  command: [string, ...string[]],
  extra: {
    env?: Record<string, string>;
    timing?: Partial<ProcessTiming>;
    look?: typeof probeReadiness;
    begin?: boolean;
  } = {},
): Promise<Setup> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const said: string[] = [];
  const lines: string[] = [];
  const service = createServiceProcess({
    label: "thing",
    command,
    cwd: programs,
    env: () => ({ PLINTH_ADMIN_PORT: String(adminPort), ...extra.env }),
    port,
    adminPort,
    probe: { port: adminPort, path: "/readyz" },
    onLines: (more) => lines.push(...more),
    say: (text) => said.push(text),
    clock: systemClock,
    random: unlucky,
    timing: { startProbeMs: 10, probeMs: 20, backoffInitialMs: 10, backoffMaxMs: 40, ...extra.timing },
    ...(extra.look ? { look: extra.look } : {}),
  });
  running.push(service);
  if (extra.begin !== false) service.start();
  return { process: service, said, lines };
}

const node = (code: string): [string, ...string[]] => [process.execPath, "-e", code];
const program = (name: string): [string, ...string[]] => [process.execPath, path.join(programs, name)];
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("a process that is killed is started again and becomes ready; the reason is told", async () => {
  const { process: service, said } = await supervised(program("ready.mjs"));
  await service.untilReady(AbortSignal.timeout(boundMs));
  const first = service.status().pid ?? Number.NaN;
  process.kill(first, "SIGKILL");
  await eventually(() => expect(service.status()).toMatchObject({ state: "ready", restarts: 1 }));
  expect(service.status().pid).not.toBe(first);
  expect(said[0]).toMatch(/^ended by SIGKILL; starting it again in [0-9.]+ s$/);
  await service.stop();
  expect(service.status().state).toBe("stopped");
});

test("a process that keeps dying is started with growing, bounded delays, each with its last error", async () => {
  const { process: service, said } = await supervised(
    node(
      `console.log(JSON.stringify({level:"error",msg:"could not start",err:{message:"outer",cause:{message:"no disk"}}})); process.exit(1)`,
    ),
    { timing: { backoffInitialMs: 100, backoffMaxMs: 300 } },
  );
  await eventually(() => expect(said.length).toBeGreaterThanOrEqual(4));
  const delays = said.slice(0, 4).map((text) => /again in ([0-9.]+) s$/.exec(text)?.[1]);
  expect(delays).toEqual(["0.1", "0.2", "0.3", "0.3"]);
  expect(said[0]).toContain("exit code 1; could not start: outer: no disk");
  await service.stop();
});

test("wrong configuration is not tried again, and waiting for it ends at once with the reason", async () => {
  const { process: service, said } = await supervised(
    node(`console.error("thing: configuration has 1 problem"); process.exit(2)`),
  );
  await expect(service.untilReady(AbortSignal.timeout(boundMs))).rejects.toThrow(/exit code 2/);
  expect(service.status()).toMatchObject({ state: "failed", restarts: 0 });
  expect(said).toHaveLength(1);
  expect(said[0]).toContain("not started again");
});

test("a program that does not exist is told, not retried", async () => {
  const { process: service } = await supervised(["./no-such-program"]);
  await expect(service.untilReady(AbortSignal.timeout(boundMs))).rejects.toThrow(/cannot be started.*ENOENT/);
});

test("what a process lacks is what its readiness says", async () => {
  const { process: service } = await supervised(program("never-ready.mjs"));
  await eventually(() => expect(service.status().problems).toEqual(["database: no connection yet"]));
  await expect(service.untilReady(AbortSignal.timeout(50))).rejects.toThrow(/timeout/i);
  await service.stop();
});

test("a ready process stays so when it is late, until it is three times in a row; what it says itself counts at once", async () => {
  const answers = {
    ready: { ready: true, problems: [], late: false },
    unready: { ready: false, problems: ["full"], late: false },
    late: { ready: false, problems: ["no answer"], late: true },
  };
  const script = ["ready", "late", "late", "ready", "late", "unready", "ready", "late", "late", "late"] as const;
  /** At each look, what came of those before. */
  const states: string[] = [];
  const { process: service } = await supervised(node("process.stdin.resume()"), {
    look: async () => answers[script[states.push(running.at(-1)?.status().state ?? "") - 1] ?? "late"],
  });
  await eventually(() => expect(states.length).toBeGreaterThan(script.length));
  expect(states.slice(1, script.length + 1)).toEqual([
    ...["ready", "ready", "ready", "ready", "ready", "unready", "ready", "ready", "ready", "unready"],
  ]);
  await service.stop();
});

test("late is who says nothing, not who is not there", async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  expect(await probeReadiness(port, "/readyz")).toMatchObject({ ready: false, late: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(await probeReadiness(port, "/readyz")).toMatchObject({ ready: false, late: false });
});

test("an answer that is cut short, or stops half-way, is none, and is not waited for", async () => {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-length": "100" }).write("half", () => {
      if (request.url === "/cut") request.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  expect(await probeReadiness(port, "/cut")).toMatchObject({ ready: false, late: false });
  expect(await probeReadiness(port, "/half")).toMatchObject({ ready: false, late: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("a process that ignores SIGTERM is killed after its time", async () => {
  const { process: service, said } = await supervised(program("ready.mjs"), {
    env: { STUBBORN: "true" },
    timing: { killAfterMs: 200 },
  });
  await service.untilReady(AbortSignal.timeout(boundMs));
  const pid = service.status().pid ?? 0;
  await service.stop();
  expect(isAlive(pid)).toBe(false);
  expect(said.at(-1)).toContain("is killed");
});

test("processes that a service started end with it", async () => {
  const { process: service, lines } = await supervised([
    "sh",
    "-c",
    `sleep 600 & echo $!; exec '${process.execPath}' '${path.join(programs, "ready.mjs")}'`,
  ]);
  await service.untilReady(AbortSignal.timeout(boundMs));
  await eventually(() => expect(lines).not.toEqual([]));
  const grandchild = Number(lines[0]);
  expect(isAlive(grandchild)).toBe(true);
  process.kill(service.status().pid ?? Number.NaN, "SIGKILL");
  await eventually(() => expect(isAlive(grandchild)).toBe(false));
  await service.stop();
});

test("stopping while a restart is due starts nothing more", async () => {
  const { process: service, said } = await supervised(node("process.exit(1)"), {
    timing: { backoffInitialMs: 60_000, backoffMaxMs: 60_000 },
  });
  await eventually(() => expect(service.status().state).toBe("waiting"));
  await service.stop();
  expect(service.status()).toMatchObject({ state: "stopped", restarts: 0 });
  expect(said).toHaveLength(1);
});

test("what is stopped before it began does not begin any more", async () => {
  const { process: service } = await supervised(program("ready.mjs"), { begin: false });
  await service.stop();
  service.start();
  expect(service.status()).toMatchObject({ state: "stopped", pid: undefined });
});
