import { type TarEntry, textEntry } from "../archive/tar.ts";
import { messageOf } from "../checks/check.ts";
import type { Redactor } from "./redact.ts";

/** Gathers what goes into a sysdump. Nothing gets in but through the redactor; what cannot be had is noted and left out. */
export interface Collector {
  text(name: string, read: () => Promise<string> | string): Promise<void>;
  object(name: string, read: () => Promise<object> | object): Promise<void>;
  /** In the order of names, with the list of what is missing. */
  entries(): TarEntry[];
}

export function createCollector(redactor: Redactor, nowMs: number): Collector {
  const found = new Map<string, string>();
  const missing: string[] = [];
  const collect = async (name: string, read: () => Promise<string>): Promise<void> => {
    try {
      found.set(name, await read());
    } catch (err) {
      missing.push(redactor.text(`${name}: ${messageOf(err)}`));
    }
  };
  return {
    text: (name, read) => collect(name, async () => redactor.text(await read())),
    object: (name, read) => collect(name, async () => redactor.object(await read())),
    entries() {
      const all = new Map(found);
      if (missing.length > 0) all.set("missing.txt", `${missing.join("\n")}\n`);
      return [...all].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, text]) => textEntry(name, text, nowMs));
    },
  };
}
