import type { JsonObject } from "@bufbuild/protobuf";
import type { Clock, Logger } from "@plinth/kernel";
import type { Upstreams } from "../data/upstreams.ts";
import { readDocument } from "./read-document.ts";

/** A document as a service gave it last. */
export interface Part {
  service: string;
  document: JsonObject;
}

export interface KnownParts {
  /** In the order of the services. */
  parts: readonly Part[];
  /** Services that do not answer now; their last known parts are among the others. */
  unavailable: readonly string[];
  /** Changes whenever one of the above does. */
  version: number;
}

export interface ServiceParts {
  /** Asks what is not known or may have changed; waits for answers for a bounded time. */
  read(services: readonly string[]): Promise<KnownParts>;
  close(): void;
}

export interface ServicePartsOptions {
  upstreams: Upstreams;
  clock: Clock;
  logger: Logger;
}

interface Kept {
  document: JsonObject | undefined;
  /** As JSON, to see whether it changed. */
  text: string;
  ok: boolean;
  /** When it is asked for again, on the monotonic clock. */
  staleMs: number;
  pending: Promise<void> | undefined;
}

/** Services that are asked; documents of more would be nothing that somebody reads. */
const servicesMax = 200;
/** Asked at the same time. */
const askedMax = 16;
/** A document is asked for again, and one that did not come. Endpoints that change make it so at once. */
const freshMs = 60_000;
const retryMs = 2_000;
/** Somebody waits for an answer of services that are slow. */
const waitMs = 4_000;

/** Keeps the documents of services: what one said last stays while it is away. */
export function createServiceParts({ upstreams, clock, logger }: ServicePartsOptions): ServiceParts {
  const kept = new Map<string, Kept>();
  let version = 0;
  let asking = 0;
  const waiting: (() => void)[] = [];
  const subscription = upstreams.onChange((service) => {
    const one = kept.get(service);
    if (one) one.staleMs = Number.NEGATIVE_INFINITY;
  });

  async function ask(service: string, one: Kept): Promise<void> {
    if (asking < askedMax) asking++;
    // Whoever is done hands its place on.
    else await new Promise<void>((resolve) => waiting.push(resolve));
    // Set before: endpoints may change while the question is on its way.
    one.staleMs = clock.monotonicMs() + freshMs;
    try {
      take(one, await readDocument(upstreams, service), true);
    } catch (err) {
      one.staleMs = Math.min(one.staleMs, clock.monotonicMs() + retryMs);
      if (one.ok) logger.warn({ err, service }, "a service does not answer with its OpenAPI document");
      take(one, one.document, false);
    } finally {
      one.pending = undefined;
      const next = waiting.shift();
      if (next) next();
      else asking--;
    }
  }

  function take(one: Kept, document: JsonObject | undefined, ok: boolean): void {
    const text = JSON.stringify(document) ?? "";
    if (text !== one.text || ok !== one.ok) version++;
    Object.assign(one, { document, text, ok });
  }

  function refresh(service: string): Promise<void> | undefined {
    let one = kept.get(service);
    if (one === undefined) {
      one = { document: undefined, text: "", ok: true, staleMs: Number.NEGATIVE_INFINITY, pending: undefined };
      kept.set(service, one);
      version++;
    }
    if (one.pending === undefined && clock.monotonicMs() >= one.staleMs) one.pending = ask(service, one);
    return one.pending;
  }

  return {
    async read(wanted) {
      const services = wanted.slice(0, servicesMax);
      for (const name of kept.keys()) if (!services.includes(name)) kept.delete(name);
      const pending = services.flatMap((name) => refresh(name) ?? []);
      if (pending.length > 0) await within(Promise.all(pending), clock);
      const known = services.map((service) => ({ service, ...(kept.get(service) as Kept) }));
      return {
        parts: known.flatMap(({ service, document }) => (document ? [{ service, document }] : [])),
        unavailable: [
          ...known.flatMap(({ service, ok, text, pending: late }) => (!ok || (late && text === "") ? [service] : [])),
          ...wanted.slice(servicesMax),
        ],
        version,
      };
    },
    close: () => subscription.close(),
  };
}

async function within(answers: Promise<unknown>, clock: Clock): Promise<void> {
  const answered = new AbortController();
  const time = clock.sleep(waitMs, answered.signal).catch(() => {});
  await Promise.race([answers, time]);
  answered.abort();
}
