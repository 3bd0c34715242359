import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../run.ts";

/** A package of others of which something is in an image. */
export interface ShippedPackage {
  name: string;
  version: string;
  /** SPDX expression. */
  licence: string;
  /** What its licence and notice files say; empty when it has none. */
  texts: readonly string[];
  /** SHA-512 of the archive that npm installed, in hex; undefined when the lock file does not know it. */
  sha512: string | undefined;
}

/** From the folders in which npm installed them, by name and version; each once. */
export function readPackages(folders: readonly string[]): ShippedPackage[] {
  hashes ??= lockedHashes();
  const found = new Map<string, ShippedPackage>();
  for (const folder of folders) {
    const { name, version, license, licenses } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    // Folders within a package (its ESM half, say) may have a package.json that names nothing.
    if (typeof name !== "string" || typeof version !== "string") continue;
    found.set(`${name}@${version}`, {
      name,
      version,
      licence: license?.type ?? license ?? licenses?.map(({ type }: { type: string }) => type).join(" OR ") ?? "",
      texts: licenceFiles(folder).map((file) => readFileSync(path.join(folder, file), "utf8").trim()),
      sha512: hashes.get(`${name}@${version}`),
    });
  }
  const order = ({ name, version }: ShippedPackage): string => `${name}\0${version}`;
  return [...found.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

const licenceFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)([-.][a-z0-9.-]+)?$/i.test(file) && !/[.](js|ts|html)$/.test(file))
    .toSorted();

interface Lock {
  packages: Record<string, { name?: string; version?: string; integrity?: string }>;
}

/** The lock file is large, and asked for each image. */
let hashes: ReadonlyMap<string, string> | undefined;

function lockedHashes(): Map<string, string> {
  const { packages } = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as Lock;
  return new Map(
    Object.entries(packages).flatMap(([folder, { name, version, integrity }]) => {
      const sha512 = /^sha512-(\S+)/.exec(integrity ?? "")?.[1];
      const own = name ?? folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
      return sha512 === undefined ? [] : [[`${own}@${version}`, Buffer.from(sha512, "base64").toString("hex")]];
    }),
  );
}
