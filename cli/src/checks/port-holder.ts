import { readdir, readFile, readlink } from "node:fs/promises";

const listening = "0A";

/** " by NAME (process PID)" for who listens on a port of this machine, as far as /proc tells; else empty. */
export async function portHolder(port: number): Promise<string> {
  const inodes = (await Promise.all(["tcp", "tcp6"].map((table) => listeners(table, port)))).flat();
  if (inodes.length === 0) return "";
  const wanted = new Set(inodes.map((inode) => `socket:[${inode}]`));
  for (const pid of (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name))) {
    if (!(await holdsOne(pid, wanted))) continue;
    const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
    return ` by ${name.trim() || "a program"} (process ${pid})`;
  }
  return " by another user's program";
}

/** Rows of /proc/net/tcp: slot, local address:port in hexadecimal, remote, state, ..., inode in the tenth column. */
async function listeners(table: string, port: number): Promise<string[]> {
  const text = await readFile(`/proc/net/${table}`, "utf8").catch(() => "");
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells[1]?.endsWith(suffix) && cells[3] === listening)
    .flatMap((cells) => cells[9] ?? []);
}

async function holdsOne(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const file of files) {
    const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => "");
    if (sockets.has(target)) return true;
  }
  return false;
}
