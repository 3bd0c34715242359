import type { Transport } from "@connectrpc/connect";
import { type Breaker, type RetryBudget, Search } from "@plinth/balancer";
import { backoffMs, type Clock, Fault, type Random } from "@plinth/kernel";
import {
  isFull,
  isInstanceFailure,
  isLate,
  isServiceFailure,
  isUnavailable,
  lostConnection,
  neverProcessed,
  pushBack,
  unavailable,
} from "./call-errors.ts";
import type { CallerMetrics } from "./caller-metrics.ts";
import type { EndpointPool, Member } from "./endpoint-pool.ts";
import { neverConnected } from "./http1-agent.ts";

export interface CallerOptions {
  service: string;
  pool: EndpointPool;
  budget: RetryBudget;
  breaker: Breaker;
  metrics: CallerMetrics;
  clock: Clock;
  random: Random;
}

export interface Call<T> {
  /** It may be made again although it may have been carried out. */
  idempotent: boolean;
  /** Another attempt is made elsewhere when there is no answer after so long; the first answer counts. */
  hedgeAfterMs?: number | undefined;
  /** For all attempts together, from now. */
  timeoutMs: number;
  /** It is less than this client gives by itself: what is not answered in time says nothing about an instance. */
  isHurried: boolean;
  signal: AbortSignal | undefined;
  /** What it sends is used up: another attempt would have nothing to send. */
  isSpent?: () => boolean;
  /** Makes it once. */
  attempt(transport: Transport, timeoutMs: number, signal: AbortSignal | undefined): Promise<T>;
}

type Attempt<T> =
  | { kind: "done"; value: T }
  /** Nothing was carried out: there is no way to the instance, or its connections have no place left. */
  | { kind: "unreachable" | "full"; error: unknown }
  /** Nothing was carried out: the connection takes no more calls, and another may. */
  | { kind: "refused"; error: unknown }
  | { kind: "failed"; error: unknown };

/** Those that reach an instance. */
const attemptsMax = 3;
/** A call whose connections go away under it, one after the other, is made again so often. */
const refusedMax = 10;
/** Before an attempt after a failure: a random part of this, doubled each time (gRPC proposal A6). */
const backoff = { initialMs: 25, maxMs: 250 };
/** Hedging takes only what retries leave: a call that failed needs it more than one that is slow. */
const sparedForRetries = 5;
/** A server that wants to be left alone for longer is not called again within this call. */
const pushBackMsMax = 2_000;

/**
 * Makes calls to one service: chooses an instance for each attempt, makes a call again where that is safe and the budget allows
 * it, and holds calls back that the service could not carry out anyway. One deadline covers everything. Throws ConnectErrors of
 * the service and Faults of its own: CALLS_TOO_MANY, CONNECTIONS_FULL, SERVICE_FAILING,
 * SERVICE_UNAVAILABLE, DEADLINE_EXCEEDED.
 */
