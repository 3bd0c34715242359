/** A call that source code does without, what to use in its place, and the files that may use it, each with the reason. */
export interface BannedCall {
  name: string;
  pattern: RegExp;
  instead: string;
  allowed: Readonly<Record<string, string>>;
}

export const bannedCalls: readonly BannedCall[] = [
  {
    name: "the wall clock",
    pattern: /\bDate\.now\(|\bnew Date\(\)/,
    instead: "take a Clock from @plinth/kernel and call now()",
    allowed: {
      "packages/kernel/src/clock.ts": "is the clock",
      "sdk/typescript/src/clock.ts": "is the clock of the SDK, which stands alone",
    },
  },
  {
    name: "the monotonic clock",
    pattern: /\bperformance\.now\(|\bprocess\.hrtime\b/,
    instead: "take a Clock from @plinth/kernel and call monotonicMs()",
    allowed: {
      "packages/kernel/src/clock.ts": "is the clock",
    },
  },
  {
    name: "randomness",
    pattern: /\bMath\.random\(|\brandomBytes\(|\brandomUUID\(|\brandomInt\(|\bgetRandomValues\(/,
    instead: "take a Random from @plinth/kernel: bytes(), uuidv7() or fraction()",
    allowed: {
      "packages/kernel/src/random.ts": "is the source of randomness",
      "sdk/typescript/src/retries.ts": "spreads retries; the SDK stands alone",
    },
  },
  {
    name: "a timer",
    pattern: /(?<![.\w])(setTimeout|setInterval)\(/,
    instead: "take a Clock from @plinth/kernel and await sleep(ms, signal)",
    allowed: {
      "packages/kernel/src/clock.ts": "is the clock",
      "packages/kernel/src/line-writer.ts": "writes collected log lines, which must not depend on a clock of the tests",
      "packages/kernel/src/process.ts": "lets the log flush before the process exits",
      "packages/clients/src/call-bounds.ts": "one timer per call on the hot path, without a promise",
      "packages/clients/src/give-up-after.ts": "bounds connecting and pings of a real connection",
      "packages/clients/src/http2-sessions.ts": "closes real connections that are idle, one timer for each",
      "packages/clients/src/open-http2-session.ts": "pings a real connection",
      "packages/rpc/src/server/call-end.ts": "one timer per call on the hot path, without a promise",
      "packages/rpc/src/server/one-port-listener.ts": "closes idle connections while the server stops",
      "packages/rpc/src/builtin/health-service.ts": "polls readiness for Watch, once per stream",
      "sdk/typescript/src/clock.ts": "is the clock of the SDK, which stands alone",
      "services/gateway/src/control/file-route-source.ts": "settles and rescans a watched directory",
      "services/gateway/src/data/deadline.ts": "one timer per request on the hot path, re-armed and without a promise",
      "services/gateway/src/data/forward.ts":
        "bounds an attempt and waits for the next, on the hot path of routes that ask for it",
      "services/gateway/src/data/http1/client-connection.ts": "bounds connecting of a real connection",
      "services/gateway/src/data/http1/connection-pool.ts": "one tick for the idle time of all its connections",
      "services/gateway/src/data/http1/read-answer.ts": "bounds a request of the gateway's own",
      "services/gateway/src/data/listener.ts":
        "bounds the first bytes of a connection, one tick for all of them, closes idle ones on stop",
      "services/gateway/src/data/tls-termination.ts": "bounds the handshake of a real connection",
      "services/gateway/src/data/workload-token.ts": "reads the token's file again, cancelled on stop",
    },
  },
  {
    name: "the environment",
    pattern: /\bprocess\.env\b/,
    instead: "add a key to the configuration spec (config.ts) and read it with readConfig",
    allowed: {
      "packages/kernel/src/process.ts":
        "PLINTH_EXIT_ON_STDIN_END is about the process, before there is a configuration",
      "packages/service/src/index.ts": "hands the environment to readConfig",
      "operator/src/main.ts": "hands the environment to readConfig",
      "operator/src/migrator/main.ts": "hands the environment to readConfig",
    },
  },
  {
    name: "the console",
    pattern: /\bconsole\.\w+\(|\bprocess\.(stdout|stderr)\.write\(/,
    instead: "take a Logger from @plinth/kernel",
    allowed: { "packages/kernel/src/process.ts": "says what is wrong with the configuration before there is a logger" },
  },
  {
    name: "leaving the process",
    pattern: /\bprocess\.(exit|abort|kill)\(/,
    instead: "throw; runProcess stops everything in order and sets the exit code",
    allowed: { "packages/kernel/src/process.ts": "is the one place where processes end" },
  },
];
