// What run.ts does where the engine's published ports are: the suites here, and contract suites with their servers in containers.
import { runTests } from "../../tools/run-tests.ts";

process.env["PLINTH_TEST_CONTAINERS"] = "1";
// It could not be fetched; containers of a killed run go with the engine.
process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
process.exit(await runTests(["--config", "e2e/docker/vitest.config.ts", ...process.argv.slice(2)]));
