import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { parseLogLine } from "../local/log-line.ts";
import type { ServiceLine } from "./span-tree.ts";

/** What services said in a trace, by time. */
export async function readTraceLines(folder: string, traceId: string): Promise<ServiceLine[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.log(\.1)?$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(path.join(folder, name), "utf8").catch(() => "");
      const service = name.replace(/\.log(\.1)?$/, "");
      return text
        .split("\n")
        .filter((raw) => raw.includes(traceId))
        .map((raw): ServiceLine => ({ service, line: parseLogLine(raw) }))
        .filter(({ line }) => line.fields["trace_id"] === traceId);
    }),
  );
  return found.flat().sort((a, b) => (a.line.timeMs ?? 0) - (b.line.timeMs ?? 0));
}
