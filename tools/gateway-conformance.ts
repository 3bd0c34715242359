// Runs the Gateway API's conformance suite on the cluster that KUBECONFIG names, where the gateway is running.
// `npm run conformance:gateway [-- --run-test=NAME]`: what follows goes to the suite, but for --verbose.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { root } from "./run.ts";

const folder = path.join(root, "e2e/conformance/gateway-api");
/** Builds what is missing, with its progress shown; prints the folder with everything. */
const cache = execFileSync(path.join(folder, "build.sh"), {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
}).trim();
const kubectl = path.join(cache, "bin/kubectl");
const gatewayClass = "plinth";
/** Shows everything that the suite says, not only failures. */
const isVerbose = process.argv.includes("--verbose");

/** Results of the suite's tests, by name: those directly below TestConformance. */
interface Results {
  passed: string[];
  failed: string[];
  skipped: string[];
}

function apply(...args: string[]): void {
  const { status } = spawnSync(kubectl, ["apply", "--server-side", "--force-conflicts", ...args], {
    stdio: ["pipe", "ignore", "inherit"],
    input: JSON.stringify({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: gatewayClass },
      spec: { controllerName: "plinth.dev/gateway" },
    }),
  });
  if (status !== 0) throw new Error(`kubectl apply ${args.join(" ")} failed`);
}

async function runSuite(args: readonly string[], report: string): Promise<Results> {
  const results: Results = { passed: [], failed: [], skipped: [] };
  const suite = spawn(
    path.join(cache, "bin/gateway-conformance.test"),
    [
      "-test.v",
      "-test.run=TestConformance",
      "-test.timeout=30m",
      `--gateway-class=${gatewayClass}`,
      // Everything else is told by the class: status.supportedFeatures.
      "--conformance-profiles=GATEWAY-HTTP,GATEWAY-GRPC",
      `--report-output=${report}`,
      "--organization=plinth",
      "--project=plinth",
      "--version=0.1.0",
      "--contact=none",
      "--url=https://plinth.dev",
      ...args,
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "inherit"] },
  );
  for await (const line of createInterface({ input: suite.stdout })) {
    const [, verdict, name = ""] = /^ {4}--- (PASS|FAIL|SKIP): TestConformance\/([^/ ]+) /.exec(line) ?? [];
    if (verdict === "PASS") results.passed.push(name);
    else if (verdict === "FAIL") results.failed.push(name);
    else if (verdict === "SKIP") results.skipped.push(name);
    if (isVerbose || /^ *--- FAIL/.test(line)) process.stdout.write(`${line}\n`);
  }
  return results;
}

function knownFailures(): Set<string> {
  const lines = readFileSync(path.join(folder, "known-failures.txt"), "utf8").split("\n");
  return new Set(lines.map((line) => line.replace(/#.*/, "").trim()).filter((name) => name !== ""));
}

if (spawnSync(kubectl, ["version"], { stdio: ["ignore", "ignore", "inherit"] }).status !== 0)
  throw new Error("no cluster answers: KUBECONFIG must name the one to run the suite on");
// CRDs that are there stay, whatever their channel: the class says what can be tested with them.
if (spawnSync(kubectl, ["get", "crd", "httproutes.gateway.networking.k8s.io"], { stdio: "ignore" }).status !== 0)
  apply("-f", path.join(cache, "crds/gateway-api"));
apply("-f", "-");
// The suite reads the features right at its start.
const wait = ["wait", "--for=condition=Accepted", `gatewayclass/${gatewayClass}`, "--timeout=240s"];
if (spawnSync(kubectl, wait, { stdio: ["ignore", "ignore", "inherit"] }).status !== 0)
  throw new Error("the gateway does not look at its class: is it running?");
const report = path.join(mkdtempSync(path.join(tmpdir(), "plinth-conformance-")), "report.yaml");
const { passed, failed, skipped } = await runSuite(
  process.argv.slice(2).filter((arg) => arg !== "--verbose"),
  report,
);
const known = knownFailures();
const unexpected = failed.filter((name) => !known.has(name));
const mended = passed.filter((name) => known.has(name));
for (const name of unexpected) process.stdout.write(`FAILED: ${name}\n`);
for (const name of mended) process.stdout.write(`FAILED: it passes, so take it off known-failures.txt: ${name}\n`);
process.stdout.write(`skipped: ${skipped.join(", ") || "none"}\nreport: ${report}\n`);
process.stdout.write(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped\n`);
process.exit(unexpected.length + mended.length > 0 || passed.length === 0 ? 1 : 0);
