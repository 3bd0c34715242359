import type { Logger } from "@plinth/kernel";

/** On whose behalf a call is made: the user of the access token, otherwise the calling service. */
export type Principal =
  | { kind: "anonymous" }
  | { kind: "user"; userId: string; sessionId: string }
  | { kind: "service"; name: string };

export const anonymous: Principal = { kind: "anonymous" };

/** "user:ID", "service:NAME" or "anonymous": the form of events, audit records and permission subjects. */
export function actorOf(principal: Principal): string {
  switch (principal.kind) {
    case "anonymous":
      return "anonymous";
    case "user":
      return `user:${principal.userId}`;
    case "service":
      return `service:${principal.name}`;
  }
}

/**
 * What a handler knows of the call. A class only to the type checker: what is made when somebody asks for it is no property
 * of its own, so a copy `{ ...call }` and its type have the facts alone. `callWith` makes a copy that is a whole call.
 */
export declare abstract class CallContext {
  principal: Principal;
  /** Name of the calling service, proven by its workload token; absent for calls from outside. */
  workload: string | undefined;
  actor: string;
  /** The calling service, when it acts on behalf of the actor and not for itself. */
  via: string | undefined;
  /** The verified access token, to be passed on to other services. */
  accessToken: string | undefined;
  requestId: string;
  /** W3C trace context of this call, for events. */
  traceparent: string | undefined;
  /** Of the caller: the gateway's word for calls through it, otherwise the TCP peer. */
  remoteAddress: string;
  /** The same for calls from outside of the platform; undefined for those of services, whose peers say nothing of whom they act for. */
  clientAddress: string | undefined;
  userAgent: string;
  /** Aborts at the deadline and when the caller goes away. */
  get signal(): AbortSignal;
  /** Milliseconds until the deadline; 0 or less after it. */
  timeLeftMs(): number;
  get logger(): Logger;
  get requestHeader(): Headers;
  get responseHeader(): Headers;
  /** Metadata after the answer or the error. */
  get responseTrailer(): Headers;
}

type MadeWhenAsked = "signal" | "timeLeftMs" | "logger" | "requestHeader" | "responseHeader" | "responseTrailer";

/** The call with other facts, for whoever is asked next. It ends with the call, and metadata set on it is the call's. */
export const callWith = (call: CallContext, facts: Partial<Omit<CallContext, MadeWhenAsked>>): CallContext =>
  Object.assign(Object.create(Object.getPrototypeOf(call)), call, facts);
