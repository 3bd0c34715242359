// What run.ts does where the engine's published ports are: the suites here, and contract suites with their servers in containers.
import { runTests } from "../../tools/run-tests.ts";
import { startPackageRegistry } from "./platform/package-registry.ts";

process.env["PLINTH_TEST_CONTAINERS"] = "1";
// It could not be fetched; containers of a killed run go with the engine.
process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
// compose.yaml hands it to the images that are built.
process.env["NPM_CONFIG_REGISTRY"] = await startPackageRegistry(process.env["PLINTH_DOCKER_HOST_IP"] ?? "127.0.0.1");
process.exit(await runTests(["--config", "e2e/docker/vitest.config.ts", ...process.argv.slice(2)]));
