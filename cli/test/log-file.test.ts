import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openLogFile } from "../src/local/log-file.ts";

test("a full file becomes the previous one, and no line is lost or torn", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-log-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, "logs", "a.log");
  const log = openLogFile(file, 10);
  log.append(["1234"]);
  log.append(["5678"]);
  log.append(["9"]);
  log.close();
  expect(await readFile(`${file}.1`, "utf8")).toBe("1234\n5678\n");
  expect(await readFile(file, "utf8")).toBe("9\n");
  const again = openLogFile(file, 10);
  again.append(["10"]);
  again.close();
  expect(await readFile(file, "utf8")).toBe("9\n10\n");
});

test("lines that cannot be written are lost, and later ones are written as soon as they can be", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-log-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, "logs", "a.log");
  const log = openLogFile(file, 10);
  await rm(path.dirname(file), { recursive: true });
  log.append(["lost"]);
  await mkdir(path.dirname(file));
  log.append(["kept"]);
  log.close();
  expect(await readFile(file, "utf8")).toBe("kept\n");
});
