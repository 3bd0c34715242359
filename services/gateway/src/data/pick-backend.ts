import type { Backend } from "./route.ts";

/** One of the backends, each as often as its weight says; undefined when none has any. `fraction`: 0 to below 1. */
export function pickBackend(backends: readonly Backend[], fraction: number): Backend | undefined {
  let total = 0;
  for (const backend of backends) total += backend.weight;
  let rest = fraction * total;
  for (const backend of backends) {
    rest -= backend.weight;
    if (rest < 0) return backend;
  }
  return undefined;
}
