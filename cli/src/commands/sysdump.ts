import { readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import type { TarEntry } from "../archive/tar.ts";
import { writeArchive } from "../archive/write-archive.ts";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { chooseTarget, type TargetOptions } from "../kubernetes/choose-target.ts";
import { repository } from "../repository.ts";
import { type Collector, createCollector } from "../sysdump/collector.ts";
import { createRedactor, type Redactor } from "../sysdump/redact.ts";
import type { Terminal } from "../terminal.ts";

export interface SysdumpOptions extends TargetOptions {
  /** Where to write; default plinth-sysdump-TIME.tar.gz here. */
  output?: string;
}

/** Collects what somebody needs who is to find out what is wrong, without any secret, into one file. */
export async function sysdump(options: SysdumpOptions, terminal: Terminal): Promise<number> {
  const nowMs = systemClock.now();
  const time = new Date(nowMs).toISOString().slice(0, 19).replace(/[:-]/g, "");
  const file = path.resolve(options.output ?? `plinth-sysdump-${time}Z.tar.gz`);
  const redactor = createRedactor();
  const collector = createCollector(redactor, nowMs);
  await collector.object("versions.yaml", versions);
  const data = path.resolve(options.data);
  if ((await chooseTarget({ ...options, data })) === "local") await local(data, redactor, collector);
  else await cluster(options, redactor, collector);
  const entries = collector.entries();
  await writeArchive(file, entries).catch((err: NodeJS.ErrnoException) => {
    throw new CommandFailure(`${file} cannot be written: ${err.message}`);
  });
  for (const line of contents(entries)) terminal.line(line);
  terminal.line(`wrote ${file}`);
  terminal.line("Passwords, keys and tokens were taken out; look through it before you give it to somebody outside.");
  return exitCodes.ok;
}

async function versions(): Promise<object> {
  const { version } = JSON.parse(await readFile(path.join(repository, "package.json"), "utf8")) as { version: string };
  return {
    plinth: version,
    node: process.versions.node,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    cpus: os.cpus().length,
  };
}

async function local(data: string, redactor: Redactor, collector: Collector): Promise<void> {
  const { openLocalContext } = await import("../checks/local/local-context.ts");
  const { collectLocal } = await import("../sysdump/collect-local.ts");
  const context = openLocalContext(data, systemClock);
  await collectLocal(context, redactor, collector).finally(() => context.close());
}

async function cluster(options: SysdumpOptions, redactor: Redactor, collector: Collector): Promise<void> {
  const { clusterContext } = await import("../checks/cluster/cluster-context.ts");
  const { collectCluster } = await import("../sysdump/collect-cluster.ts");
  const { withCluster } = await import("../kubernetes/open-cluster.ts");
  await withCluster(options, (opened) =>
    collectCluster(clusterContext(opened, options.namespace ?? "plinth"), redactor, collector),
  );
}

/** One line for each folder: how many files and how large. */
function contents(entries: readonly TarEntry[]): string[] {
  const folders = new Map<string, { files: number; bytes: number }>();
  for (const { name, sizeBytes } of entries) {
    const folder = name.includes("/") ? `${path.posix.dirname(name)}/` : name;
    const known = folders.get(folder) ?? { files: 0, bytes: 0 };
    folders.set(folder, { files: known.files + 1, bytes: known.bytes + sizeBytes });
  }
  return [...folders].map(([folder, { files, bytes }]) => {
    const count = folder.endsWith("/") ? `, ${files} files` : "";
    return `  ${folder}${count}, ${Math.ceil(bytes / 1024)} KiB`;
  });
}
