import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFolderWatch, type FolderWatch, type FolderWatchOptions } from "../src/reload/folder-watch.ts";
import { foldersBelow } from "../src/reload/source-folders.ts";

let folder: string;
let changed: Set<string>;
let said: string[];
let watch: FolderWatch;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-watch-"));
  changed = new Set();
  said = [];
});

afterEach(async () => {
  await watch.close();
  await rm(folder, { recursive: true, force: true });
});

function create(more: Partial<FolderWatchOptions> = {}): FolderWatch {
  watch = createFolderWatch({
    onChange: (file) => changed.add(path.relative(folder, file)),
    say: (text) => said.push(text),
    clock: systemClock,
    ...more,
  });
  return watch;
}

const write = (name: string, text = "x") => writeFile(path.join(folder, name), text);
const heard = (name: string) => eventually(() => expect([...changed]).toContain(name));

test("writes, renames and removals in followed folders are told, others are not", async () => {
  await mkdir(path.join(folder, "below"));
  await write("a.ts");
  expect(await create().follow([folder])).toBe(true);
  await write("below/unheard.ts");
  await write("a.ts~", "y");
  await rename(path.join(folder, "a.ts~"), path.join(folder, "a.ts"));
  await heard("a.ts");
  changed.clear();
  await rm(path.join(folder, "a.ts"));
  await heard("a.ts");
  expect([...changed]).not.toContain("below/unheard.ts");
});

test("a folder that was made anew is followed again", async () => {
  const below = path.join(folder, "below");
  await mkdir(below);
  await create().follow([folder, below]);
  expect(await watch.follow([folder, below])).toBe(false);
  await rename(below, path.join(folder, "away"));
  await mkdir(below);
  expect(await watch.follow([folder, below])).toBe(true);
  await write("below/b.ts");
  await heard("below/b.ts");
});

test("where the system watches no more folders, they are looked at, and it is said once", async () => {
  const below = path.join(folder, "below");
  await mkdir(below);
  await write("below/kept.ts");
  const none = () => {
    throw Object.assign(new Error("ENOSPC: System limit for number of file watchers reached"), { code: "ENOSPC" });
  };
  await create({ watch: none, lookMs: 20 }).follow([folder, below]);
  await write("a.ts");
  await heard("a.ts");
  await write("below/kept.ts", "longer");
  await heard("below/kept.ts");
  // Before: the look that finds it gone may be over as soon as it is gone.
  changed.clear();
  await rm(path.join(folder, "a.ts"));
  await heard("a.ts");
  expect(said).toEqual([expect.stringMatching(/ENOSPC.*fs[.]inotify[.]max_user_watches/)]);
});

test("folders below are found without installed packages and hidden ones", async () => {
  for (const name of ["src/deep", "node_modules/x", ".git/x"])
    await mkdir(path.join(folder, name), { recursive: true });
  create();
  expect((await foldersBelow(folder)).map((one) => path.relative(folder, one))).toEqual(["", "src", "src/deep"]);
  expect(await foldersBelow(path.join(folder, "not-there"))).toEqual([]);
});
