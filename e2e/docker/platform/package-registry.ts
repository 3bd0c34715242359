import { execFile } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { root } from "../../../tools/run.ts";

/** Of package-lock.json. */
interface LockedPackage {
  name?: string;
  version: string;
  integrity?: string;
}

/**
 * Starts a registry on which `npm ci` finds the packages of package-lock.json, because none can be reached where images are built. It reads
 * npm's own cache, which is filed by what the lock says of contents (cacache: content-v2/sha512). Returns its URL; it ends with the process.
 */
export async function startPackageRegistry(host: string): Promise<string> {
  const { stdout } = await promisify(execFile)("npm", ["config", "get", "cache"], { cwd: root });
  const contents = path.join(stdout.trim(), "_cacache", "content-v2", "sha512");
  const lock = JSON.parse(await readFile(path.join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  const documents = new Map<string, { name: string; versions: Record<string, object> }>();
  const files = new Map<string, string>();

  const server = createServer((request, response) => {
    answer(decodeURIComponent(request.url ?? ""), response).catch((err: Error) => response.destroy(err));
  });
  async function answer(asked: string, response: ServerResponse): Promise<void> {
    const document = documents.get(asked);
    const file = files.get(asked);
    if (document !== undefined) response.setHeader("content-type", "application/json").end(JSON.stringify(document));
    else if (file !== undefined) await pipeline(createReadStream(file), response);
    else response.writeHead(404).end(`package-lock.json has no ${asked}`);
  }
  server.listen(0, host).unref();
  await once(server, "listening");
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;

  for (const [place, { name = nameOf(place), version, integrity }] of Object.entries(lock.packages)) {
    if (integrity === undefined) continue;
    const file = `/${name}/-/${version}.tgz`;
    const hash = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
    files.set(file, path.join(contents, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4)));
    const document = documents.get(`/${name}`) ?? { name, versions: {} };
    document.versions[version] = { name, version, dist: { integrity, tarball: `${url}${file}` } };
    documents.set(`/${name}`, document);
  }
  return url;
}

/** "node_modules/a/node_modules/@b/c" is "@b/c". */
const nameOf = (place: string): string => place.split("node_modules/").at(-1) ?? "";
