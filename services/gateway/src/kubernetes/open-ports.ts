import type { SecureContext } from "node:tls";
import type { Clock, Component, Logger } from "@plinth/kernel";
import type { RouteTable } from "../data/route-table.ts";
import type { DataPlane, OpenPort } from "../data-plane.ts";

/** A port that should be open, and what it serves. */
export interface WantedPort {
  /** Of this process. */
  target: number;
  /** Of the Gateway. */
  port: number;
  table: RouteTable;
  /** Absent: no TLS. */
  tlsContext: ((serverName: string) => SecureContext | undefined) | undefined;
}

interface Open {
  wanted: WantedPort;
  port: OpenPort;
  state: "opening" | "open" | "failed";
  failure: string | undefined;
}

export interface OpenPortsOptions {
  host: string;
  plane: DataPlane;
  clock: Clock;
  logger: Logger;
  /** A port opened or failed to. */
  changed: () => void;
}

/** Requests in hand on a port whose listener is gone may take this long. */
const closeTimeoutMs = 30_000;
const retryMs = 5_000;

/** Keeps open what should be: a change of routes or certificates swaps what a port serves and closes nothing. */
export class OpenPorts implements Component {
  readonly name = "ports of Gateways";
  readonly #options: OpenPortsOptions;
  readonly #open = new Map<number, Open>();
  readonly #closing = new Map<number, Promise<void>>();
  #wanted: readonly WantedPort[] = [];
  readonly #stopping = new AbortController();
  #isRetrying = false;

  constructor(options: OpenPortsOptions) {
    this.#options = options;
  }

  /** By port of this process: undefined for an open one, else why it could not be opened. */
  states(): ReadonlyMap<number, string | undefined> {
    const known = [...this.#open].filter(([, { state }]) => state !== "opening");
    return new Map(known.map(([target, { failure }]) => [target, failure]));
  }

  set(wanted: readonly WantedPort[]): void {
    if (this.#stopping.signal.aborted) return;
    this.#wanted = wanted;
    const targets = new Map(wanted.map((entry) => [entry.target, entry]));
    for (const [target, open] of this.#open) {
      const next = targets.get(target);
      if (next === undefined || !fits(open.wanted, next)) this.#close(target, open);
      else open.wanted = next;
    }
    for (const entry of wanted)
      if (!this.#open.has(entry.target) && !this.#closing.has(entry.target)) this.#start(entry);
  }

  #start(wanted: WantedPort): void {
    const open: Open = { wanted, port: this.#make(wanted, () => open.wanted), state: "opening", failure: undefined };
    this.#open.set(wanted.target, open);
    open.port.start().then(
      () => this.#settled(open, "open", undefined),
      (err: Error & { code?: string }) => {
        this.#options.logger.warn({ err, port: wanted.target }, "port of a Gateway could not be opened");
        this.#settled(open, "failed", err.code ?? err.message);
        this.#tryAgainLater();
      },
    );
  }

  #make({ target, port, tlsContext }: WantedPort, current: () => WantedPort): OpenPort {
    const { host, plane } = this.#options;
    return plane.open({
      host,
      port: target,
      publicPort: port,
      table: () => current().table,
      localLast: true,
      ...(tlsContext ? { tls: { context: (name: string) => current().tlsContext?.(name) } } : {}),
    });
  }

  #settled(open: Open, state: "open" | "failed", failure: string | undefined): void {
    open.state = state;
    open.failure = failure;
    this.#options.changed();
  }

  #tryAgainLater(): void {
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    this.#options.clock.sleep(retryMs, this.#stopping.signal).then(
      () => this.#tryAgain(),
      () => {},
    );
  }

  #tryAgain(): void {
    this.#isRetrying = false;
    for (const [target, { state }] of this.#open) if (state === "failed") this.#open.delete(target);
    this.set(this.#wanted);
  }

  #close(target: number, open: Open): void {
    this.#open.delete(target);
    if (open.state === "failed") return;
    const closed = open.port
      .stop(AbortSignal.timeout(closeTimeoutMs))
      .catch((err: unknown) => this.#options.logger.warn({ err, port: target }, "port of a Gateway did not close"))
      .finally(() => {
        this.#closing.delete(target);
        // The same port may be wanted again by now.
        this.set(this.#wanted);
      });
    this.#closing.set(target, closed);
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...[...this.#open.values()].map(({ port }) => port.stop(signal)), ...this.#closing.values()]);
  }
}

/** Whether a port that is open can go on: it cannot turn from cleartext to TLS, and callers know it by one number. */
const fits = (now: WantedPort, next: WantedPort): boolean =>
  now.port === next.port && (now.tlsContext === undefined) === (next.tlsContext === undefined);
