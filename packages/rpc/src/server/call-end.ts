import { Code, ConnectError } from "@connectrpc/connect";
import { type Clock, Fault } from "@plinth/kernel";
import { faultToConnectError } from "../fault-mapping.ts";

/** Why a call is over before its handler is. */
export type EndCause = "deadline" | "caller" | "finished";

/** When a call is over: at its deadline, when its caller goes away, and when it was answered. */
export interface CallEnd {
  /** Undefined while the call runs. */
  readonly cause: EndCause | undefined;
  readonly signal: AbortSignal;
  /** Until the deadline, in ms. */
  leftMs(): number;
}

const deadlineExceeded = (cause?: unknown): Fault =>
  new Fault({ code: "deadline_exceeded", reason: "DEADLINE_EXCEEDED", message: "the call took too long", cause });

/** What a handler threw because its call was over, as what it is. */
export function endError(end: CallEnd, thrown: unknown): unknown {
  if (end.cause === "deadline") return deadlineExceeded(thrown);
  if (end.cause !== "caller") return thrown;
  return new Fault({ code: "canceled", reason: "CALL_CANCELED", message: "the caller went away", cause: thrown });
}

/** Costs one timer. Its AbortSignal, which costs more than all the rest, is made when somebody asks for it. */
export class OwnCallEnd implements CallEnd {
  cause: EndCause | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #onDeadline: () => void = () => {};
  #controller: AbortController | undefined;

  constructor(timeoutMs: number, clock: Clock) {
    this.#clock = clock;
    this.#deadlineMs = clock.monotonicMs() + timeoutMs;
    this.#timer = setTimeout(expire, timeoutMs, this);
    if (timeoutMs <= 0) this.end("deadline");
  }

  leftMs(): number {
    // The timer counts from when its turn of the event loop began, and may be ahead of the clock.
    return this.cause === "deadline" ? 0 : this.#deadlineMs - this.#clock.monotonicMs();
  }

  /** Called at the deadline; at once when that has passed. */
  onDeadline(listener: () => void): void {
    this.#onDeadline = listener;
    if (this.cause === "deadline") listener();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.cause !== undefined) this.#controller.abort(reasonOf(this.cause));
    }
    return this.#controller.signal;
  }

  /** The first cause counts. */
  end(cause: EndCause): void {
    if (this.cause !== undefined) return;
    this.cause = cause;
    clearTimeout(this.#timer);
    this.#controller?.abort(reasonOf(cause));
    if (cause === "deadline") this.#onDeadline();
  }
}

const expire = (end: OwnCallEnd): void => end.end("deadline");

const reasonOf = (cause: EndCause): ConnectError =>
  cause === "deadline"
    ? faultToConnectError(deadlineExceeded())
    : new ConnectError(cause === "caller" ? "the caller went away" : "the call has ended", Code.Canceled);

export interface LinkedCallEndOptions {
  /** Of the request: aborts at the deadline that it brought, which the library counts, and when the caller goes away. */
  signal: AbortSignal;
  /** What the request brought; undefined: nothing. */
  givenMs: number | undefined;
  /** Counted here where it brought nothing. */
  defaultTimeoutMs: number;
  clock: Clock;
}

/** The end of a call that the library runs: its signal, and our deadline where the caller set none. */
export function linkedCallEnd(options: LinkedCallEndOptions): CallEnd {
  const { signal: requestSignal, givenMs, defaultTimeoutMs, clock } = options;
  const deadlineMs = clock.monotonicMs() + (givenMs ?? defaultTimeoutMs);
  const signal =
    givenMs !== undefined ? requestSignal : AbortSignal.any([requestSignal, AbortSignal.timeout(defaultTimeoutMs)]);
  return {
    signal,
    leftMs() {
      return this.cause === "deadline" ? 0 : deadlineMs - clock.monotonicMs();
    },
    get cause() {
      if (!signal.aborted) return undefined;
      if (!requestSignal.aborted) return "deadline";
      const { reason } = requestSignal;
      return reason instanceof ConnectError && reason.code === Code.DeadlineExceeded ? "deadline" : "caller";
    },
  };
}
