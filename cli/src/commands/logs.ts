import { open, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { createLineSplitter } from "../local/line-splitter.ts";
import { localPaths } from "../local/local-paths.ts";
import { formatLogLine, parseLogLine } from "../local/log-line.ts";
import type { Terminal } from "../terminal.ts";

export interface LogsOptions {
  data: string;
  follow: boolean;
  /** Newest lines per service. */
  lines: number;
  json: boolean;
}

const pollMs = 200;
// How far back a file is read for its newest lines.
const tailMaxBytes = 4 * 1024 * 1024;

interface Source {
  name: string;
  file: string;
  offset: number;
  splitter: ReturnType<typeof createLineSplitter>;
}

/** Shows what services said, merged by time; with `follow` also what they say from now on, until interrupted. */
export async function logs(service: string | undefined, options: LogsOptions, terminal: Terminal): Promise<number> {
  const { logs: folder } = localPaths(path.resolve(options.data));
  const sources = await findSources(folder, service);
  const width = Math.max(...sources.map(({ name }) => name.length));
  const show = (name: string, raw: string) => {
    if (options.json) return terminal.line(raw);
    const colour = sources.findIndex((source) => source.name === name);
    const prefix = terminal.tint(`${name.padEnd(width)} |`, colour);
    for (const line of formatLogLine(parseLogLine(raw))) terminal.line(`${prefix} ${line}`);
  };
  const recent: { name: string; raw: string; timeMs: number }[] = [];
  for (const source of sources) {
    let timeMs = 0;
    const written = await readNew(source);
    for (const raw of written.slice(Math.max(0, written.length - options.lines))) {
      // A line without a time belongs to the one before it.
      timeMs = parseLogLine(raw).timeMs ?? timeMs;
      recent.push({ name: source.name, raw, timeMs });
    }
  }
  for (const { name, raw } of recent.sort((a, b) => a.timeMs - b.timeMs)) show(name, raw);
  while (options.follow) {
    await systemClock.sleep(pollMs);
    for (const source of sources) for (const raw of await readNew(source)) show(source.name, raw);
  }
  return exitCodes.ok;
}

async function findSources(folder: string, service: string | undefined): Promise<Source[]> {
  const names = (await readdir(folder).catch(() => []))
    .filter((name) => name.endsWith(".log"))
    .map((name) => name.slice(0, -".log".length))
    .sort();
  if (names.length === 0) throw new CommandFailure(`there are no logs in ${folder}; has anything been started yet?`);
  if (service !== undefined && !names.includes(service)) {
    throw new CommandFailure(`there is no log of ${service}; there are ${names.join(", ")}`);
  }
  return Promise.all(
    names
      .filter((name) => (service === undefined ? name !== "postgres" : name === service))
      .map(async (name) => {
        const file = path.join(folder, `${name}.log`);
        const { size } = await stat(file);
        return { name, file, offset: Math.max(0, size - tailMaxBytes), splitter: createLineSplitter() };
      }),
  );
}

/** Complete lines since the last call; a file that became shorter was replaced and is read from its start. */
async function readNew(source: Source): Promise<string[]> {
  const handle = await open(source.file, "r").catch(() => undefined);
  if (!handle) return [];
  try {
    const { size } = await handle.stat();
    if (size < source.offset) source.offset = 0;
    const buffer = Buffer.alloc(Math.min(size - source.offset, tailMaxBytes));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, source.offset);
    source.offset += bytesRead;
    return source.splitter.lines(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}
