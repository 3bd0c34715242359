import type { Limit } from "./limit-list.ts";

/** Limits of the gateway as an implementation of the Gateway API. */
export const gatewayOnKubernetes: Readonly<Record<string, Readonly<Record<string, readonly Limit[]>>>> = {
  "Gateway: on Kubernetes": {
    "services/gateway/src/data/mirrors.ts": [
      { name: "inFlightMax", meaning: "copies of requests on their way to mirrors; more are left out" },
      { name: "answerBytesMax", meaning: "as much of a mirror's answer is read" },
      { name: "timeoutMs", meaning: "a mirror's answer" },
    ],
    "services/gateway/src/kubernetes/cluster-control.ts": [
      { name: "settleMs", meaning: "changes of the cluster are collected before they are compiled" },
    ],
    "services/gateway/src/kubernetes/compile-pace.ts": [
      { name: "restShare", meaning: "times as long as compiling took, it rests, in the long run" },
      { name: "owedMaxMs", meaning: "of that rest may be owed before a change waits for it" },
    ],
    "services/gateway/src/kubernetes/open-ports.ts": [
      { name: "closeTimeoutMs", meaning: "requests in hand on a port whose listener is gone" },
      { name: "retryMs", meaning: "before a port that could not be opened is tried again" },
    ],
    "services/gateway/src/kubernetes/leader.ts": [
      { name: "conflictRetryMs", meaning: "before a status that somebody else wrote meanwhile is written again" },
    ],
    "services/gateway/src/kubernetes/kubernetes-gateway.ts": [
      { name: "handOverMs", meaning: "a leader that stops may still write" },
    ],
    "services/gateway/src/kubernetes/status-patch.ts": [
      { name: "parentsMax", meaning: "parents in the status of a route, as its CRD has it" },
      { name: "ancestorsMax", meaning: "Gateways in the status of a RoutePolicy, as its CRD has it" },
    ],
    "services/gateway/src/kubernetes/compile/compile-rules.ts": [
      { name: "attemptsMax", meaning: "attempts that a route may ask for beyond the first (`retry.attempts`)" },
      { name: "backoffMaxMs", meaning: "the wait before each of them" },
    ],
  },
};
