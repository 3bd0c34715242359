import path from "node:path";
import { createLogger, systemClock, systemRandom } from "@plinth/kernel";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { type AdminAccount, cliWorkload, ensureAdminAccount } from "../local/admin-account.ts";
import type { Companion } from "../local/companions/companion.ts";
import { AlreadyRunning, control, openControlSocket, type PlatformState } from "../local/control-socket.ts";
import { coreManifests, loadServices, manifestFile } from "../local/find-manifests.ts";
import { type LocalPaths, localPaths } from "../local/local-paths.ts";
import { createLocalPlatform, type LocalPlatform } from "../local/local-platform.ts";
import { gatewayName, type LocalService, type ReplicaCounts } from "../local/local-service.ts";
import { formatLogLine, parseLogLine } from "../local/log-line.ts";
import { resetHome } from "../local/reset-home.ts";
import { createLibraries } from "../reload/libraries.ts";
import { createRebuild } from "../reload/rebuild.ts";
import { createReload } from "../reload/reload.ts";
import { repository } from "../repository.ts";
import type { Terminal } from "../terminal.ts";
import { recovers } from "../verify/recovers.ts";
import { finalBlock } from "./final-block.ts";
import { createPrinter } from "./prefixed-printer.ts";
import { statusTable } from "./status-table.ts";

export interface UpOptions {
  file: string[];
  verify: boolean;
  reset: boolean;
  data: string;
  port: number;
  replicas: ReplicaCounts;
  with: readonly Companion[];
  logLevel: string;
  /** False: only what --file names. */
  core: boolean;
  /** False: no end-to-end check after the start. */
  check: boolean;
  /** Whether saved sources are taken over; undefined: where a person works. */
  watch: boolean | undefined;
}

/** Runs the platform in the foreground until it is told to stop; returns the exit code. */
export async function up(options: UpOptions, terminal: Terminal): Promise<number> {
  const paths = localPaths(path.resolve(options.data));
  const files = options.file.map((file) => manifestFile(file, process.cwd()));
  const running = await control(paths.controlSocket).status();
  if (running) return handOver(paths, files, options, terminal);
  if (options.reset) await resetHome(paths);
  const core = options.core ? await coreManifests(repository) : [];
  const services = await loadServices([
    ...core.map((file) => ({ file, core: true })),
    ...files.map((file) => ({ file, core: false })),
  ]);
  if (services.length === 0)
    throw new CommandFailure("there is nothing to run: no services/*/platformservice.yaml and no --file");
  refuseUnknown(options.replicas, services);
  return runInForeground(paths, services, options, terminal);
}

function refuseUnknown(replicas: ReplicaCounts, services: readonly LocalService[]): void {
  const names = services.map(({ name }) => name);
  const unknown = Object.keys(replicas).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new CommandFailure(`--replicas names ${unknown}, but there are only ${names.join(", ")}`, exitCodes.usage);
}

/** A platform runs on this data already: it takes the files over, or its state is shown. */
async function handOver(paths: LocalPaths, files: string[], options: UpOptions, terminal: Terminal): Promise<number> {
  if (options.reset || options.verify || options.with.length > 0) {
    throw new CommandFailure(`a platform runs on ${paths.home}: stop it first with npx plinth down`);
  }
  if (files.length > 0) {
    await loadServices(files.map((file) => ({ file, core: false })));
    const after = await control(paths.controlSocket).apply(files);
    terminal.line(`handed ${files.length} file(s) to the platform that runs already; all ready`);
    for (const line of after ? statusTable(after) : []) terminal.line(line);
    return exitCodes.ok;
  }
  const status = await control(paths.controlSocket).status();
  terminal.line("the platform runs already");
  for (const line of status ? statusTable(status) : []) terminal.line(line);
  return exitCodes.ok;
}

