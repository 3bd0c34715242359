// Asks the registry for known vulnerabilities of what we ship; high and critical ones fail.
//   --required   a registry that does not answer the question fails, too (the release does so)
import { execFile } from "node:child_process";
import { parseArgs } from "node:util";
import { root } from "./run.ts";

interface Report {
  error?: unknown;
  vulnerabilities?: Record<string, { severity: string; range: string; fixAvailable: unknown }>;
}

const { values } = parseArgs({ options: { required: { type: "boolean", default: false } } });
const report = await audit();
if (!report) {
  process.stdout.write("known vulnerabilities: not checked, the registry does not answer `npm audit`\n");
  process.exitCode = values.required ? 1 : 0;
} else {
  const grave = Object.entries(report).filter(([, { severity }]) => severity === "high" || severity === "critical");
  for (const [name, { severity, range, fixAvailable }] of grave)
    process.stdout.write(`${severity}: ${name} ${range}${fixAvailable ? ", fixed by npm audit fix" : ""}\n`);
  process.stdout.write(`known vulnerabilities: ${grave.length} high or critical of ${Object.keys(report).length}\n`);
  process.exitCode = grave.length > 0 ? 1 : 0;
}

/** Undefined when there is no answer. */
function audit(): Promise<Report["vulnerabilities"]> {
  return new Promise((resolve) => {
    execFile("npm", ["audit", "--omit=dev", "--json"], { cwd: root }, (_err, stdout) => {
      try {
        const answer = JSON.parse(stdout) as Report;
        resolve(answer.error ? undefined : answer.vulnerabilities);
      } catch {
        resolve(undefined);
      }
    });
  });
}
