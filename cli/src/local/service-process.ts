import { type ChildProcess, spawn } from "node:child_process";
import { backoffMs, type Clock, type Random } from "@plinth/kernel";
import { createLineSplitter } from "./line-splitter.ts";
import { chain, parseLogLine } from "./log-line.ts";
import { probeReadiness } from "./readiness.ts";

/** failed: ended with wrong configuration and is not tried again. */
export type InstanceState = "starting" | "ready" | "unready" | "waiting" | "failed" | "stopping" | "stopped";

export interface InstanceStatus {
  label: string;
  state: InstanceState;
  pid: number | undefined;
  port: number;
  adminPort: number;
  restarts: number;
  /** Why it is not ready, or why it ended last; empty when all is well. */
  problems: string[];
}

export interface ServiceProcessOptions {
  /** Name shown to a person; the instance's number is in it when there are several. */
  label: string;
  command: readonly [string, ...string[]];
  cwd: string;
  /** Called before every start, so that each process has an instance id of its own. */
  env: (restarts: number) => Record<string, string>;
  port: number;
  adminPort: number;
  probe: { port: number; path: string };
  /** Default: over HTTP. */
  look?: typeof probeReadiness;
  /** Output, complete lines. */
  onLines: (lines: string[]) => void;
  /** What the supervisor itself has to say about the process. */
  say: (text: string) => void;
  clock: Clock;
  random: Random;
  timing?: Partial<ProcessTiming>;
}

export interface ProcessTiming {
  /** Between probes until ready. */
  startProbeMs: number;
  /** Between probes afterwards. */
  probeMs: number;
  backoffInitialMs: number;
  backoffMaxMs: number;
  /** A process that ran so long starts over with the shortest delay. */
  stableMs: number;
  /** From SIGTERM to SIGKILL. */
  killAfterMs: number;
}

const defaultTiming: ProcessTiming = {
  startProbeMs: 50,
  probeMs: 1_000,
  backoffInitialMs: 500,
  backoffMaxMs: 30_000,
  stableMs: 30_000,
  killAfterMs: 30_000,
};

// Shown when a process does not become ready or dies.
const lastLinesMax = 12;
// After the end of a process, for output that is still on its way.
const outputGraceMs = 500;
const wrongConfigurationCode = 2;
/** A ready service that answers so many probes too late in a row is unready: fewer, and only the machine is busy. */
const lateMax = 3;

/** One instance of a service: a child process that is started again whenever it ends by itself. */
export interface ServiceProcess {
  start(): void;
  status(): InstanceStatus;
  /** The newest lines of its output. */
  lastLines(): readonly string[];
  /**
   * Resolves when ready; rejects with the reason when it cannot become ready without help. Impatient: when it has ended
   * once, too, instead of waiting for the next try.
   */
  untilReady(signal: AbortSignal, patience?: "patient" | "impatient"): Promise<void>;
  /** SIGTERM, and SIGKILL when that is not enough. What has not begun does not begin any more. */
  stop(): Promise<void>;
  /** SIGKILL now. */
  kill(): void;
}

