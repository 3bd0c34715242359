import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FileRouteSource } from "./file-route-source.ts";
import type { RouteSnapshot } from "./route-source.ts";

let directory: string;
let source: FileRouteSource;
let last: RouteSnapshot;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "plinth-routes-"));
  source = new FileRouteSource({
    directory,
    logger: silentLogger,
    onSnapshot: (snapshot) => {
      last = snapshot;
    },
  });
});
afterEach(async () => {
  await source.stop();
  await rm(directory, { recursive: true });
});

const manifest = (name: string) => `apiVersion: plinth.dev/v1alpha1
kind: PlatformService
metadata: {name: ${name}}
spec:
  image: example/${name}:1
  port: 8080
  route: {rules: [{path: /${name}/}]}
`;
/** At once: between its truncation and its writing a file has nothing in it, which is no mistake. */
async function replaceFile(name: string, text: string): Promise<void> {
  await writeFile(join(directory, `.${name}`), text);
  await rename(join(directory, `.${name}`), join(directory, name));
}
const names = () => last.objects.map(({ object }) => (object as { metadata: { name: string } }).metadata.name);

it("reads what is there and follows changes", async () => {
  await replaceFile("a.yaml", manifest("a"));
  await writeFile(join(directory, "notes.txt"), "not a manifest");
  await source.start();
  expect(names()).toEqual(["a"]);
  expect(last.problems).toEqual([]);
  await replaceFile("b.yml", manifest("b"));
  await eventually(() => expect(names()).toEqual(["a", "b"]));
  await rm(join(directory, "a.yaml"));
  await eventually(() => expect(names()).toEqual(["b"]));
});

it("keeps the last good form of a file that became wrong, and says where it is wrong", async () => {
  await replaceFile("a.yaml", manifest("a"));
  await source.start();
  await replaceFile("a.yaml", manifest("a").replace("route:", "rout:"));
  await eventually(() => expect(last.problems[0]?.origin).toMatch(/^a\.yaml:\d+:\d+$/));
  expect(names()).toEqual(["a"]);
});

it("does not start without its directory", async () => {
  const wrong = new FileRouteSource({ directory: join(directory, "none"), logger: silentLogger, onSnapshot() {} });
  await expect(wrong.start()).rejects.toThrow(/ENOENT/);
});
