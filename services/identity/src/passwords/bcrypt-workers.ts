import { Worker } from "node:worker_threads";
import type { Component } from "@plinth/kernel";

/** bcrypt ignores what follows: such a password is never right here (NIST SP 800-63B-4: the whole password is verified). */
const bcryptBytesMax = 72;

export interface BcryptWorkers extends Component {
  verify(password: string, hash: string): Promise<boolean>;
}

/** One worker thread, started when the first imported hash is met: hashes are upgraded at sign-in, so it soon rests. */
export function createBcryptWorkers(workerFile: URL): BcryptWorkers {
  let worker: Worker | undefined;
  let lastId = 0;
  const pending = new Map<number, { resolve: (matches: boolean) => void; reject: (err: Error) => void }>();

  function failAll(err: Error): void {
    worker = undefined;
    for (const { reject } of pending.values()) reject(err);
    pending.clear();
  }

  function start(): Worker {
    const started = new Worker(workerFile);
    started.unref();
    started.on("message", ({ id, matches }: { id: number; matches: boolean }) => {
      pending.get(id)?.resolve(matches);
      pending.delete(id);
    });
    started.on("error", failAll);
    started.on("exit", () => failAll(new Error("bcrypt worker ended")));
    return started;
  }

  return {
    name: "bcrypt workers",
    verify(password, hash) {
      if (Buffer.byteLength(password) > bcryptBytesMax) return Promise.resolve(false);
      worker ??= start();
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        pending.set(id, { resolve, reject });
        worker?.postMessage({ id, password, hash });
      });
    },
    async stop() {
      await worker?.terminate();
    },
  };
}
