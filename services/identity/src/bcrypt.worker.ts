import { parentPort } from "node:worker_threads";
import bcrypt from "bcryptjs";

/** Verifies bcrypt hashes away from the main thread: one verification keeps a core busy for a quarter of a second. */
parentPort?.on("message", ({ id, password, hash }: { id: number; password: string; hash: string }) => {
  parentPort?.postMessage({ id, matches: bcrypt.compareSync(password, hash) });
});
