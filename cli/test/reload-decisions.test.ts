import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LocalService } from "../src/local/local-service.ts";
import type { Rebuilt } from "../src/reload/rebuild.ts";
import { createReload, type Reload } from "../src/reload/reload.ts";

let folder: string;
let reload: Reload;
let lines: string[];
/** What the sources give now, at each build. */
let built: () => Rebuilt;
let builds: number;
let replace: () => number | Error;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-decisions-"));
  await mkdir(path.join(folder, "src"));
  [lines, builds, replace] = [[], 0, () => 1];
  const manifest = { spec: {} } as LocalService["manifest"];
  const service = { name: "notes", manifest, file: path.join(folder, "platformservice.yaml"), folder, core: false };
  reload = createReload({
    platform: {
      services: () => [service],
      replace: async (list) => list.map(() => replace()),
      checkMigrations: async () => undefined,
    },
    rebuild: async (folders) => {
      builds++;
      return folders.map(() => built());
    },
    print: (label, text) => void lines.push(`${label} ${text}`),
    clock: systemClock,
  });
});
afterEach(async () => {
  await reload.close();
  await rm(folder, { recursive: true, force: true });
});

const files = () => [path.join(folder, "src", "main.ts")];

/** Built as saves are; `there`: as the bundle that lies there. */
function quick(hash: string, there = false): () => Rebuilt {
  let isThere = there;
  const write = async () => {
    isThere = true;
  };
  return () => ({ hash, files: files(), isThere: async () => isThere, write });
}

/** Bundled with all libraries: from the second time on it was there. */
function whole(): () => Rebuilt {
  let times = 0;
  return () => {
    const wasThere = times++ > 0;
    return { hash: undefined, files: files(), isThere: async () => wasThere, async write() {} };
  };
}

/** Saves, and waits until that has been dealt with. */
async function save(result: () => Rebuilt): Promise<void> {
  built = result;
  // The second begins when the first is over.
  for (let n = 0; n < 2; n++) {
    const before = builds;
    await writeFile(path.join(folder, "main.ts~"), "");
    await rename(path.join(folder, "main.ts~"), path.join(folder, "src", "main.ts"));
    await eventually(() => expect(builds).toBeGreaterThan(before));
  }
}

/** A service runs the code `hash`, from a bundle that was made as a whole. */
async function start(hash: string): Promise<void> {
  built = quick(hash, true);
  await reload.follow();
  await eventually(() => expect(builds).toBeGreaterThan(0));
  await save(built);
}

const reloads = (): number => lines.filter((line) => line.includes("reloaded in")).length;

test("code that could only be bundled as a whole is taken over once, whatever way the next build goes", async () => {
  await start("a");
  expect(reloads()).toBe(0);
  await save(whole());
  expect(reloads()).toBe(1);
  await save(quick("b", true));
  expect(reloads()).toBe(1);
  await save(quick("c"));
  expect(reloads()).toBe(2);
});

test("the first save after a start is taken over, bundled as a whole too", async () => {
  built = whole();
  await reload.follow();
  await eventually(() => expect(reloads()).toBe(1));
});

test("code that does not run is tried again with the next save, and what runs is never taken for it", async () => {
  built = whole();
  replace = () => new Error("no");
  await reload.follow();
  await eventually(() => expect(lines.join("\n")).toContain("the one before runs on: no"));
  replace = () => 1;
  await save(quick("b", true));
  expect(reloads()).toBe(1);
  expect(lines.join("\n")).not.toContain("as it was");
});
