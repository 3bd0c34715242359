import type { Component } from "@plinth/kernel";

/** An event on its way, with the attributes of CloudEvents 1.0; `data` is the protobuf message that `type` names. */
export interface BusMessage {
  /** UUID; consumers deduplicate by it. */
  id: string;
  /** The publishing service. */
  source: string;
  type: string;
  subject: string;
  time: Date;
  /** Named by the owning domain, for example identity.user.v1. */
  topic: string;
  /** Messages of one key stay in order. */
  key: string;
  data: Uint8Array;
  /** "user:ID", "service:NAME" or "anonymous". */
  actor: string;
  requestId: string;
  traceparent: string | undefined;
  /** Where the caller was, as the gateway saw it. */
  clientAddress?: string | undefined;
  /** The service that acted on the actor's behalf. */
  via?: string | undefined;
  /**
   * Number among the events of its source, from 1 and without gaps, in the order of publication; a second publication has
   * the same one. Undefined from producers that do not number.
   */
  sequence?: bigint | undefined;
}

export interface SubscribeOptions {
  /** Each group gets every message; the instances of a group share them. */
  group: string;
  /** Names of topics, or "*" alone for every topic there is and will be. */
  topics: readonly string[];
  /**
   * Handles one message. It may see a message twice and must deduplicate by id. When it throws, the message is tried
   * again with growing delays while later messages of its partition wait. Fault "unavailable" is tried for ever; any
   * other error sends the message to the dead letters after `attemptsMax` tries. What it does not know (a type or version
   * of later days) it leaves alone and says so with "skipped", which is counted.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most handlers return nothing
  handle(message: BusMessage, signal: AbortSignal): Promise<void | "skipped">;
  /**
   * Handles several messages of one partition at once, in the order given, all or nothing; returns how many it skipped. For
   * consumers whose cost is the transaction and not the message. It is called with what waits already, two messages at
   * least, and never delays one; a message may be in the array twice. When it throws, each of them goes to `handle`, which
   * must do the same for one: a message that cannot be handled takes no other along.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most handlers return nothing
  handleTogether?(messages: readonly BusMessage[], signal: AbortSignal): Promise<void | number>;
  /** Default 8. */
  attemptsMax?: number;
}

/**
 * An event bus. Duties of a driver: `publish` resolves when the messages are durable and rejects, with Fault
 * "unavailable" where the bus is away, when they may not be: the caller publishes them again, in the same order; delivery
 * is at least once; order is kept per topic and key as published; a message that was published before a group's first
 * subscription is delivered to it as well; an instance that dies hands its share to the others; a consumer holds a bounded
 * number of messages in memory; what comes back after an absence needs no restart of anybody.
 */
export interface EventBus extends Component {
  publish(messages: readonly BusMessage[]): Promise<void>;
  /** The returned component starts and stops the consumption; stopping waits for the message in hand. */
  subscribe(options: SubscribeOptions): Component;
}
