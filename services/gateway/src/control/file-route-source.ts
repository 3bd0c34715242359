import { type FSWatcher, watch } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@plinth/kernel";
import { parseManifests } from "@plinth/platform";
import type { OnSnapshot, RouteObject, RouteProblem, RouteSource } from "./route-source.ts";

export interface FileRouteSourceOptions {
  /** Holds PlatformService manifests: *.yaml, *.yml. */
  directory: string;
  onSnapshot: OnSnapshot;
  logger: Logger;
}

/** Several files are often written at once. */
const settleMs = 50;
/** Looked at again even without a notice: some file systems send none. */
const rescanMs = 5_000;
const filesMax = 1_000;

/** Follows a directory of manifests. A file that stops being valid keeps its last good objects. */
export class FileRouteSource implements RouteSource {
  readonly name = "route files";
  readonly #options: FileRouteSourceOptions;
  readonly #good = new Map<string, readonly RouteObject[]>();
  #watcher: FSWatcher | undefined;
  #settle: NodeJS.Timeout | undefined;
  #rescan: NodeJS.Timeout | undefined;
  #last = "";
  #reading: Promise<void> = Promise.resolve();

  constructor(options: FileRouteSourceOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#read();
    this.#watcher = watch(this.#options.directory, () => this.#schedule(settleMs));
    this.#watcher.on("error", (err) => this.#options.logger.warn({ err }, "route directory cannot be watched"));
    this.#rescan = setInterval(() => this.#schedule(0), rescanMs);
    this.#rescan.unref();
  }

  async stop(): Promise<void> {
    this.#watcher?.close();
    clearInterval(this.#rescan);
    clearTimeout(this.#settle);
    await this.#reading;
  }

  #schedule(ms: number): void {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => {
      this.#reading = this.#reading
        .then(() => this.#read())
        .catch((err: unknown) => this.#options.logger.warn({ err }, "route directory could not be read"));
    }, ms);
  }

  async #read(): Promise<void> {
    const { directory } = this.#options;
    const names = (await readdir(directory)).filter((name) => /^[^.].*\.ya?ml$/.test(name)).sort();
    if (names.length > filesMax) throw new Error(`${directory} holds more than ${filesMax} manifests`);
    const texts = await Promise.all(
      names.map((name) => readFile(join(directory, name), "utf8").catch(() => undefined)),
    );
    const contents = JSON.stringify([names, texts]);
    if (contents === this.#last) return;
    this.#last = contents;
    const problems: RouteProblem[] = [];
    for (const name of [...this.#good.keys()]) if (!names.includes(name)) this.#good.delete(name);
    for (const [i, name] of names.entries()) if (texts[i] !== undefined) problems.push(...this.#parse(name, texts[i]));
    this.#options.onSnapshot({ objects: [...this.#good.values()].flat(), problems });
  }

  #parse(name: string, text: string): RouteProblem[] {
    const { services, problems } = parseManifests(text, name);
    if (problems.length === 0)
      this.#good.set(
        name,
        services.map((object) => ({ origin: name, object })),
      );
    return problems.map((problem) => ({
      origin: `${name}:${problem.line}:${problem.column}`,
      field: problem.path,
      message: problem.message,
    }));
  }
}
