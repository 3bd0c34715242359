import path from "node:path";
import type { Clock } from "@plinth/kernel";
import { bundleFolder, sourcesOf } from "../local/bundle.ts";
import { loadServices } from "../local/find-manifests.ts";
import type { LocalPlatform } from "../local/local-platform.ts";
import type { LocalService } from "../local/local-service.ts";
import { repository } from "../repository.ts";
import { createChanges } from "./changes.ts";
import { createFolderWatch } from "./folder-watch.ts";
import type { Rebuild, Rebuilt } from "./rebuild.ts";
import { foldersBelow } from "./source-folders.ts";

export interface ReloadOptions {
  platform: Pick<LocalPlatform, "services" | "replace" | "checkMigrations">;
  rebuild: Rebuild["rebuild"];
  /** Shows one line of a service, or of "plinth" itself. */
  print: (label: string, text: string) => void;
  clock: Clock;
}

/**
 * Follows the sources of services that run. A saved file builds the services that it is part of again; where that gives
 * other code, a new process takes the old one's place once it is ready. What must not happen by itself is said.
 */
export interface Reload {
  /** Looks at the services that run now; to be called after each change of them. */
  follow(): Promise<void>;
  close(): Promise<void>;
}

interface Source {
  service: LocalService;
  files: Set<string>;
  /**
   * Of the code that runs; undefined while that was not built in the way that what is saved is built, and the bundle is what
   * runs; none when it is not.
   */
  hash: string | typeof none | undefined;
  /** The newest code cannot be built, or does not run. */
  broken: boolean;
}

/** A source whose code is not what runs. */
interface Stale {
  source: Source;
  hash: string | undefined;
}

/** No code's hash. */
const none = Symbol("other code than the bundle runs");

/** How many of the files that changed are named in a line. */
const namedMax = 2;