export function createServiceProcess(options: ServiceProcessOptions): ServiceProcess {
  const timing = { ...defaultTiming, ...options.timing };
  const { look = probeReadiness } = options;
  const stopping = new AbortController();
  const lastLines: string[] = [];
  let state: InstanceState = "stopped";
  let problems: string[] = [];
  let restarts = 0;
  let child: ChildProcess | undefined;
  let running: Promise<void> | undefined;

  function collect(lines: string[]): void {
    lastLines.push(...lines);
    lastLines.splice(0, lastLines.length - lastLinesMax);
    options.onLines(lines);
  }

  /** Runs the process once; resolves with how it ended. */
  function runOnce(): Promise<{ code: number | null; how: string }> {
    return new Promise((resolve) => {
      const [program, ...args] = options.command;
      // A group of its own: Ctrl-C in the terminal reaches the supervisor only, which stops services in order. Should the
      // supervisor die, the end of standard input tells the service.
      const started = spawn(program, args, {
        cwd: options.cwd,
        env: options.env(restarts),
        stdio: ["pipe", "pipe", "pipe"],
        detached: true,
      });
      child = started;
      started.stdin.on("error", () => {});
      for (const stream of [started.stdout, started.stderr]) {
        const splitter = createLineSplitter();
        stream.on("data", (chunk: Buffer) => collect(splitter.lines(chunk)));
        stream.on("end", () => collect(splitter.rest()));
      }
      started.once("error", (err) =>
        resolve({ code: wrongConfigurationCode, how: `cannot be started: ${err.message}` }),
      );
      started.once("exit", (code, signal) => {
        // What it started goes with it.
        signalGroup(started, "SIGKILL");
        const end = { code, how: signal ? `ended by ${signal}` : `exit code ${code}` };
        const timer = setTimeout(() => resolve(end), outputGraceMs);
        started.once("close", () => {
          clearTimeout(timer);
          resolve(end);
        });
      });
    });
  }

  async function watchReadiness(over: AbortSignal): Promise<void> {
    let lateInARow = 0;
    while (!over.aborted) {
      const answer = await look(options.probe.port, options.probe.path);
      if (over.aborted) return;
      lateInARow = answer.late ? lateInARow + 1 : 0;
      if (answer.ready && state !== "ready" && state !== "stopping") state = "ready";
      else if (!answer.ready && state === "ready" && (lateInARow === 0 || lateInARow >= lateMax)) state = "unready";
      problems = answer.problems;
      const pause = state === "starting" ? timing.startProbeMs : timing.probeMs;
      await options.clock.sleep(pause, over).catch(() => {});
    }
  }

  async function supervise(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      state = "starting";
      problems = [];
      const begin = options.clock.monotonicMs();
      const over = new AbortController();
      const watching = watchReadiness(over.signal);
      const end = await runOnce();
      over.abort();
      await watching;
      child = undefined;
      if (stopping.signal.aborted) break;
      // Who is killed from outside says nothing of it; an older line would mislead.
      const lastWords = end.how.startsWith("ended by SIGKILL") ? "" : lastError(lastLines);
      const reason = [end.how, lastWords].filter(Boolean).join("; ");
      problems = [reason];
      if (end.code === wrongConfigurationCode) {
        state = "failed";
        options.say(
          `${reason}. Its configuration is wrong, so it is not started again: fix it, then run plinth restart`,
        );
        return;
      }
      if (options.clock.monotonicMs() - begin > timing.stableMs) attempt = 1;
      const delayMs = backoffMs(
        attempt,
        { initialMs: timing.backoffInitialMs, maxMs: timing.backoffMaxMs },
        options.random,
      );
      state = "waiting";
      options.say(`${reason}; starting it again in ${(delayMs / 1000).toFixed(1)} s`);
      await options.clock.sleep(delayMs, stopping.signal).catch(() => {});
      if (stopping.signal.aborted) break;
      restarts++;
    }
    state = "stopped";
  }

  return {
    lastLines: () => lastLines,
    status: () => ({
      label: options.label,
      state,
      pid: child?.pid,
      port: options.port,
      adminPort: options.adminPort,
      restarts,
      problems: state === "ready" ? [] : problems,
    }),
    start() {
      if (!stopping.signal.aborted) running ??= supervise();
    },
    async untilReady(signal, patience = "patient") {
      while (state !== "ready") {
        signal.throwIfAborted();
        if (state === "failed" || (patience === "impatient" && (state === "waiting" || restarts > 0)))
          throw new Error(problems.join("; "));
        if (state === "stopped" || state === "stopping") throw new Error("was stopped");
        await options.clock.sleep(timing.startProbeMs / 2, signal);
      }
    },
    kill: () => signalGroup(child, "SIGKILL"),
    async stop() {
      stopping.abort();
      if (state === "failed" || running === undefined) return;
      state = "stopping";
      signalGroup(child, "SIGTERM");
      const timer = setTimeout(() => {
        options.say(`does not stop within ${timing.killAfterMs / 1000} s and is killed`);
        signalGroup(child, "SIGKILL");
      }, timing.killAfterMs);
      await running;
      clearTimeout(timer);
    },
  };
}

function signalGroup(child: ChildProcess | undefined, signal: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group is gone.
  }
}

/** What the process said last about an error; empty when nothing. */
function lastError(lines: readonly string[]): string {
  for (const raw of lines.toReversed()) {
    const line = parseLogLine(raw);
    if (line.level === "error") {
      const err = line.fields["err"] as { message?: string } | undefined;
      return typeof err?.message === "string"
        ? `${line.message}: ${chain({ message: err.message, ...err })}`
        : line.message;
    }
    if (/\w*Error:/.test(raw)) return raw.trim();
  }
  return "";
}
