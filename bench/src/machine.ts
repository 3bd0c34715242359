import { readFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";

/** One line about where the figures come from. */
export async function machine(): Promise<string> {
  const load = (await readFile("/proc/loadavg", "utf8")).split(" ")[0];
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, load ${load} before the run`;
}
