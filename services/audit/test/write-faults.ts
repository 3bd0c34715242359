import pg from "pg";

export type FaultKind = "failed" | "failed but applied";

export interface WriteFaults {
  /** The `at`-th write from now on (1 is the next), commits included, ends as `kind` says. */
  arm(at: number, kind: FaultKind): void;
  /** What was hit; undefined when there were fewer writes. */
  disarm(): string | undefined;
  restore(): void;
}

const write = /^\s*(INSERT|UPDATE|DELETE|COMMIT)\b/i;

/**
 * Lets writes to PostgreSQL end badly in both ways there are: the statement never ran, or it ran and nobody heard. The
 * server is the real one; what is lost is what passes between it and this process.
 */
export function writeFaults(): WriteFaults {
  const original = pg.Client.prototype.query;
  let left = 0;
  let kind: FaultKind = "failed";
  let hit: string | undefined;
  const lost = () => new Error("Connection terminated unexpectedly");
  pg.Client.prototype.query = function query(this: pg.Client, ...args: unknown[]) {
    const [first] = args;
    const text = typeof first === "string" ? first : (first as { text?: string } | undefined)?.text;
    const run = () => (original as (...all: unknown[]) => unknown).apply(this, args);
    if (left === 0 || text === undefined || !write.test(text) || --left > 0) return run();
    hit = text.trim().slice(0, 60);
    const callback = args.at(-1);
    if (typeof callback === "function") {
      const fail = () => void callback(lost());
      if (kind === "failed but applied")
        return (original as (...all: unknown[]) => unknown).apply(this, [...args.slice(0, -1), fail]);
      return queueMicrotask(fail);
    }
    const before = kind === "failed but applied" ? (run() as Promise<unknown>) : Promise.resolve();
    return before.then(() => Promise.reject(lost()));
  } as typeof original;
  return {
    arm(at, how) {
      left = at;
      kind = how;
      hit = undefined;
    },
    disarm() {
      left = 0;
      return hit;
    },
    restore() {
      pg.Client.prototype.query = original;
    },
  };
}
