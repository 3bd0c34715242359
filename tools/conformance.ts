// Lets others judge the RPC server of every service, the client between services and the gateway in front of both: the
// Connect conformance suite and gRPC's interop programs. `npm run conformance [-- server|client|gateway|interop]`: all of
// them by default. The last line is
// `N passed, N failed`; what is known to fail is in tools/conformance/known-failures-*.txt and counts as passed.
import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { bundleProgram } from "@plinth/cli";
import { judgeAllOfOurs, judgeClient, judgeServer, type Results } from "./conformance/interop.ts";
import { buildJudges } from "./conformance/judges.ts";

interface Count {
  passed: number;
  failed: number;
}

const tools = import.meta.dirname;
const file = (name: string): string => path.join(tools, "conformance", name);
const judges = buildJudges();

/** connect-es calls a stream canceled whose server resets it at the deadline just before the client's own timer does. */
const streamsAtDeadline = "Timeouts/**/bidi-stream/*";

/**
 * The suite's client gives up at the same moment as the server answers: between status and body of that answer it has read
 * nothing yet, and complains that the body is no JSON. Only Connect's unary errors have a body that it looks at.
 */
const unaryAtDeadline = "Timeouts/**/Protocol:PROTOCOL_CONNECT/**/unary";

/**
 * The same race at an answer that ours gives otherwise than the suite wants (known-failures-*.txt): its client looks at the body
 * of a 415, which is mostly not there yet over HTTP/2, and has nothing against the test when it is.
 */
const foreignTypes = "Unexpected Requests/HTTPVersion:2/**/unexpected-content-type";

interface Suite {
  /** What the suite plays the other side of. */
  mode: "server" | "client";
  /** Program of this folder that it starts, again and again: bundled, because unbundled that costs seconds each time. */
  program: "tested-server" | "tested-client";
  arguments?: readonly string[];
  /** Tests that may fail, with the reason. */
  flaky: readonly string[];
}

const suites = {
  server: { mode: "server", program: "tested-server", flaky: [streamsAtDeadline, unaryAtDeadline, foreignTypes] },
  client: { mode: "client", program: "tested-client", flaky: [streamsAtDeadline] },
  gateway: {
    mode: "server",
    program: "tested-server",
    arguments: [file("routes")],
    // At a deadline either may be first, the server or the gateway; the suite counts details, and the gateway's answer has one: its reason.
    flaky: ["Timeouts/**", foreignTypes],
  },
  "gateway-client": {
    mode: "client",
    program: "tested-client",
    arguments: [file("routes")],
    flaky: ["Timeouts/**"],
  },
} satisfies Record<string, Suite>;

/** Runs the suite; shows all that it says. A run that ends before it counts has failed. */
async function connectSuite(name: keyof typeof suites): Promise<Count> {
  const { mode, program, flaky, ...more }: Suite = suites[name];
  const main = await bundleProgram({
    folder: tools,
    main: file(`${program}.ts`),
    outdir: file(`dist/${program}`),
  });
  const suite = spawn(
    judges.connect,
    [
      `--mode=${mode}`,
      `--conf=${file(`${name}.yaml`)}`,
      `--known-failing=@${file(`known-failures-${name}.txt`)}`,
      ...flaky.map((pattern) => `--known-flaky=${pattern}`),
      "--max-servers=2",
      "--",
      ...[process.execPath, main, ...(more.arguments ?? [])],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = new Promise<number>((resolve) => suite.once("exit", (code) => resolve(code ?? 1)));
  const count = { passed: 0, failed: 0 };
  for await (const line of createInterface({ input: suite.stdout })) {
    process.stdout.write(`${line}\n`);
    const [, passed, failed] = /^(\d+) passed, (\d+) failed/.exec(line) ?? [];
    if (passed !== undefined) Object.assign(count, { passed: Number(passed), failed: Number(failed) });
  }
  if ((await exited) !== 0 && count.failed === 0) count.failed = 1;
  return count;
}

const sum = (a: Count, b: Count): Count => ({ passed: a.passed + b.passed, failed: a.failed + b.failed });

function show(results: Results): Count {
  const count = { passed: 0, failed: 0 };
  for (const [name, result] of results) {
    if (result === "passed") count.passed++;
    else {
      count.failed++;
      process.stdout.write(`FAILED: ${name}: ${result.message}\n`);
    }
  }
  return count;
}

const parts: Record<string, () => Promise<Count>> = {
  server: () => connectSuite("server"),
  client: () => connectSuite("client"),
  gateway: async () => sum(await connectSuite("gateway"), await connectSuite("gateway-client")),
  interop: async () =>
    show(
      new Map([
        ...(await judgeServer(judges.grpcClient)),
        ...(await judgeServer(judges.grpcClient, file("routes"))),
        ...(await judgeClient(judges.grpcServer)),
        ...(await judgeAllOfOurs(file("routes"))),
      ]),
    ),
};
const wanted = process.argv.slice(2);
const total = { passed: 0, failed: 0 };
for (const name of wanted.length > 0 ? wanted : Object.keys(parts)) {
  const part = parts[name];
  if (!part) throw new Error(`there is no "${name}"; there are ${Object.keys(parts).join(", ")}`);
  process.stdout.write(`\n== ${name}\n`);
  const { passed, failed } = await part();
  process.stdout.write(`${name}: ${passed} passed, ${failed} failed\n`);
  total.passed += passed;
  total.failed += failed;
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