export function createReload({ platform, rebuild, print, clock }: ReloadOptions): Reload {
  const sources = new Map<string, Source>();
  const changes = createChanges({ handle, clock });
  const watch = createFolderWatch({
    onChange: (file) => changes.add(file),
    say: (text) => print("plinth", text),
    clock,
  });

  async function follow(): Promise<void> {
    const fresh: LocalService[] = [];
    for (const service of platform.services()) {
      const { name, folder } = service;
      const before = sources.get(name);
      if (!isOurs(service)) sources.set(name, { service, files: new Set(), hash: undefined, broken: false });
      else if (before?.service !== service) {
        const files = new Set(await sourcesOf(bundleFolder(folder)));
        sources.set(name, { service, files, hash: undefined, broken: false });
        fresh.push(service);
      }
    }
    await followFolders();
    // Whoever saved since they were built, for example while everything started, was not heard. And the libraries are
    // there when the first save comes.
    for (const { folder } of fresh) changes.add(folder);
  }

  async function followFolders(): Promise<void> {
    const folders = new Set(await foldersBelow(path.join(repository, "proto", "plinth")));
    for (const { service, files } of sources.values()) {
      folders.add(service.folder);
      for (const own of ["src", "proto", "migrations"])
        for (const folder of await foldersBelow(path.join(service.folder, own))) folders.add(folder);
      for (const file of files) folders.add(path.dirname(file));
    }
    const fresh = await watch.follow(folders);
    // What was written into a new folder before it was followed was not heard of.
    for (const { service, broken } of sources.values()) if (fresh && broken) changes.add(service.folder);
  }

  async function handle(changed: ReadonlySet<string>, beganMs: number): Promise<void> {
    try {
      for (const file of changed)
        if (file.endsWith(".proto")) print("plinth", `${shown(file)} changed: ${generate(file)}`);
      const all = [...sources.values()];
      await Promise.all(all.filter(({ service }) => touches(changed, "migrations", service)).map(migrations));
      const rewritten = all.filter(({ service }) => changed.has(service.file));
      for (const source of rewritten) await manifest(source, beganMs);
      const touched = all.filter((source) => isOurs(source.service) && isTouched(source, changed));
      const built = await rebuild(touched.map(({ service }) => service.folder));
      const stale: Stale[] = [];
      for (const [index, source] of touched.entries()) {
        const result = built[index];
        if (result instanceof Error) unbuilt(source, result);
        else if (result && (await isOther(source, result))) stale.push({ source, hash: result.hash });
      }
      await replace(stale, changed, beganMs);
      await followFolders();
    } catch (err) {
      print("plinth", `! what changed could not be followed: ${(err as Error).message}`);
    }
  }

  function isTouched({ service, files, broken }: Source, changed: ReadonlySet<string>): boolean {
    for (const file of changed) {
      if (files.has(file) || file === service.folder) return true;
      // What is missing may be any new file; and a folder that came back stands for all in it.
      if (broken && !file.startsWith(bundleFolder(service.folder))) return true;
      if ([...files].some((own) => own.startsWith(file + path.sep))) return true;
    }
    return false;
  }

  function unbuilt(source: Source, err: Error): void {
    source.broken = true;
    const [first, ...places] = err.message.split("\n");
    for (const line of [`! ${first}`, ...places, "  the one before runs on"]) print(source.service.name, line);
  }

  /** True when the service has other code now, which lies there for its next start then. */
  async function isOther(source: Source, built: Rebuilt): Promise<boolean> {
    const { name } = source.service;
    source.files = new Set(built.files);
    // Looked at after the files were read: what runs was made of the very same.
    const isWhatRuns = source.hash === undefined && (await built.isThere());
    if (isWhatRuns) source.hash = built.hash;
    else await built.write();
    const same = isWhatRuns || (built.hash !== undefined && built.hash === source.hash);
    if (same && source.broken) print(name, "is as it was again");
    if (same) source.broken = false;
    return !same;
  }

  async function replace(stale: readonly Stale[], changed: ReadonlySet<string>, beganMs: number): Promise<void> {
    const results = await platform.replace(stale.map(({ source }) => source.service));
    for (const [index, { source, hash }] of stale.entries()) {
      const result = results[index];
      source.broken = result instanceof Error;
      if (result instanceof Error) {
        source.hash ??= none;
        tell(source, result);
      } else {
        source.hash = hash;
        // What was saved while it was built may be in it already; when its turn comes, nothing will be new.
        const known = new Set([...changed, ...changes.waiting()]);
        const why = [...known].filter((file) => source.files.has(file)).map(shown);
        const named =
          why.slice(0, namedMax).join(", ") + (why.length > namedMax ? ` and ${why.length - namedMax} more` : "");
        print(source.service.name, `reloaded in ${seconds(beganMs)}${named ? `: ${named}` : ""}`);
      }
    }
  }

  const tell = ({ service }: Source, err: Error) =>
    print(service.name, `! the new one does not run, so the one before runs on: ${err.message}`);

  async function manifest(source: Source, beganMs: number): Promise<void> {
    const { file, core, name } = source.service;
    try {
      const service = (await loadServices([{ file, core }])).find((candidate) => candidate.name === name);
      if (!service)
        throw new Error(`${shown(file)} has no ${name} any more; npx plinth down, then npm start without it`);
      if (JSON.stringify(service.manifest) === JSON.stringify(source.service.manifest)) return;
      const [result] = await platform.replace([service]);
      if (result instanceof Error) return tell(source, result);
      source.service = platform.services().find((candidate) => candidate.name === name) ?? source.service;
      print(name, `reloaded in ${seconds(beganMs)}: ${shown(file)}`);
    } catch (err) {
      for (const line of (err as Error).message.split("\n")) print(name, `! ${line}`);
    }
  }

  async function migrations({ service }: Source): Promise<void> {
    const check = await platform.checkMigrations(service);
    if (!check) return;
    if (check.problem) print(service.name, `! ${check.problem}`);
    else if (check.pending.length > 0)
      print(
        service.name,
        `${check.pending.join(", ")} not applied yet; once it is complete: npx plinth restart ${service.name}`,
      );
  }

  const seconds = (beganMs: number) => `${((clock.monotonicMs() - beganMs) / 1000).toFixed(1)} s`;

  return {
    follow,
    async close() {
      await changes.close();
      await watch.close();
    },
  };
}

const isOurs = ({ manifest }: LocalService): boolean => manifest.spec.local?.command === undefined;

const touches = (changed: ReadonlySet<string>, part: string, { folder }: LocalService): boolean =>
  [...changed].some((file) => path.dirname(file) === path.join(folder, part) && file.endsWith(".sql"));

const shown = (file: string): string => path.relative(process.cwd(), file) || file;

/** Code is generated by whoever changes an API, because the result is checked in. */
const generate = (file: string): string =>
  file.startsWith(path.join(repository, "proto") + path.sep)
    ? "npm run generate makes its code"
    : "generate its code anew (npx buf generate)";
