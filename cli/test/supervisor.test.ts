import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Clock, systemClock, systemRandom } from "@plinth/kernel";
import { freePort } from "@plinth/local-servers";
import { parseManifests } from "@plinth/platform";
import { eventually } from "@plinth/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createSupervisor,
  type ServicePlan,
  type Supervisor,
  type SupervisorOptions,
} from "../src/local/supervisor.ts";

const programs = path.join(import.meta.dirname, "fixtures", "programs");
let folder: string;
let supervisor: Supervisor;
let printed: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-supervisor-"));
  printed = [];
});

afterEach(async () => {
  supervisor.kill();
  await rm(folder, { recursive: true, force: true });
});

function create(options: Partial<SupervisorOptions> = {}): Supervisor {
  supervisor = createSupervisor({
    logDirectory: folder,
    print: (label, text) => printed.push(`${label} | ${text}`),
    clock: systemClock,
    random: systemRandom,
    timing: { startProbeMs: 10, probeMs: 20 },
    ...options,
  });
  return supervisor;
}

/** A service that appends what happens to it to one file for all. */
async function plan(name: string, dependsOn: string[], program = "ready.mjs"): Promise<ServicePlan> {
  const text = `apiVersion: plinth.dev/v1alpha1\nkind: PlatformService\nmetadata: {name: ${name}}\nspec: {image: a, dependsOn: [${dependsOn}]}\n`;
  const [manifest] = parseManifests(text, "test.yaml").services;
  const [port, adminPort] = [await freePort(), await freePort()];
  if (!manifest) throw new Error("no manifest");
  return {
    service: { name, manifest, file: "/x/platformservice.yaml", folder, core: false },
    instances: [
      {
        command: [process.execPath, path.join(programs, program)],
        cwd: folder,
        port,
        adminPort,
        sharesPort: false,
        env: () => ({ PLINTH_ADMIN_PORT: String(adminPort), NAME: name, JOURNAL: path.join(folder, "journal") }),
      },
    ],
  };
}

test("services start after those they depend on are ready and stop before them", async () => {
  await create().apply(await Promise.all([plan("top", ["middle"]), plan("middle", ["bottom"]), plan("bottom", [])]));
  await supervisor.stop();
  const journal = (await readFile(path.join(folder, "journal"), "utf8")).trim().split("\n");
  expect(journal).toEqual(["start bottom", "start middle", "start top", "stop top", "stop middle", "stop bottom"]);
});

test("while a service is not ready it is said why, and after its time the start fails with its last lines", async () => {
  // Its time is over when it has said what it waits for.
  const over = Promise.withResolvers<void>();
  const clock: Clock = {
    ...systemClock,
    sleep: (ms, signal) => (ms === 1_500 ? over.promise : systemClock.sleep(ms, signal)),
  };
  create({ clock, readyTimeoutMs: 1_500, explainAfterMs: 300 });
  const failure = supervisor.apply([await plan("slow", [], "never-ready.mjs")]).catch((err: Error) => err.message);
  await eventually(() => expect(printed).toContain("slow |   not ready yet: database: no connection yet"));
  await eventually(() => expect(printed.join()).toContain("waiting for the database"));
  over.resolve();
  expect(await failure).toContain("slow is not ready after 1.5 s: database: no connection yet");
  expect(await failure).toMatch(/slow \| .*waiting for the database/);
  await supervisor.stop();
});

test("what waits for a service that fails is never started", async () => {
  create({ readyTimeoutMs: 500 });
  const plans = await Promise.all([plan("bottom", [], "never-ready.mjs"), plan("top", ["bottom"])]);
  await expect(supervisor.apply(plans)).rejects.toThrow(/bottom is not ready/);
  expect(supervisor.status().map(({ name }) => name)).toEqual(["bottom"]);
  await supervisor.stop();
});

test("a service that is replaced is reachable all the time: the old one goes when the new one is ready", async () => {
  const first = await plan("thing", []);
  await create().apply([first]);
  const before = supervisor.status()[0]?.instances[0]?.pid;
  await supervisor.apply([await plan("thing", [])]);
  const [status] = supervisor.status();
  expect(status?.instances).toHaveLength(1);
  expect(status?.instances[0]?.pid).not.toBe(before);
  await supervisor.stop();
  const journal = (await readFile(path.join(folder, "journal"), "utf8")).trim().split("\n");
  expect(journal).toEqual(["start thing", "start thing", "stop thing", "stop thing"]);
});

test("a service that cannot take its predecessor's place goes, and the predecessor stays", async () => {
  const first = await plan("thing", []);
  await create().apply([first]);
  const before = supervisor.status()[0]?.instances[0];
  const crashing = await plan("thing", [], "crashes.mjs");
  await expect(supervisor.apply([crashing])).rejects.toThrow(/thing did not start: exit code 1; .*no flux capacitor/);
  expect(supervisor.status()[0]?.instances[0]).toEqual(before);
  const response = await fetch(`http://127.0.0.1:${first.instances[0]?.adminPort}/`);
  expect(response.status).toBe(200);
  await supervisor.stop();
  const journal = (await readFile(path.join(folder, "journal"), "utf8")).trim().split("\n");
  expect(journal).toEqual(["start thing", "stop thing"]);
});
