// `npm test`: every test that needs no cluster; arguments go to vitest.
import { runTests } from "./run-tests.ts";

process.exit(await runTests(process.argv.slice(2)));
