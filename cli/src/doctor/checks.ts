import { access, constants, mkdir, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { companions } from "../local/companions/registry.ts";
import { isFree } from "../local/ports.ts";
import { hydrate, postgresFolder, postgresVersion } from "../local/postgres-binaries.ts";
import { preferredPostgresPort } from "../local/preferred-ports.ts";
import { chooseUnprivileged } from "../local/unprivileged.ts";

export interface Finding {
  ok: boolean;
  /** What was found. */
  text: string;
  /** What to do about it; for failures and remarks. */
  fix?: string;
}

export interface Check {
  name: string;
  run(options: { home: string; port: number }): Promise<Finding>;
}

const nodeMajorMin = 26;
const freeDiskMinBytes = 1024 ** 3;

/** What this machine needs for the local substrate. A check that throws has failed with the error's message. */
export const checks: readonly Check[] = [
  {
    name: "node",
    async run() {
      const major = Number(process.versions.node.split(".")[0]);
      if (major >= nodeMajorMin) return { ok: true, text: `Node ${process.versions.node}` };
      return {
        ok: false,
        text: `Node ${process.versions.node} is too old`,
        fix: `npm ci installs Node ${nodeMajorMin} beside the dependencies; or install it yourself`,
      };
    },
  },
  {
    name: "packages",
    async run() {
      const { build } = await import("esbuild");
      await build({ stdin: { contents: "export {}" }, write: false, logLevel: "silent" });
      return { ok: true, text: `esbuild works on ${process.platform}-${process.arch}` };
    },
  },
  {
    name: "postgresql",
    async run() {
      const folder = postgresFolder();
      await hydrate(folder);
      return { ok: true, text: `PostgreSQL ${await postgresVersion(folder)} from npm` };
    },
  },
  {
    name: "user",
    async run() {
      const way = chooseUnprivileged();
      const texts = {
        direct: "PostgreSQL runs as you",
        userns: "PostgreSQL runs in a user namespace",
        setpriv: "root; PostgreSQL runs as uid 65534 by setpriv",
      };
      return { ok: true, text: texts[way] };
    },
  },
  {
    name: "data folder",
    async run({ home }) {
      await mkdir(home, { recursive: true, mode: 0o700 });
      await access(home, constants.R_OK | constants.W_OK | constants.X_OK);
      const owner = (await stat(home)).uid;
      const uid = process.getuid?.();
      if (uid !== undefined && uid !== 0 && owner !== uid) {
        return {
          ok: false,
          text: `${home} belongs to uid ${owner}`,
          fix: `chown -R ${uid} ${home}, or choose another with --data`,
        };
      }
      return { ok: true, text: `${home} can be written` };
    },
  },
  {
    name: "disk",
    async run({ home }) {
      const { bavail, bsize } = await statfs(path.dirname(home));
      const freeBytes = bavail * bsize;
      const text = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`;
      return freeBytes >= freeDiskMinBytes ? { ok: true, text } : { ok: false, text, fix: "free at least 1 GiB" };
    },
  },
  ...[...companions.values()].map(
    (companion): Check => ({
      name: companion.name,
      async run() {
        const problem = await companion.problem();
        if (problem === undefined) return { ok: true, text: `plinth up --with ${companion.name} can run` };
        // Nothing that the platform itself needs: a remark.
        return { ok: true, text: `plinth up --with ${companion.name} cannot run`, fix: problem };
      },
    }),
  ),
  {
    name: "ports",
    async run({ port }) {
      const taken: number[] = [];
      for (const wanted of [port, preferredPostgresPort]) if (!(await isFree(wanted))) taken.push(wanted);
      if (taken.length === 0) return { ok: true, text: `${port} and ${preferredPostgresPort} are free` };
      return {
        ok: true,
        text: `${taken.join(" and ")} taken`,
        fix: "none needed: the next free ports are used and shown",
      };
    },
  },
];
