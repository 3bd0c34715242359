import { readFile } from "node:fs/promises";
import type { Component, Logger } from "@plinth/kernel";

/** The gateway's own token, which proves to services that a call came through it. */
export interface WorkloadToken extends Component {
  /** Undefined when none is configured. */
  current(): string | undefined;
}

/** The file is replaced well before the token in it expires. */
const rereadMs = 30_000;

/** Reads the token from `file` at the start and again regularly; keeps the last good one. */
export function createWorkloadToken(file: string | undefined, logger: Logger): WorkloadToken {
  let token: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const read = async (path: string) => {
    const text = (await readFile(path, "utf8")).trim();
    if (!/^[\x21-\x7e]+$/.test(text)) throw new Error(`${path} does not hold one token`);
    token = text;
  };
  return {
    name: "workload token",
    current: () => token,
    async start() {
      if (file === undefined) return;
      await read(file);
      timer = setInterval(() => {
        read(file).catch((err: unknown) => logger.warn({ err, file }, "workload token could not be read again"));
      }, rereadMs);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
    },
  };
}
