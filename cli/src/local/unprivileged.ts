import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { chown, cp, lstat, mkdir, readdir, rename, rm, symlink } from "node:fs/promises";
import { userInfo } from "node:os";
import path from "node:path";

/**
 * How a process runs that refuses to be root and wants its user to have a name. `direct`: as we are. `userns`: in a user
 * namespace that shows us as another uid, so files stay ours and no folder needs to be opened. `setpriv`: as another uid,
 * where namespaces are refused.
 */
export type Unprivileged = "direct" | "userns" | "setpriv";

/** "nobody" on Linux. Other uids, 1000 among them, may have no name on a fresh machine, and initdb refuses those. */
const nobodyUid = 65_534;

const userns = ["unshare", "--user", `--map-user=${nobodyUid}`, `--map-group=${nobodyUid}`, "--"];
const setpriv = ["setpriv", `--reuid=${nobodyUid}`, `--regid=${nobodyUid}`, "--clear-groups", "--"];

/** The way that works on this machine; throws an error with the fix when none does. */
export function chooseUnprivileged(): Unprivileged {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && hasName()) return "direct";
  if (succeeds([...userns, "true"])) return "userns";
  if (isRoot && succeeds([...setpriv, "true"])) return "setpriv";
  throw new Error(
    isRoot
      ? "PostgreSQL refuses to run as root, and neither unshare (user namespaces) nor setpriv works here: run as another user, or install util-linux"
      : `PostgreSQL wants a user with a name, and uid ${process.getuid?.()} has none: add it to /etc/passwd, or allow user namespaces`,
  );
}

function hasName(): boolean {
  try {
    return userInfo().username !== "";
  } catch {
    return false;
  }
}

/** The command line that runs `command` that way. On Linux the process is told to stop when its starter is gone. */
export function asUnprivileged(way: Unprivileged, command: string, args: string[]): [string, string[]] {
  // Inside the namespace, because changing the user clears the setting.
  const line = [...prefix[way], ...endsWithParent(), command, ...args];
  return [line[0] ?? command, line.slice(1)];
}

const prefix: Record<Unprivileged, string[]> = { direct: [], userns, setpriv };

let withPdeathsig: boolean | undefined;

function endsWithParent(): string[] {
  const line = ["setpriv", "--pdeathsig", "INT", "--"];
  withPdeathsig ??= process.platform === "linux" && succeeds([...line, "true"]);
  return withPdeathsig ? line : [];
}

function succeeds(line: string[]): boolean {
  const [command = "", ...args] = line;
  return spawnSync(command, args, { stdio: "ignore", timeout: 30_000 }).status === 0;
}

/** Where binaries and data have to lie so that the process can use them. */
export interface Reachable {
  binaries: string;
  data: string;
}

/**
 * Makes both folders usable. Only `setpriv` needs work: the data belongs to uid 65534, and what lies below a folder that
 * this uid may not enter moves to /var/lib/plinth, with a link where it was.
 */
export async function makeReachable(way: Unprivileged, folders: Reachable): Promise<Reachable> {
  if (way !== "setpriv") {
    await mkdir(folders.data, { recursive: true, mode: 0o700 });
    return folders;
  }
  const binaries = isEnterable(folders.binaries) ? folders.binaries : await copyBinaries(folders.binaries);
  const parent = path.dirname(folders.data);
  await mkdir(parent, { recursive: true });
  const data = isEnterable(parent) ? folders.data : await moveData(folders.data);
  await mkdir(data, { recursive: true, mode: 0o700 });
  await giveAway(way, data);
  return { binaries, data };
}

/** Makes a file or folder the property of the user that the process runs as. */
export async function giveAway(way: Unprivileged, file: string): Promise<void> {
  if (way === "setpriv") await chown(file, nobodyUid, nobodyUid);
}

/** The same for a folder and everything in it. */
export async function giveAwayAll(way: Unprivileged, folder: string): Promise<void> {
  if (way !== "setpriv") return;
  await giveAway(way, folder);
  for (const entry of await readdir(folder, { recursive: true })) await giveAway(way, path.join(folder, entry));
}

/** Whether any user may enter the folder and all above it. */
function isEnterable(folder: string): boolean {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

const outside = (kind: string, folder: string): string =>
  path.join(
    "/var/lib/plinth",
    `${kind}-${createHash("sha256").update(path.resolve(folder)).digest("hex").slice(0, 16)}`,
  );

async function copyBinaries(folder: string): Promise<string> {
  const target = outside("postgres", folder);
  if (existsSync(path.join(target, "bin", "postgres"))) return target;
  const partial = `${target}.${process.pid}`;
  await cp(folder, partial, { recursive: true, verbatimSymlinks: true });
  await rename(partial, target);
  return target;
}

async function moveData(folder: string): Promise<string> {
  const target = outside("data", folder);
  await mkdir(path.dirname(target), { recursive: true, mode: 0o755 });
  const existing = await lstat(folder).catch(() => undefined);
  if (existing?.isSymbolicLink()) return target;
  if (existing) await cp(folder, target, { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await symlink(target, folder);
  return target;
}