export function createCaller(options: CallerOptions): <T>(call: Call<T>) => Promise<T> {
  const { service, pool, budget, breaker, metrics, clock, random } = options;

  async function attemptOn<T>(
    member: Member,
    call: Call<T>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Attempt<T>> {
    const sinceMs = clock.monotonicMs();
    member.inFlight++;
    try {
      const { channel } = member;
      const transport = channel.ready() ?? (await channel.connected().catch((error: unknown) => ({ error })));
      if ("error" in transport) return unreachable(member, transport.error, sinceMs);
      const value = await call.attempt(transport, timeoutMs, signal);
      pool.report(member, "ok", sinceMs);
      return { kind: "done", value };
    } catch (thrown) {
      if (isFull(thrown)) {
        pool.report(member, "other", sinceMs);
        return { kind: "full", error: connectionsFull(service, thrown) };
      }
      if (neverConnected(thrown)) return unreachable(member, thrown, sinceMs);
      const error = lostConnection(thrown, service) ?? thrown;
      pool.report(member, judged(error, call, signal), sinceMs);
      return { kind: neverProcessed(error) ? "refused" : "failed", error };
    } finally {
      member.inFlight--;
    }
  }

  function unreachable(member: Member, cause: unknown, sinceMs: number): Attempt<never> {
    pool.report(member, "failed", sinceMs);
    return { kind: "unreachable", error: unavailable(`an instance of ${service} cannot be reached`, cause) };
  }

  /** Two attempts at a time, at most: the second once the first has taken too long. The loser is cancelled. */
  async function hedged<T>(call: Call<T>, afterMs: number, one: (signal: AbortSignal) => Promise<Attempt<T>>) {
    const stop = [new AbortController(), new AbortController()] as const;
    const signalOf = ({ signal }: AbortController) => (call.signal ? AbortSignal.any([call.signal, signal]) : signal);
    const first = one(signalOf(stop[0]));
    const waited = new AbortController();
    const late = clock.sleep(afterMs, waited.signal).then(
      () => "late" as const,
      () => "late" as const,
    );
    const early = await Promise.race([first, late]);
    waited.abort();
    if (early !== "late" || call.signal?.aborted) return first;
    if (!budget.withdraw(sparedForRetries)) {
      metrics.heldBack("hedge");
      return first;
    }
    metrics.again("hedge");
    const second = one(signalOf(stop[1]));
    const winner = await firstDone(first, second);
    for (const each of stop) each.abort();
    return winner;
  }

  return async function make<T>(call: Call<T>): Promise<T> {
    // Its caller will not wait for the answer.
    if (call.timeoutMs < 1) throw deadlineExceeded();
    const entered = breaker.enter();
    if (entered !== "ok") {
      metrics.heldBack(entered);
      throw heldBack(service, entered);
    }
    budget.deposit();
    let outcome: "ok" | "failed" | "other" = "other";
    const deadlineMs = clock.monotonicMs() + call.timeoutMs;
    const tried = new Set<Member>();
    const one = async (signal: AbortSignal | undefined): Promise<Attempt<T>> => {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs < 1) return { kind: "failed", error: deadlineExceeded() };
      const member = await pool.pick(tried, signal);
      tried.add(member);
      return attemptOn(member, call, Math.floor(leftMs), signal);
    };
    try {
      let refused = 0;
      let search: Search | undefined;
      for (let attempts = 1; ; ) {
        const hedge = attempts === 1 && call.idempotent ? call.hedgeAfterMs : undefined;
        const result = await (hedge === undefined ? one(call.signal) : hedged(call, hedge, one));
        if (result.kind === "done") {
          outcome = "ok";
          return result.value;
        }
        let waitMs: number | undefined;
        if (call.isSpent?.() || call.signal?.aborted) waitMs = undefined;
        else if (result.kind === "unreachable" || result.kind === "full") {
          const nowMs = clock.monotonicMs();
          const anyUntried = pool.hasOthers(tried);
          search ??= new Search(nowMs);
          // Full ones were waited for already.
          if (result.kind === "unreachable" || anyUntried) waitMs = search.next(anyUntried, nowMs);
          if (waitMs !== 0) tried.clear();
        } else if (result.kind === "refused") {
          tried.clear();
          if (++refused < refusedMax) waitMs = 0;
        } else if (attempts < attemptsMax) waitMs = waitAfterFailure(result.error, call, attempts++);
        if (result.kind !== "failed" && waitMs !== undefined)
          metrics.again(result.kind === "full" ? "unreachable" : result.kind);
        if (waitMs === undefined || clock.monotonicMs() + waitMs >= deadlineMs) {
          outcome = outcomeOf(result, call);
          throw result.error;
        }
        if (waitMs > 0) await clock.sleep(waitMs, call.signal);
      }
    } finally {
      breaker.leave(outcome);
    }
  };

  /** Undefined: it is not made again. */
  function waitAfterFailure<T>(error: unknown, call: Call<T>, attempts: number): number | undefined {
    const wish = pushBack(error);
    if (wish !== undefined) metrics.pushedBack(wish === "never" ? wish : "wait");
    if (!call.idempotent || !isUnavailable(error) || wish === "never" || (wish ?? 0) > pushBackMsMax) return undefined;
    if (!budget.withdraw()) {
      metrics.heldBack("budget");
      return undefined;
    }
    metrics.again("unavailable");
    return wish ?? backoffMs(attempts, backoff, random);
  }
}

/** A service whose instances cannot be reached has nothing to be spared: it is called again as soon as one is there. */
function outcomeOf(result: Exclude<Attempt<unknown>, { kind: "done" }>, { signal, isHurried }: Call<unknown>) {
  if (signal?.aborted || result.kind !== "failed") return "other";
  if (isHurried && isLate(result.error)) return "other";
  return isServiceFailure(result.error) ? "failed" : "ok";
}

/** What an attempt that failed says about its instance. */
function judged(error: unknown, { isHurried }: Call<unknown>, signal: AbortSignal | undefined) {
  if (signal?.aborted || (isHurried && isLate(error))) return "other";
  return isInstanceFailure(error) ? "failed" : "ok";
}

/** The first that is done; when none is, what the first one says. */
async function firstDone<T>(first: Promise<Attempt<T>>, second: Promise<Attempt<T>>): Promise<Attempt<T>> {
  const done = async (attempt: Promise<Attempt<T>>): Promise<Attempt<T>> => {
    const result = await attempt;
    if (result.kind !== "done") throw result.error;
    return result;
  };
  return Promise.any([done(first), done(second)]).catch(() => first);
}

const deadlineExceeded = (): Fault =>
  new Fault({ code: "deadline_exceeded", reason: "DEADLINE_EXCEEDED", message: "the call took too long" });

const connectionsFull = (service: string, cause: unknown): Fault =>
  new Fault({
    code: "resource_exhausted",
    reason: "CONNECTIONS_FULL",
    message: `the connections to ${service} carry as many calls as they may, and too many wait: try again shortly`,
    retryAfterMs: 1_000,
    cause,
  });

const heldBack = (service: string, why: "full" | "failing"): Fault =>
  why === "full"
    ? new Fault({
        code: "resource_exhausted",
        reason: "CALLS_TOO_MANY",
        message: `too many calls to ${service} are in flight from here, try again shortly`,
        retryAfterMs: 1_000,
      })
    : new Fault({
        code: "unavailable",
        reason: "SERVICE_FAILING",
        message: `${service} fails most of its calls at present and is spared some, try again shortly`,
        retryAfterMs: 1_000,
      });
