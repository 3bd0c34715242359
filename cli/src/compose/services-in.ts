import { readdir } from "node:fs/promises";
import path from "node:path";
import { loadServices } from "../local/find-manifests.ts";
import type { LocalService } from "../local/local-service.ts";

/** The services of all manifests in a folder. */
export async function servicesIn(folder: string): Promise<LocalService[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".yaml")).sort();
  return loadServices(names.map((name) => ({ file: path.join(folder, name), core: true })));
}
