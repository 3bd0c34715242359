// Lets others judge the RPC server of every service and the client between services: the Connect conformance suite and
// gRPC's interop programs. `npm run conformance [-- server|client|interop]`: all of them by default. The last line is
// `N passed, N failed`; what is known to fail is in tools/conformance/known-failures-*.txt and counts as passed.
import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { judgeClient, judgeServer, type Results } from "./conformance/interop.ts";
import { buildJudges } from "./conformance/judges.ts";

interface Count {
  passed: number;
  failed: number;
}

const folder = path.join(import.meta.dirname, "conformance");
const judges = buildJudges();

/** Runs the suite; shows all that it says. A run that ends before it counts has failed. */
async function connectSuite(mode: "server" | "client"): Promise<Count> {
  const file = (name: string) => path.join(folder, name);
  const suite = spawn(
    judges.connect,
    [
      `--mode=${mode}`,
      `--conf=${file(`${mode}.yaml`)}`,
      `--known-failing=@${file(`known-failures-${mode}.txt`)}`,
      // connect-es calls a stream canceled whose server resets it at the deadline just before the client's own timer does.
      "--known-flaky=Timeouts/**/bidi-stream/*",
      "--max-servers=2",
      "--",
      process.execPath,
      file(`tested-${mode}.ts`),
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
  interop: async () =>
    show(new Map([...(await judgeServer(judges.grpcClient)), ...(await judgeClient(judges.grpcServer))])),
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
