import type { ApiCall, Transport } from "@plinth/kube";

const encoder = new TextEncoder();

export interface Crash {
  wrap(transport: Transport): Transport;
  happened(): boolean;
}

/** A process that ends at its n-th write about this service: nothing goes out after it. */
export function crashAt(n: number, when: "before" | "after", service: string): Crash {
  let writes = 0;
  let dead = false;
  let done = false;
  const isOwn = ({ method, path }: ApiCall): boolean =>
    method !== "GET" && new RegExp(`/${service}(-|/|$)|/jobs$`).test(path);
  const wrap = (transport: Transport): Transport => ({
    ...transport,
    async send(call) {
      if (dead) throw new Error("this process is dead");
      if (!isOwn(call) || ++writes !== n) return transport.send(call);
      dead = true;
      if (when === "after") await transport.send(call);
      done = true;
      throw new Error("this process is dead");
    },
  });
  return { wrap, happened: () => done };
}

export const watchFaults = ["is cut before", "is expired at", "lags behind at"] as const;
export type WatchFault = (typeof watchFaults)[number];

export interface DisturbedWatch {
  wrap(transport: Transport): Transport;
  happened(): boolean;
}

/**
 * Disturbs the first event about `service` in the watch of one kind, once. Cut: the connection ends before the event, which
 * is sent again. Expired: the API server has forgotten where the watch was, so that states in between are never seen.
 * Lagging: this cache hears of the event long after the others have gone on (at most `lagMs` later).
 */
export function disturbWatch(plural: string, service: string, fault: WatchFault, lagMs: number): DisturbedWatch {
  let done = false;
  async function* disturbed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      if (!done && Buffer.from(chunk).toString("utf8").includes(`"name":"${service}`)) {
        done = true;
        if (fault === "is cut before") return;
        if (fault === "is expired at") {
          const object = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
          yield encoder.encode(`${JSON.stringify({ type: "ERROR", object })}\n`);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, lagMs));
      }
      yield chunk;
    }
  }
  const wrap = (transport: Transport): Transport => ({
    ...transport,
    open: (call) => (call.path.endsWith(`/${plural}`) ? disturbed(transport.open(call)) : transport.open(call)),
  });
  return { wrap, happened: () => done };
}

export interface StaleStart {
  /** Keeps the first answer to every list. */
  record(transport: Transport): Transport;
  /** Gives those answers again, and no events until `catchUp`. */
  replay(transport: Transport): Transport;
  catchUp(): void;
  /** Whether the object with this path was read by itself during the replay. */
  looked(path: string): boolean;
}

/** An API server behind a load balancer that lags: what a restarted process sees first is an earlier state. */
export function staleStart(): StaleStart {
  const lists = new Map<string, unknown>();
  const reads: string[] = [];
  const current = Promise.withResolvers<void>();
  const keyOf = ({ path, query }: ApiCall): string => `${path} ${query?.["labelSelector"] ?? ""}`;
  const isList = ({ method, query }: ApiCall): boolean => method === "GET" && query?.["limit"] !== undefined;
  return {
    record: (transport) => ({
      ...transport,
      async send(call) {
        const answer = await transport.send(call);
        if (isList(call) && !lists.has(keyOf(call))) lists.set(keyOf(call), structuredClone(answer.body));
        return answer;
      },
    }),
    replay: (transport) => ({
      ...transport,
      async send(call) {
        reads.push(call.method === "GET" ? call.path : "");
        const known = isList(call) ? lists.get(keyOf(call)) : undefined;
        return known === undefined ? transport.send(call) : { body: structuredClone(known) };
      },
      async *open(call) {
        await Promise.race([current.promise, aborted(call.signal)]);
        yield* transport.open(call);
      },
    }),
    catchUp() {
      lists.clear();
      current.resolve();
    },
    looked: (path) => reads.some((read) => read.endsWith(path)),
  };
}

const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
