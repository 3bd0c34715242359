// `npm run e2e:mesh`: the platform inside Istio, with mutual TLS everywhere, on a hermetic cluster of its own, which is ended
// afterwards. Not a part of CI: Istio is built from source, half an hour the first time. Arguments go to vitest.
import { runTests } from "../../tools/run-tests.ts";
import { clusterDown, whyNoHermeticCluster } from "../platform/hermetic-cluster.ts";

const problem = whyNoHermeticCluster();
if (problem !== undefined) {
  process.stdout.write(`the mesh suite was left out: ${problem}\n0 passed, 0 failed\n`);
  process.exit(0);
}
// Istio is put onto it, and changes what every pod of some namespaces is made of: never onto somebody's cluster.
delete process.env["KUBECONFIG"];
try {
  process.exitCode = await runTests(["--config", "e2e/mesh/vitest.config.ts", ...process.argv.slice(2)]);
} finally {
  await clusterDown();
}
