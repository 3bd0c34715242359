import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import {
  backoffMs,
  type Clock,
  type Component,
  type ConfigOf,
  type ConfigSpec,
  describeConfig,
  type Logger,
  type Random,
} from "@plinth/kernel";
import type { ConfigurationService } from "@plinth/proto/plinth/audit/v1/configuration";
import { ownCallHeader } from "@plinth/rpc";
import { keysOfOneProcess } from "./service-config.ts";

/** All items of a group, by name. Never secrets. */
export type ConfigurationItems = Readonly<Record<string, JsonObject>>;

/** Tells the audit log what this process runs with. Nobody waits for it. */
export type ReportConfiguration = (group: string, items: () => ConfigurationItems) => void;

export interface ConfigurationReporter extends Component {
  report: ReportConfiguration;
}

export interface ConfigurationReporterOptions {
  audit: Client<typeof ConfigurationService>;
  logger: Logger;
  clock: Clock;
  random: Random;
}

/** Changes come in groups: what changes within this is reported together. */
const settleMs = 500;
const retry = { initialMs: 500, maxMs: 30_000 };
/** Said once, and not before so many attempts: audit starts at the same time as everybody else. */
const saidAtAttempt = 5;

/**
 * Reports each group again and again until audit has it, always as it is by then. What changed and changed back while
 * audit was away is not told.
 */
export function createConfigurationReporter(options: ConfigurationReporterOptions): ConfigurationReporter {
  const { audit, logger, clock, random } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const waiting = new Map<string, () => ConfigurationItems>();
  const told = new Map<string, ConfigurationItems>();
  let running: Promise<void> | undefined;
  let started = false;

  async function tell(group: string, items: ConfigurationItems): Promise<void> {
    const message = { group, items: Object.entries(items).map(([name, value]) => ({ name, value })) };
    const { changes } = await audit.reportConfiguration(message, { signal, headers: { [ownCallHeader]: "true" } });
    if (changes > 0) logger.info({ group, changes }, "configuration changes are in the audit log");
  }

  async function run(): Promise<void> {
    await clock.sleep(settleMs, signal).catch(() => {});
    for (let attempt = 1; !signal.aborted && waiting.size > 0; ) {
      const [[group, itemsNow] = []] = waiting;
      if (group === undefined || itemsNow === undefined) return;
      const items = itemsNow();
      try {
        if (!isDeepStrictEqual(told.get(group), items)) await tell(group, items);
        told.set(group, items);
        attempt = 1;
      } catch (err) {
        if (signal.aborted) return;
        if (!isPassing(err)) {
          logger.error({ err, group }, "audit refuses the report of the configuration");
        } else {
          const level = attempt === saidAtAttempt ? "warn" : "debug";
          logger[level]({ err, group, attempt }, "audit did not take the report of the configuration, trying again");
          await clock.sleep(backoffMs(Math.min(attempt++, 10), retry, random), signal).catch(() => {});
          continue;
        }
      }
      // Unless it was reported anew meanwhile.
      if (waiting.get(group) === itemsNow) waiting.delete(group);
    }
  }

  function begin(): void {
    running ??= run().finally(() => {
      running = undefined;
      if (waiting.size > 0 && !signal.aborted) begin();
    });
  }

  return {
    name: "configuration report",
    report(group, items) {
      waiting.set(group, items);
      if (started) begin();
    },
    async start() {
      started = true;
      if (waiting.size > 0) begin();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** An audit service that is older than this one takes no reports: it is replaced soon. */
const isPassing = (err: unknown): boolean =>
  ![Code.InvalidArgument, Code.PermissionDenied, Code.Unauthenticated].includes(ConnectError.from(err).code);

/** What a process was started with, as far as its siblings have the same: without secrets, with its version. */
export function settingsOf<S extends ConfigSpec>(version: string, spec: S, config: ConfigOf<S>): ConfigurationItems {
  const shared = Object.fromEntries(Object.entries(spec).filter(([name]) => !keysOfOneProcess.has(name)));
  const values = JSON.parse(JSON.stringify(describeConfig(shared, config as never))) as JsonObject;
  return { process: { version, ...values } };
}
