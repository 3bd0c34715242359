import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readTar, type TarEntry, textEntry, writeTar } from "../src/archive/tar.ts";
import { writeArchive } from "../src/archive/write-archive.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-archive-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const longName = `${"deep/".repeat(25)}${"n".repeat(90)}`;
const big = Buffer.alloc(200_001, "plinth ");
const entries: TarEntry[] = [
  textEntry("a.txt", "ä text\n", 1_700_000_000_000),
  { name: "empty/", mode: 0o700, mtimeMs: 0, sizeBytes: 0, content: [] },
  { name: "big", mode: 0o640, mtimeMs: 0, sizeBytes: big.length, content: [big.subarray(0, 7), big.subarray(7)] },
  textEntry(longName, "deep", 0),
  textEntry("none", "", 0),
];

async function readAll(source: AsyncIterable<Uint8Array>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { name, content } of readTar(source)) {
    const parts: Buffer[] = [];
    for await (const piece of content()) parts.push(piece);
    found.set(name, Buffer.concat(parts).toString("utf8"));
  }
  return found;
}

test("an archive is what the system's tar reads, mode 0600, and what is read back", async () => {
  const file = path.join(folder, "x.tar.gz");
  await writeArchive(file, entries);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  execFileSync("tar", ["-xzf", file, "-C", folder]);
  expect(await readFile(path.join(folder, "a.txt"), "utf8")).toBe("ä text\n");
  expect(await readFile(path.join(folder, "big"))).toEqual(big);
  expect((await stat(path.join(folder, "big"))).mode & 0o777).toBe(0o640);
  expect(await readFile(path.join(folder, longName), "utf8")).toBe("deep");
  expect((await stat(path.join(folder, "empty"))).isDirectory()).toBe(true);
  const own = await readAll(writeTar(entries));
  expect([...own.keys()]).toEqual(entries.map(({ name }) => name));
  expect(own.get("big")).toBe(big.toString());
});

test("what the system's tar writes is read as well", async () => {
  await writeFile(path.join(folder, "in.txt"), "from tar");
  const file = path.join(folder, "y.tar");
  execFileSync("tar", ["--format=ustar", "-cf", file, "-C", folder, "in.txt"]);
  expect(await readAll(chunks(await readFile(file), 100))).toEqual(new Map([["in.txt", "from tar"]]));
});

test("a file that grew or shrank while it was read leaves the rest in its place", async () => {
  const changing = (name: string, text: string): TarEntry => ({ ...textEntry(name, text, 0), sizeBytes: 5 });
  const found = await readAll(
    writeTar([changing("grew", "123456789"), changing("shrank", "12"), textEntry("z", "z", 0)]),
  );
  expect([...found]).toEqual([
    ["grew", "12345"],
    ["shrank", "12\0\0\0"],
    ["z", "z"],
  ]);
});

test("an archive that was cut, or is none, is refused", async () => {
  const parts: Buffer[] = [];
  for await (const part of writeTar(entries)) parts.push(part);
  const whole = Buffer.concat(parts);
  await expect(readAll(chunks(whole.subarray(0, whole.length - 1_200), 700))).rejects.toThrow("ends early");
  await expect(readAll(chunks(Buffer.alloc(1024, "x"), 700))).rejects.toThrow("no ustar archive");
});

test("a name beyond what the form can hold is refused, and nothing half-written stays", async () => {
  const file = path.join(folder, "z.tar.gz");
  await expect(writeArchive(file, [textEntry("n".repeat(101), "", 0)])).rejects.toThrow("too long");
  await expect(stat(file)).rejects.toThrow("ENOENT");
  await expect(stat(`${file}.partial`)).rejects.toThrow("ENOENT");
});

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
