/** Whether a dependency works; `undefined` when it does, otherwise one sentence for a person. */
export type HealthCheck = () => string | undefined;

/**
 * What a process says of itself. Live: the process is not stuck. Ready: it started, is not draining, and every
 * registered check passes.
 */
export interface Health {
  add(name: string, check: HealthCheck): void;
  setStarted(): void;
  setDraining(): void;
  /** Empty when ready; otherwise one entry per reason. */
  problems(): { name: string; problem: string }[];
}

export function createHealth(): Health {
  const checks = new Map<string, HealthCheck>();
  let phase: "starting" | "started" | "draining" = "starting";
  return {
    add: (name, check) => void checks.set(name, check),
    setStarted() {
      if (phase === "starting") phase = "started";
    },
    setDraining() {
      phase = "draining";
    },
    problems() {
      const found: { name: string; problem: string }[] =
        phase === "started" ? [] : [{ name: "process", problem: phase }];
      for (const [name, check] of checks) {
        const problem = check();
        if (problem !== undefined) found.push({ name, problem });
      }
      return found;
    },
  };
}