async function runInForeground(
  paths: LocalPaths,
  services: LocalService[],
  options: UpOptions,
  terminal: Terminal,
): Promise<number> {
  const print = createPrinter(terminal, services);
  const logger = createLogger({
    service: "plinth",
    level: "warn",
    write(line) {
      for (const text of formatLogLine(parseLogLine(line.trimEnd()))) print("plinth", text);
    },
  });
  const rebuild = isWatching(options) && createRebuild(createLibraries(paths.libraries));
  const platform = createLocalPlatform({
    ...options,
    ...(rebuild ? { bundle: rebuild.bundle } : {}),
    companions: options.with,
    paths,
    print,
    shell: process.env,
    logger,
    clock: systemClock,
    random: systemRandom,
  });
  const reload = rebuild && createReload({ platform, rebuild: rebuild.rebuild, print, clock: systemClock });
  const follow = async () => reload && (await reload.follow());
  let state: PlatformState = "starting";
  const stop = stopSignal(platform, print);
  const socket = await openControlSocket(paths.controlSocket, {
    status: () => ({
      state,
      pid: process.pid,
      gatewayUrl: platform.gatewayUrl(),
      home: paths.home,
      services: platform.status(),
    }),
    async apply(files) {
      await platform.apply(await loadServices(files.map((file) => ({ file, core: false }))));
      await follow();
    },
    async restart(name) {
      const service = platform.services().find((candidate) => candidate.name === name);
      if (!service) throw new Error(`there is no service ${name} here`);
      const inFile = await loadServices([{ file: service.file, core: service.core }]);
      await platform.apply(inFile.filter((candidate) => candidate.name === name));
      await follow();
    },
    bus: () => platform.busEnv(),
    down: () => stop.request("asked to stop"),
  }).catch((err) => {
    if (err instanceof AlreadyRunning) throw new CommandFailure(`${err.message}: ${paths.home}`);
    throw err;
  });
  let code: number = exitCodes.ok;
  try {
    const begun = bringUp(platform, services, paths, options, terminal, print);
    const started = await Promise.race([begun, stop.requested.then(() => undefined)]);
    begun.catch(() => {});
    if (started !== undefined) {
      await follow();
      state = started.healthy ? "ready" : "degraded";
      if (options.verify) code = started.healthy ? exitCodes.ok : exitCodes.failed;
      else if (
        started.healthy ||
        (await recovers(started.check, { clock: systemClock, stopRequested: stop.requested }))
      ) {
        state = "ready";
        await stop.requested;
      }
    }
  } catch (err) {
    print("plinth", `! ${(err as Error).message}`);
    code = exitCodes.failed;
  }
  state = "stopping";
  print("plinth", "stopping");
  if (reload) await reload.close();
  await platform.stop();
  await socket.close();
  print("plinth", "stopped");
  return code;
}

const isWatching = ({ watch, verify }: UpOptions): boolean => (watch ?? isAttended()) && !verify;

/** Somebody looks at the output and edits files meanwhile. */
const isAttended = (): boolean => process.stdout.isTTY === true && !process.env["CI"];

interface Started {
  /** False: the built-in check failed. */
  healthy: boolean;
  check: () => Promise<boolean>;
}

/** Everything between nothing and the final block. */
async function bringUp(
  platform: LocalPlatform,
  services: LocalService[],
  paths: LocalPaths,
  options: UpOptions,
  terminal: Terminal,
  print: (label: string, text: string) => void,
): Promise<Started> {
  await platform.start(services);
  const gatewayUrl = platform.gatewayUrl();
  const admin = await adminAccount(platform, paths);
  let check = async (): Promise<boolean> => true;
  if (options.check && gatewayUrl && admin) {
    const { verifyPlatform } = await import("../verify/verify-platform.ts");
    check = () => verifyPlatform({ gatewayUrl, admin, clock: systemClock, print: (line) => print("check", line) });
  } else if (options.core && options.verify) {
    throw new Error(
      "the built-in check needs the services identity, auth, authz, audit and gateway, and not all are here",
    );
  }
  const healthy = await check();
  if (!healthy)
    print(
      "plinth",
      "! the built-in check failed; the platform keeps running so that you can look at it, and checks again",
    );
  if (!options.verify) {
    const companions = await platform.companions();
    for (const line of finalBlock({
      gatewayUrl,
      admin,
      paths,
      companions,
      services: platform.status(),
      watched: isWatching(options),
    }))
      terminal.line(line);
  }
  return { healthy, check };
}

/** Undefined when the services that know users and permissions are not part of this run. */
async function adminAccount(platform: LocalPlatform, paths: LocalPaths): Promise<AdminAccount | undefined> {
  const address = (name: string) => {
    const port = platform.status().find((service) => service.name === name)?.instances[0]?.port;
    return port === undefined ? undefined : `http://127.0.0.1:${port}`;
  };
  const [identityUrl, authzUrl, tokens] = [address("identity"), address("authz"), platform.tokens()];
  const complete = address("auth") && address("audit") && address(gatewayName);
  if (!identityUrl || !authzUrl || !tokens || !complete) return undefined;
  return ensureAdminAccount({
    file: paths.admin,
    identityUrl,
    authzUrl,
    workloadToken: await tokens.mint(cliWorkload),
    clock: systemClock,
  });
}

/** The first Ctrl-C (or SIGTERM, or `plinth down`) stops in order, the second ends everything at once. */
function stopSignal(platform: LocalPlatform, print: (label: string, text: string) => void) {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  const request = (why: string) => {
    if (asked) {
      print("plinth", `${why} again: ending everything now`);
      platform.kill();
      return;
    }
    asked = true;
    print("plinth", why);
    resolve();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => request(name));
  return { requested: promise, request };
}
