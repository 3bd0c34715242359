// `npm run e2e:docker`: the Compose stack and the drivers' contract suites on a Docker engine of our own. The engine is ended
// afterwards unless it was there before (e2e/docker/up.sh). The last line is `N passed, N failed`; arguments go to vitest.
import { exitCode, run } from "../../tools/run.ts";
import { engineIsUp, script, whyNoEngine } from "./platform/engine.ts";

const problem = whyNoEngine();
if (problem !== undefined) {
  const inCi = process.env["CI"] === "true";
  process.stdout.write(`the Docker suites were left out: ${problem}\n`);
  process.stdout.write(inCi ? "with CI=true nothing may be left out\n0 passed, 1 failed\n" : "0 passed, 0 failed\n");
  process.exit(inCi ? 1 : 0);
}
// Ctrl-C reaches the tests as well; the engine is ended after them.
process.on("SIGINT", () => {});
const was = await engineIsUp();
try {
  await run(script("up.sh"), []);
  const inside = [process.execPath, "e2e/docker/run-inside.ts", ...process.argv.slice(2)];
  process.exitCode = await exitCode(script("enter.sh"), inside);
} finally {
  if (!was) await run(script("down.sh"), []);
}
