import type { Limit } from "./limit-list.ts";

/** Limits of calls from one service to another. */
export const callLimits: Readonly<Record<string, Readonly<Record<string, readonly Limit[]>>>> = {
  "Calls between services": {
    "packages/clients/src/clients.ts": [{ name: "defaultTimeoutMs", meaning: "the deadline of calls that bring none" }],
    "packages/clients/src/balanced-transport.ts": [
      { name: "attemptsMax", meaning: "attempts per call, the first included" },
    ],
    "packages/clients/src/retry-budget.ts": [
      { name: "windowMs", meaning: "the retry budget: a fifth of the calls plus 10 a second over this time" },
    ],
    "packages/clients/src/endpoint-pool.ts": [
      { name: "failuresMax", meaning: "failures in a row after which an instance is left alone" },
      { name: "ejectBaseMs", meaning: "for how long at first" },
      { name: "ejectMaxMs", meaning: "for how long at most" },
      { name: "firstEndpointWaitMs", meaning: "a call waits for a service that has no instance yet" },
    ],
    "packages/clients/src/endpoint-channel.ts": [
      { name: "maxBytes", meaning: "a message, either way" },
      { name: "fallbackMs", meaning: "HTTP/1.1 is used before HTTP/2 is tried again" },
    ],
    "packages/clients/src/http2-session.ts": [
      { name: "connectTimeoutMs", meaning: "a connection attempt" },
      { name: "pingIntervalMs", meaning: "between two pings of a connection" },
      { name: "pingTimeoutMs", meaning: "the answer to a ping" },
      { name: "streamWindowBytes", meaning: "flow control window of a call" },
      { name: "sessionWindowBytes", meaning: "flow control window of a connection" },
    ],
    "packages/discovery/src/shared/lease.ts": [
      { name: "defaultLeaseMs", meaning: "an instance that stops renewing disappears after" },
    ],
    "packages/discovery/src/etcd/etcd-client.ts": [{ name: "callTimeoutMs", meaning: "a call to etcd" }],
    "packages/discovery/src/etcd/etcd-resolver.ts": [
      { name: "watchMsMax", meaning: "a watch of etcd, before everything is read again" },
      { name: "lineBytesMax", meaning: "one answer of a watch of etcd" },
    ],
    "packages/discovery/src/consul/consul-client.ts": [
      { name: "callTimeoutMs", meaning: "a call to Consul's agent, beyond what it was asked to wait" },
    ],
    "packages/discovery/src/consul/consul-resolver.ts": [
      { name: "waitMs", meaning: "a blocking query of Consul's agent" },
    ],
  },
};
