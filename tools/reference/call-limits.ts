import type { Limit } from "./limit-list.ts";

/** Limits of calls from one service to another. */
export const callLimits: Readonly<Record<string, Readonly<Record<string, readonly Limit[]>>>> = {
  "Calls between services": {
    "packages/clients/src/clients.ts": [{ name: "defaultTimeoutMs", meaning: "the deadline of calls that bring none" }],
    "packages/clients/src/caller.ts": [
      { name: "attemptsMax", meaning: "attempts per call that reach an instance, the first included" },
      { name: "refusedMax", meaning: "attempts of one call that connections which go away do not take" },
      { name: "initialMs", meaning: "before an attempt after a failure, at most; doubled each time" },
      { name: "maxMs", meaning: "before an attempt after a failure, ever" },
      { name: "sparedForRetries", meaning: "retries that hedging leaves in the budget" },
      { name: "pushBackMsMax", meaning: "a server's wish to be left alone that is waited for" },
    ],
    "packages/balancer/src/latency.ts": [
      { name: "leastMs", meaning: "what an instance is taken to need before it has answered" },
      { name: "decayMs", meaning: "what an instance's answers took counts for a third after" },
      { name: "failureMs", meaning: "what a failure counts as, in the choice of an instance" },
    ],
    "packages/balancer/src/outlier.ts": [
      { name: "failuresMax", meaning: "failures in a row after which an instance is left alone" },
      { name: "baseEjectionMs", meaning: "for how long at first" },
      { name: "ejectionMaxMs", meaning: "for how long at most" },
    ],
    "packages/balancer/src/pick-endpoint.ts": [
      { name: "panicPercent", meaning: "percent of instances below which nobody is left alone" },
    ],
    "packages/balancer/src/search.ts": [
      { name: "unreachableMax", meaning: "instances that cannot be connected, for one call, before it pauses" },
      { name: "searchMaxMs", meaning: "a call looks for an instance that can be connected" },
    ],
    "packages/balancer/src/subset.ts": [
      { name: "subsetFrom", meaning: "instances from which on a caller keeps to a part of them" },
      { name: "subsetSize", meaning: "size of that part" },
    ],
    "packages/balancer/src/breaker.ts": [
      { name: "inFlightMaxDefault", meaning: "calls of one process to one service in flight" },
      { name: "callsMin", meaning: "calls within the window before any is held back" },
      { name: "windowMs", meaning: "what a service is judged by before calls to it are held back" },
      { name: "acceptedInRowMin", meaning: "calls accepted in a row after which nothing is held back" },
      { name: "heldBackPercentMax", meaning: "percent of calls that are held back at most" },
    ],
    "packages/balancer/src/retry-budget.ts": [
      { name: "windowMs", meaning: "the retry budget: a fifth of the calls plus 10 a second over this time" },
    ],
    "packages/clients/src/endpoint-pool.ts": [
      { name: "firstEndpointWaitMs", meaning: "a call waits for a service that has no instance yet" },
    ],
    "packages/clients/src/endpoint-channel.ts": [
      { name: "maxBytes", meaning: "a message, either way" },
      { name: "probeTimeoutMs", meaning: "to find out whether HTTP/1.1 passes where HTTP/2 does not" },
      { name: "fallbackMs", meaning: "HTTP/1.1 is used before HTTP/2 is tried again" },
    ],
    "packages/clients/src/with-deadline.ts": [
      { name: "slackMs", meaning: "before its deadline a peer's cancelling counts as the deadline" },
    ],
    "packages/clients/src/http2-sessions.ts": [
      { name: "connectTimeoutMs", meaning: "a connection attempt" },
      { name: "sessionsMax", meaning: "connections to one instance" },
      { name: "streamsPerSession", meaning: "calls on one connection before another is opened" },
      { name: "waitingMax", meaning: "calls that wait for a place on the connections to one instance" },
      { name: "reopenMs", meaning: "before a connection beside others that failed is tried again, while calls wait" },
      { name: "idleMs", meaning: "a connection beyond the first that carries nothing closes after" },
    ],
    "packages/clients/src/open-http2-session.ts": [
      { name: "headBytesMax", meaning: "the head of an answer" },
      { name: "pingIntervalMs", meaning: "between two pings of a connection" },
      { name: "pingTimeoutMs", meaning: "the answer to a ping" },
      { name: "streamWindowBytes", meaning: "flow control window of a call" },
      { name: "sessionWindowBytes", meaning: "flow control window of a connection" },
    ],
    "packages/clients/src/http1-agent.ts": [
      { name: "connectTimeoutMs", meaning: "a connection attempt over HTTP/1.1" },
      {
        name: "socketsMax",
        meaning: "connections of HTTP/1.1 to one instance; more calls wait in line until their deadline",
      },
      { name: "freeSocketsMax", meaning: "of them those that carry nothing" },
      { name: "idleMs", meaning: "a connection of HTTP/1.1 that carries nothing closes after" },
    ],
    "packages/clients/src/json-unary.ts": [{ name: "headBytesMax", meaning: "the head of an answer over HTTP/1.1" }],
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
